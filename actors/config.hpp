#pragma once
// How a memory is set up. Defaults fit a burst of some thousand writes a second.

#include "storage/arena.hpp"
#include "storage/engine.hpp"
#include "storage/records.hpp"
#include "storage/result.hpp"
#include "storage/write_log.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace cmem {

enum class log_level : std::uint8_t { debug, info, warning, error };

[[nodiscard]] std::string_view to_string(log_level level) noexcept;

/// Receives the memory's messages, from any thread.
using log_sink = std::function<void(log_level, std::string_view)>;

/// What health() complains about: values above these.
struct health_limits {
  std::uint64_t pending_max = 10'000;            ///< entries in the write log
  std::uint64_t dropped_max = 0;                 ///< entries discarded since the memory was opened
  std::uint32_t reconciliation_lag_max_ms = 100; ///< age of the oldest pending entry (R7)
};

struct config {
  /// Directory of the durable store, made if it is not there; "": memory alone.
  std::string storage_path = {};
  /// The store is read, and never written: beside a process that writes it, its last checkpoint
  /// (D6). Every write is refused.
  bool read_only = false;
  /// When what was learned goes to the disk by itself (D1). No effect without storage_path.
  cmem::durability durability = cmem::durability::interval;
  /// At level `interval`: how long it may wait.
  std::uint32_t commit_interval_ms = 100;
  /// Once so much waits for the disk, nothing more is merged, and `overflow` rules (D1).
  std::uint64_t waiting_bytes_max = std::uint64_t{64} << 20;
  /// Once flushed, content, vectors, names and attributes are read from the segment file, and their
  /// memory serves again. (Those of a store that was opened always are.)
  bool map_flushed = false;
  /// So much log is written before a flush, however few concepts changed.
  std::uint64_t flush_log_bytes = std::uint64_t{256} << 20;
  /// Segments are merged in the background, so that the store stays small and quick to open.
  /// Without it compact() alone does that.
  bool compaction = true;
  /// How much merging reads and writes, at most; 0: as fast as it goes. It does not hold back what
  /// is late: above compaction_segments_max segments, or where newer ones are nearly as large as
  /// the oldest (compaction_policy::garbage_max).
  std::uint64_t compaction_bytes_per_s = std::uint64_t{64} << 20;
  /// Without, merging segments makes codes of vectors as soon as there are some ten thousand: what
  /// is read of them, once the store is opened again or they are mapped, is then something like
  /// what was learned, and the originals are gone (storage/vector_coding_options.hpp). It is not
  /// kept with the store: who opens it with originals loses nothing more.
  bool keep_originals = true;
  /// How much less room codes take, 4 or 8 times, where there is no codebook for them yet.
  std::uint32_t vector_code_ratio = 4;
  /// Of each file of the log; filled with zeros when it is made.
  std::uint64_t log_file_bytes = std::uint64_t{64} << 20;
  /// Upper bound of the time between merges; what awaits or a filling log wake comes sooner.
  std::uint32_t reconcile_interval_ms = 10;
  /// Most entries of one merge. Fewer are taken when a merge of so many would outlast the interval.
  std::size_t max_batch_size = 10'000;
  /// 2: merges of 4,000 entries and more take a second thread, with the same result, where there is
  /// a second core. Smaller ones take one.
  std::uint32_t reconcile_threads = 2;
  /// Concepts that change before they are flushed to a segment. No effect without storage.
  std::size_t memory_threshold = 50'000;
  /// Entries that wait for the reconciler at most, and what happens to one more (W3).
  std::size_t log_capacity = 100'000;
  /// Unset: `reject` where it is durable, else `drop_oldest`.
  std::optional<overflow_policy> overflow = {};
  /// Numbers of a concept's vector; 0: concepts have none.
  std::uint32_t vector_dimension = 0;
  /// Searches by vector and by text look things up in indexes that a thread of their own makes, and
  /// find what is in the snapshot (of the nearest, few may be missed: storage/nearest.hpp); else
  /// they look at all. Either one has attributes, for filters. Vectors: no effect at dimension 0.
  bool index_vectors = true;
  bool index_text = false;
  /// By which many vectors are searched: searches by another metric look at all of them.
  cmem::vector_metric vector_metric = cmem::vector_metric::cosine;
  /// Over it nothing new is taken, and what is stored stays readable. 0: no budget.
  std::uint64_t memory_budget_bytes = 0;
  /// Seconds after which half of a concept's strength is left, since it was last learned,
  /// strengthened or accessed; 0: strengths do not fade. Unset: as the store has it, which keeps
  /// it; 0 without one.
  std::optional<std::uint64_t> strength_half_life_s = {};
  /// What the memory forgets by itself, within seconds; storage/retention.hpp says what counts.
  /// Unset: nothing. prune() does it once.
  std::optional<retention_rules> forget = {};
  /// Keep created and last used of associations (16 bytes each).
  bool association_times = true;
  /// Keep associations that have not changed for a second packed: a third of their memory, or two
  /// thirds where no property is like another. Lossless. Writing to a packed list unpacks a part.
  bool pack_associations = false;
  /// Address space reserved; memory is used as it fills.
  std::uint64_t arena_bytes = arena_bytes_max;
  /// Actors that answer queries by message. Direct calls need none of them.
  std::size_t reader_actors = 2;
  /// The reconciler has a thread of its own. Without, it ticks by the actor system's clock and runs
  /// on its workers, which CAF's deterministic test scheduler can step.
  bool reconciler_detached = true;
  health_limits health = {};
  /// Empty: warnings and errors go to standard error.
  log_sink log = {};
  /// Clock of entries and snapshots; empty: the system's. For replays and tests.
  std::function<timestamp_us()> clock = {};
  /// Called while a store is opened, by the thread that opens it.
  std::function<void(const recovery_progress&)> on_progress = {};
  /// Where the store's files are; for tests.
  env files = env();

  /// Larger merges, less often: 50 ms, 100,000 entries.
  [[nodiscard]] static config high_write_throughput();
  /// What is learned is seen sooner: 5 ms, 10,000 entries.
  [[nodiscard]] static config low_latency_reads();
  /// Smaller merges need less beside what is stored: 10 ms, 5,000 entries. With a store, content
  /// leaves the memory once it is flushed (map_flushed), after 5,000 concepts. Associations that
  /// have settled are packed (pack_associations).
  [[nodiscard]] static config memory_constrained();
};

// Edges that validate() holds config to, beside those of limits.hpp and arena.hpp.
inline constexpr std::uint32_t interval_max_ms = 60'000;
inline constexpr std::uint32_t commit_interval_max_ms = 100;
inline constexpr std::uint64_t waiting_bytes_limit = std::uint64_t{1} << 40;
inline constexpr std::uint64_t log_file_bytes_max = std::uint64_t{1} << 34;
inline constexpr std::uint64_t flush_log_bytes_min = std::uint64_t{1} << 16;
inline constexpr std::uint64_t compaction_segments_max = 24;
inline constexpr std::uint64_t half_life_max_s = 3'155'760'000; ///< a hundred years
inline constexpr std::size_t reader_actors_max = 256;
inline constexpr std::uint32_t lag_limit_max_ms = 3'600'000;

/// Checks every field. Fails (invalid_argument) naming field and value.
result<void> validate(const config& c);

/// What it comes to where `overflow` is unset (W3).
[[nodiscard]] overflow_policy overflow_of(const config& c) noexcept;

/// What of it concerns storage.
[[nodiscard]] engine_options storage_options(const config& c);

} // namespace cmem
