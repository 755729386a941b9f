#pragma once
// What engine's source files share. Nobody else includes it.

#include "storage/compaction.hpp"
#include "storage/compaction_policy.hpp"
#include "storage/durable_log.hpp"
#include "storage/engine.hpp"
#include "storage/graph_builder.hpp"
#include "storage/graph_loader.hpp"
#include "storage/page_pool.hpp"
#include "storage/search_indexer.hpp"
#include "storage/segment_snapshot.hpp"
#include "storage/settlement_log.hpp"
#include "storage/settlement_waiters.hpp"
#include "storage/vector_index_keeper.hpp"
#include "storage/wal_replay.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace cmem {

/// What snapshots need, and so what guards and handles keep alive.
struct graph_core {
  graph_core(const engine_options& o, std::shared_ptr<const settlements> settled)
    : memory(o.arena_bytes),
      payloads(memory),
      pages(memory),
      builder(pages, payloads,
              {o.vector_dimension, o.association_times,
               o.store ? 0 : o.strength_half_life.value_or(0), o.forget && o.forget->expired,
               o.memory_budget_bytes, o.concepts_max, o.degree_max, o.store && !o.store->read_only,
               o.pack_associations, o.on_apply, std::min(o.merge_threads, cores()),
               o.parallel_entries_min},
              std::move(settled)) {}

  static std::uint32_t cores() noexcept {
    return std::max(1U, std::thread::hardware_concurrency());
  }
  struct leaving {
    mapped_payloads what;
    std::uint64_t version; // from which on no snapshot reads there
  };

  arena memory;
  span_ranges file_space{memory};      // guarded by flush_mutex, as `mapped`, once it is open
  std::vector<mapped_payloads> mapped; // segments that snapshots read
  std::vector<leaving> unmapping;      // the reconciler's
  payload_pool payloads;
  page_pool pages;
  graph_builder builder;
};

struct failed_entry {
  std::uint32_t writer;
  std::uint64_t number;
  std::uint32_t entries;
  errc reason;
};

/// What the reconciler hands to whoever flushes.
struct flush_job {
  snapshot_handle snapshot;
  graph_builder::changes_taken changes;
  std::vector<std::string> kinds;
  std::uint64_t asked = 0; ///< it answers what was asked for up to this
};

/// What a flush wrote, for the graph to read from the segment.
struct flushed_payloads {
  mapped_payloads from;
  std::vector<graph_builder::mapped_parts> parts;
  std::uint64_t version = 0; // of the snapshot they come from
  std::size_t adopted = 0;   // of the parts
};

/// What a compaction wrote in the place of segments, for the graph to read from there.
struct moved_payloads {
  std::vector<std::uint64_t> gone; // numbers
  mapped_payloads to;
  std::vector<graph_builder::moved_parts> parts;
  std::size_t moved = 0; // of the parts
};

struct engine::impl {
  impl(engine_options o, std::uint32_t tag)
    : options(std::move(o)),
      memory_tag(tag),
      read_only(options.store && options.store->read_only),
      indexed{options.index_vectors && options.vector_dimension != 0, options.vector_metric,
              options.graph_vectors_min, options.index_text},
      settled(options.settlement_history, tag),
      core(std::make_shared<graph_core>(options, settled.publish())),
      log(core->payloads, {options.log_capacity, options.overflow, tag, options.on_wake}),
      view(core, core->builder.live().back()),
      batch_entries_max(options.batch_entries_max) {
    publish_figures();
  }

  timestamp_us now() const {
    if (options.clock)
      return options.clock();
    const auto t = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(t).count();
  }

  // Opening a store: engine_recovery.cpp.
  result<void> open_store();
  result<void> open_read_only();
  /// `log_files` null: they are another process's.
  result<void> load(const manifest& m, std::span<const segment_reader> segments,
                    wal_reader* log_files);
  result<void> load_segments(std::span<const segment_reader> segments, recovery_progress& progress);
  result<void> replay(wal_reader& log_files, recovery_progress progress);
  result<void> apply_replayed(std::uint64_t up_to, timestamp_us time);
  // Storing: engine_store.cpp.
  [[nodiscard]] bool refuses() const noexcept { return store ? store->broken() : read_only; }
  /// Why. Precondition: refuses().
  [[nodiscard]] failure refusal() const;
  /// Whether so many may be appended as one element of the log (W7).
  [[nodiscard]] result<void> takes(std::span<const write_op> ops) const;
  void note_durable(std::uint64_t up_to);
  /// The disk has caught up: goes on with what waited for that.
  void after_commit(std::uint64_t durable);
  settlement fate_on_disk(const ticket& t);
  void refuse_batch();
  void log_batch();
  std::size_t drain_limit();
  // Flushing to segments: engine_flush.cpp.
  void cut_if_due();
  result<void> write_checkpoint(flush_job& job);
  result<void> map_flushed(const graph_snapshot& s, const segment_ref& written,
                           std::span<const segment_change> changes);
  bool adopt_some();
  // Merging segments: engine_compaction.cpp.
  result<bool> begin_compaction();
  result<void> end_compaction();
  result<void> map_compacted(const segment_ref& made, moved_payloads& to);
  result<bool> has_vectors_to_code(const segment_ref& s) const;
  [[nodiscard]] std::vector<segment_size> sizes_of(std::span<const segment_ref> segments);
  bool relocate_some();
  void unmap_unseen();
  // Fading and forgetting: engine_retention.cpp.
  /// To the one that was asked for, after opening.
  result<void> change_half_life();
  [[nodiscard]] bool snapshot_is_old() const;
  bool forget_some();
  // Indexes for searches: engine_indexing.cpp.
  bool take_index();
  result<void> read_index(const graph_snapshot& s);
  result<void> write_index(const graph_snapshot& s, bool last);
  // Packing what has settled: engine_packing.cpp.
  bool pack_some();
  [[nodiscard]] bool packing_is_affordable();

  /// Has it told what becomes of its entry, at once if that is known.
  void await(std::unique_ptr<settlement_waiters::waiter> w);
  void take_batch();
  void merge_batch();
  void publish(const reconcile_report& report);
  /// The same for what the reconciler changed of its own accord, and frees what that replaced.
  void publish_own();
  void settle_waiters();
  void reclaim();
  void publish_figures();

  const engine_options options;
  const std::uint32_t memory_tag;
  const bool read_only;
  const search_index_options indexed;
  settlement_log settled; // the reconciler's, as all of this block
  const std::shared_ptr<graph_core> core;
  kind_registry kinds;
  write_log log;
  read_view view;
  drained_batch batch; // in hand: survives a reconciler that dies (W9)
  enum class stage { none, drained, merged, logged, settled };
  stage at = stage::none; // how far the batch in hand has come
  std::vector<failed_entry> failed;
  std::string merge_error;         // of the batch in hand
  timestamp_us batch_time = 0;     // of its snapshot
  std::uint64_t batch_numbers = 0; // that it takes: all of its entries, or none of a refused one
  std::size_t kinds_logged = 0;    // of `kinds`, those that are in the log
  std::uint64_t log_bytes = 0;     // logged since the last cut
  std::uint64_t cut_sequence = 0;  // of the last cut, or of what was opened
  std::vector<bool> in_use;
  settlement_waiters waiters;
  std::uint64_t sequence = 0;
  std::uint32_t pass_next = 0; // index that the pass over what may be due goes on with; 0: none
  timestamp_us pass_due = 0;   // not before
  timestamp_us pass_began = 0;
  std::chrono::nanoseconds pass_work{0};
  struct settling {
    std::uint64_t version = 0; // newest one when `since` was
    timestamp_us since = 0;
    std::uint64_t looked_at = 0; // all lists that were last changed up to it were looked at
    std::uint64_t settled = 0;   // the pass that goes on looks at those changed up to it
    std::uint64_t next = 0;      // where it goes on; 0: none does
  } pack_pass;
  // What a step that threw left to the next one.
  bool publish_due = false;
  bool reclaim_due = false;

  std::optional<file_lock> store_lock; // before `store`: given up after it
  std::unique_ptr<durable_log> store;  // const once created; null: none
  recovery_report recovered;           // const once created
  std::mutex durable_mutex;            // guards the two below
  std::list<std::pair<std::uint64_t, std::shared_ptr<const settlements>>> logged; // by sequence
  std::shared_ptr<const settlements> on_disk; // what became of all that is durable; null: nothing
  std::atomic<bool> stalled{false};           // the last step drained nothing, for the disk's sake
  std::mutex flushing_mutex;                  // held by whoever flushes
  std::mutex flush_mutex;                     // guards up to the next blank line
  std::condition_variable flush_changed;
  std::deque<flush_job> flush_jobs; // cut, not written; a reference to the first one stays good
  std::deque<flushed_payloads> adoptions; // the reconciler's, but for push_back()
  std::uint64_t flushes_asked = 0;        // ask_for_flush() calls
  std::uint64_t flushes_cut = 0;          // of them, those that the reconciler has seen
  std::uint64_t flushes_done = 0;         // of them, those whose segment is named
  std::deque<moved_payloads> relocations; // the reconciler's, but for push_back()
  std::uint64_t compactions_asked = 0;    // of everything
  std::uint64_t compactions_done = 0;     // of them, those that are over
  result<void> compaction_end;            // how the last one that was asked for ended

  std::mutex compacting_mutex;  // held by whoever compacts; guards up to the next blank line
  bool compacting_over = false; // the store is closed: another process may have the files by now
  std::optional<compaction> compacting;
  std::vector<segment_ref> compacting_run;
  std::uint64_t compacting_for = 0;                  // it answers what was asked for up to this
  std::map<std::uint64_t, segment_size> known_sizes; // by number

  std::mutex indexing_mutex; // held by whoever indexes; guards up to the next blank line
  search_indexer indexer{indexed};
  std::optional<vector_index_keeper> index_keeper; // null: without a store, and once it is closed

  std::mutex index_mutex;                         // guards up to the next blank line
  std::shared_ptr<const search_index> index_made; // for the next snapshot; null: none is new

  std::atomic<bool> trail_wanted{false};
  std::atomic<bool> index_more{false};
  std::atomic<std::uint64_t> trail_end{0};
  std::atomic<std::uint64_t> indexed_to{~std::uint64_t{0}}; // nothing yet
  std::atomic<std::uint64_t> index_bytes{0};
  std::atomic<std::uint64_t> forgets_asked{0};
  std::atomic<std::size_t> batch_entries_max;
  std::atomic<bool> closed{false};
  std::atomic<bool> finished{false}; // closed, and nothing is left to drain
  std::mutex finish_mutex; // guards `waiters` but for add(): at the end, awaits look for themselves
  // Figures, written by the reconciler.
  std::atomic<bool> over_budget{false};
  std::atomic<std::uint64_t> reconciliations{0};
  std::atomic<std::uint64_t> entries_processed{0};
  std::atomic<std::uint64_t> entries_failed{0};
  std::atomic<std::uint64_t> parallel_parts{0};
  std::atomic<std::uint64_t> lists_packed{0};
  std::atomic<std::uint64_t> live_snapshots{1};
  std::atomic<timestamp_us> in_hand_oldest{0};
  std::atomic<std::uint64_t> bookkeeping{0};
  std::atomic<std::uint64_t> times{0};
  std::atomic<std::uint64_t> retired{0};
  std::atomic<std::uint64_t> held_sequence{0};
  std::atomic<timestamp_us> held_since{0}; // 0: no snapshot but the newest is live
  std::atomic<std::uint64_t> held_mapped{0};
};

} // namespace cmem
