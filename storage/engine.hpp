#pragma once
// The whole memory without actors: write log, builder, snapshots, the reconcile step that whoever
// owns a thread calls every few milliseconds, and the durable log that whoever owns another
// commits.

#include "storage/concept_id.hpp"
#include "storage/durable_log.hpp"
#include "storage/graph_snapshot.hpp"
#include "storage/kind_registry.hpp"
#include "storage/limits.hpp"
#include "storage/read_view.hpp"
#include "storage/records.hpp"
#include "storage/result.hpp"
#include "storage/retention.hpp"
#include "storage/store_options.hpp"
#include "storage/ticket.hpp"
#include "storage/vector_metric.hpp"
#include "storage/write_log.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace cmem {

struct engine_options {
  std::size_t log_capacity = 100'000;
  overflow_policy overflow = overflow_policy::drop_oldest;
  std::size_t batch_entries_max = 10'000; ///< a reconcile step merges at most this many entries
  /// Threads that merge long runs of entries, with the result that one would have: 1 or 2, and no
  /// more than there are cores. The second one sleeps in between.
  std::uint32_t merge_threads = 2;
  std::size_t parallel_entries_min = 4'000; ///< what a long run is
  std::uint32_t vector_dimension = 0;       ///< 0: concepts have no vectors
  std::uint64_t memory_budget_bytes = 0;    ///< 0: none. Over it nothing new is taken.
  /// Lower than the limits of limits.hpp where a host wants it so; tests of the edges do.
  std::uint32_t concepts_max = cmem::concepts_max;
  std::uint32_t degree_max = cmem::degree_max;
  bool association_times = true; ///< created and last used of associations (16 bytes each)
  /// Associations that did not change for a second or more are kept packed, and what the segments
  /// of a store bring comes up packed (what its log replays on top is as if it were written now).
  /// Lossless; see packed_adjacency.hpp. With a budget, nothing is packed for which a snapshot that
  /// somebody holds would take more than half of what the budget leaves.
  bool pack_associations = false;
  /// What searches look things up in, once index_some() is called; else they look at all. Either
  /// one has attributes, for filters. Vectors: no effect where there are none.
  bool index_vectors = true;
  bool index_text = false;
  /// Of searches among many vectors: those by another metric look at all of them.
  cmem::vector_metric vector_metric = cmem::vector_metric::cosine;
  /// Of fewer there is no graph of neighbors: a search looks at all of them, as fast.
  std::uint32_t graph_vectors_min = 50'000;
  std::uint64_t arena_bytes = arena_bytes_max; ///< address space reserved
  std::size_t settlement_history = 4096;       ///< runs of dropped or failed entries remembered
  /// Half of a strength is left after so many microseconds; 0: all. Unset: as the store has it, and
  /// 0 without one. A store keeps it; read-only openings take that.
  std::optional<timestamp_us> strength_half_life = {};
  /// What may be forgotten by these is, within seconds, by entries like any others. Unset: nothing.
  std::optional<retention_rules> forget = {};
  /// Called when the reconciler should go at once; see write_log_options::on_wake.
  std::function<void()> on_wake = {};
  /// The writers' and the snapshots' clock; empty: the system's.
  std::function<timestamp_us()> clock = {};
  /// Called before each entry is applied; may throw. For tests of W9.
  std::function<void(const write_entry&)> on_apply = {};
  /// Where it is kept; none: in memory alone.
  std::optional<store_options> store = {};
};

/// What one reconcile step did.
struct reconcile_report {
  std::uint64_t entries = 0; ///< drained and settled
  std::uint64_t failed = 0;  ///< of them, not applied
  bool published = false;    ///< a new snapshot
  /// what() of a merge that threw twice: why entries failed as internal or out_of_memory. Else
  /// empty.
  std::string merge_error = {};
  /// Go again at once: at least another batch waits, or (once closed) anything does.
  bool more_pending = false;
  /// Nothing was drained, for too much waits for the disk (D1): commit() first. It then calls
  /// on_wake.
  bool stalled = false;
};

struct memory_use {
  std::uint64_t records = 0; ///< concept records and the ways to them
  std::uint64_t id_table = 0;
  std::uint64_t adjacency = 0;         ///< associations, both directions, and the ways to them
  std::uint64_t association_times = 0; ///< part of adjacency
  std::uint64_t payloads = 0;          ///< content, vectors, names, attributes, queued entries
  std::uint64_t retired = 0;       ///< part of the above: replaced, still seen by an old snapshot
  std::uint64_t bookkeeping = 0;   ///< the builder's own
  std::uint64_t indexes = 0;       ///< for searches, see index_some()
  std::uint64_t reserved_free = 0; ///< handed out by the arena, now on free lists
  std::uint64_t total = 0;         ///< everything above
};

/// What snapshots that were replaced and are still held keep from being freed.
struct snapshots_held {
  std::uint64_t oldest_sequence = 0; ///< of all live ones: the newest's where no other is held
  timestamp_us oldest_age_us = 0;    ///< since its publish; 0 where no other is held
  std::uint64_t memory_bytes = 0;    ///< memory_use::retired
  std::uint64_t mapped_bytes = 0;    ///< of segments that the store no longer has
};

struct engine_stats {
  write_log_counters log;
  std::uint64_t reconciliations = 0; ///< snapshots published
  std::uint64_t entries_processed = 0;
  std::uint64_t entries_failed = 0;
  std::uint64_t forgets = 0; ///< entries made because engine_options::forget says so
  std::uint64_t sequence = 0;
  timestamp_us timestamp = 0;
  std::uint64_t concept_count = 0;
  std::uint64_t edge_count = 0;
  std::uint64_t placeholder_count = 0;
  std::uint64_t parallel_parts = 0;       ///< of long runs of entries: merged by two threads
  std::uint64_t lists_packed = 0;         ///< while it was open, because they had settled
  std::uint64_t live_snapshots = 0;       ///< the current one included
  timestamp_us reconciliation_lag_us = 0; ///< age of the oldest pending entry
  snapshots_held held;                    ///< as of the last reconcile step
  memory_use memory;
  durable_log_figures store; ///< all zero without one
};

/// Threads: writes, reads, awaits and stats() from any thread. reconcile() from one thread at a
/// time. The engine must outlive all calls on it, but not the guards and handles it gave out (R1).
class engine {
public:
  /// Fails (invalid_argument) naming the option and its value; (out_of_memory) when no address
  /// space can be reserved, or not enough of it for what the store holds; `locked` with the pid of
  /// the process that writes the store (D6); `corrupt`, `unsupported`, and as env does. What a
  /// store holds is taken over whatever the limits are now.
  static result<std::unique_ptr<engine>> create(engine_options options);
  ~engine();
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  // -- writing (W1): validate (W7), append, return. No lock, no wait, no system call.

  /// Any of the op:: structs, or a write_op. Fails: what validate() (W7) and write_log::append()
  /// fail with, memory_budget for a concept that is new while the memory is over its budget, and
  /// read_only once the store has failed (D4).
  template <class Op>
  result<ticket> write(const Op& o);
  /// All become visible in one snapshot, or none does (W8). A bad one refuses all, naming its
  /// position. With a store also (limit_exceeded) one that no log record holds.
  result<ticket> learn_batch(std::span<const write_op> ops);
  /// All reach a snapshot, and the disk, together (after a crash all are there or none is); but
  /// each is applied, or fails, by itself and has a ticket: the first one's is returned, the next
  /// has the next number. Cheaper than a batch. A bad one refuses all, as there.
  result<ticket> write_together(std::span<const write_op> ops);

  /// A kind is stored with the next entries; one that nothing was learned of is not.
  [[nodiscard]] kind_registry& kinds() noexcept;
  [[nodiscard]] const kind_registry& kinds() const noexcept;

  // -- reading (R1)

  /// The newest snapshot, held by this thread until the guard goes. A few nanoseconds.
  [[nodiscard]] snapshot_guard load() const noexcept;
  /// The newest snapshot as a counted handle that may be kept and mailed.
  [[nodiscard]] snapshot_handle share() const noexcept;

  // -- awaiting (W4)

  /// Calls `done` once, with what became of the entry, as soon as that is known: on this thread
  /// when it is known already, else on the thread that reconciles (or closes). Wakes the
  /// reconciler.
  void on_settled(const ticket& t, std::function<void(settlement)> done);
  /// Blocks until it is known. Fails: timed_out. Not to be called on the thread that reconciles.
  result<settlement> await_visible(const ticket& t, std::chrono::nanoseconds timeout);

  /// The same, once it is on the disk: what was applied is told then, what was dropped or failed at
  /// once. `done` gets a failure where it never will be on the disk: not_durable without a store or
  /// at level `none`, read_only, closed. It is called on this thread, the one that reconciles or
  /// the one that commits. Wakes both.
  void on_durable(const ticket& t, std::function<void(result<settlement>)> done);
  /// Fails: timed_out, and as on_durable() does. Not to be called on those two threads.
  result<settlement> await_durable(const ticket& t, std::chrono::nanoseconds timeout);

  // -- storing: any thread, which waits for the disk

  /// Takes to the disk what was merged, and answers the sequence that is durable now: when
  /// store_options::on_commit_due says so, and at level `interval` every 100 ms or sooner. After a
  /// failure the store is read-only (D4): what is queued fails, what was merged stays readable.
  /// Fails: not_durable without a store.
  result<std::uint64_t> commit();
  /// commit() has something to do. For the owner's timer.
  [[nodiscard]] bool commit_wanted() const noexcept;

  /// The next reconcile step hands over what changed, for a flush. Wakes the reconciler. Steps do
  /// that by themselves when store_options says so, and the one that ends a closed memory does.
  void ask_for_flush();
  /// Something was handed over: flush() has something to do.
  [[nodiscard]] bool flush_due() const noexcept;
  /// Writes what was handed over as a segment, names it in the manifest, and gives up the log that
  /// held it: true; false if there was nothing. Only who calls waits, and who calls it too. After a
  /// failure the store is read-only (D4). Throws std::bad_alloc: then it is to be called again.
  result<bool> flush();
  /// Makes a log file ready where one will be needed soon, so that no commit has to wait for that.
  /// Blocks, as flush() does, and goes with it. A failure breaks nothing.
  result<void> make_log_ready();
  [[nodiscard]] bool log_wants_file() const noexcept;
  /// ask_for_flush(), and blocks until that flush is over: the sequence up to which segments hold
  /// everything. What is visible by now is in it; what still waits in the log may not be. Fails:
  /// timed_out, read_only, not_durable. Not to be called on the threads that reconcile or flush.
  result<std::uint64_t> await_flush(std::chrono::nanoseconds timeout);

  /// Goes on with merging segments, reading and writing about so many bytes: true if there is more
  /// to do now. To be called after each flush(), as often as the owner's disk has time for it:
  /// nobody waits for it but who calls. One that goes wrong is given up, and begun anew by the next
  /// call. Fails: `corrupt` with file and offset, `io_error`, `disk_full`, read_only.
  result<bool> compact(std::uint64_t bytes);
  /// Merging is not to be held back: somebody waits for await_compaction(), or newer segments are a
  /// larger share of the oldest than compaction_policy::garbage_max.
  [[nodiscard]] bool compaction_is_late() const;
  /// Flushes, and blocks until all segments are one in which nothing is that was forgotten or
  /// replaced, visibly, by now; nor is it in the log then. Fails: timed_out, closed, read_only,
  /// not_durable, and as compact() does. Not to be called on the threads that reconcile or flush.
  result<void> await_compaction(std::chrono::nanoseconds timeout);

  /// Ends the store after close() and draining: what was merged is flushed, made durable at any
  /// level, and the lock given up. A failure says what kept it; stats() says up to where it is
  /// durable. An engine that goes without it leaves the store as a crash does.
  result<void> close_store();
  /// What create() found. Constant.
  [[nodiscard]] const recovery_report& recovery() const noexcept;

  // -- indexing: any thread, one at a time

  /// Goes on with the indexes that snapshots carry for searches, and hands what is new to the next
  /// reconcile step: true if there is more to do now. Each call takes some milliseconds, or as long
  /// as what changed since the last one needs; reading or writing a large index takes seconds.
  /// Nobody waits for it but who calls. Searches find the same with an index and without (but for
  /// `nearest` where it says so), only not as fast. The index of vectors is read from the store,
  /// and now and then written there (vector_index_file.hpp): one that cannot be is no loss, and
  /// what is left to do is done by the next calls. Fails: as read_vector_index() and
  /// write_vector_index() do. Throws std::bad_alloc: to be called again.
  result<bool> index_some();
  /// Writes to the store what the index of vectors has more than there is, so that the next opening
  /// need not make it. After close() and flush(), for what was learned comes first, and before
  /// close_store(). Fails: as write_vector_index() does; that loses nothing.
  result<void> store_index();
  /// It has something to do. For the owner's timer.
  [[nodiscard]] bool index_due() const noexcept;
  /// The options ask for any index.
  [[nodiscard]] bool indexes() const noexcept;

  // -- reconciling: one thread at a time

  /// Drains up to batch_entries_max, merges, publishes, settles awaits, reclaims. Never throws for
  /// bad entries: they are settled as failed (W9). A merge that throws is taken back and tried once
  /// more. Should this itself throw (the heap is used up), the batch stays in hand for the next
  /// call.
  reconcile_report reconcile();
  /// Changes the most that reconcile() takes at once (staleness control).
  void set_batch_entries_max(std::size_t n) noexcept;

  /// Refuses writes from here on (D7). What is queued waits for reconcile() until more_pending is
  /// false; awaits of tickets that can't settle any more resolve as unknown.
  void close();
  [[nodiscard]] bool closed() const noexcept;

  /// The clock of its entries and snapshots.
  [[nodiscard]] timestamp_us now() const;
  [[nodiscard]] engine_stats stats() const;

private:
  struct impl;
  explicit engine(std::unique_ptr<impl> p);
  std::unique_ptr<impl> impl_;
};

} // namespace cmem
