#pragma once
// What the actors of one memory and its facade share: the engine, and who works for it.

#include "actors/batch_sizer.hpp"
#include "actors/close_report.hpp"
#include "actors/config.hpp"
#include "actors/crew.hpp"
#include "actors/health.hpp"
#include "actors/snapshot_feed.hpp"
#include "storage/engine.hpp"
#include "storage/queries.hpp"
#include "storage/thread_slots.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <tuple>

namespace cmem {

/// Owned by the facade and by every actor of the memory: none of them owns an entry, a batch or a
/// builder, so whichever dies loses nothing (W9).
/// Threads: all calls from any thread. One mutex (`baton`) admits one reconcile step at a time, be
/// it the reconciler's, its successor's, or close()'s; no writer or reader ever takes it.
class memory_core {
public:
  /// Fails as validate(config) and engine::create do.
  static result<std::shared_ptr<memory_core>> create(config c);

  [[nodiscard]] const config& settings() const noexcept { return settings_; }
  [[nodiscard]] engine& storage() noexcept { return *engine_; }
  [[nodiscard]] crew& actors() noexcept { return crew_; }

  /// One step: merges, tells subscribers, sizes the next batch by how long it took, and logs why a
  /// merge failed.
  reconcile_report reconcile();
  /// Takes what was merged to the disk, and logs why it cannot. For the flusher.
  void commit();
  [[nodiscard]] bool commit_wanted() const noexcept { return engine_->commit_wanted(); }
  /// Writes to a segment what a step handed over, and logs what that came to. False: there was
  /// nothing, or it failed. For the checkpointer.
  bool flush();
  [[nodiscard]] bool flush_due() const noexcept { return engine_->flush_due(); }
  /// Goes on with merging segments, and logs what went wrong: how long to wait before it is called
  /// again, or none if there is nothing to do. For the checkpointer.
  std::optional<std::chrono::nanoseconds> compact();
  /// Makes a log file ready where one will be needed, and logs why it cannot. For the checkpointer.
  void make_log_ready();
  /// Goes on with the indexes for searches: true if there is more to do now. For the indexer.
  bool index();
  /// Entries wait for a step.
  [[nodiscard]] bool has_work() const;

  /// Fails as kind_registry::add does; closed.
  result<kind_id> register_kind(std::string_view name);

  void subscribe(const snapshot_subscriber& who);
  /// A supervisor spawned somebody again.
  void count_respawn() noexcept { respawns_.fetch_add(1, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t respawns() const noexcept {
    return respawns_.load(std::memory_order_relaxed);
  }

  void unsubscribe(const caf::actor_addr& who);
  [[nodiscard]] std::vector<snapshot_subscriber> subscribers() const;

  /// Calls `f` with a path_scratch, context_scratch or search_scratch that nobody else uses: this
  /// thread's, made at its first search.
  template <class Scratch, class F>
  auto with_scratch(F f) {
    auto* slot = scratches_.mine();
    if (slot == nullptr) { // more threads than slots
      Scratch once;
      return f(once);
    }
    auto& mine = std::get<std::unique_ptr<Scratch>>(slot->of_thread);
    if (!mine)
      mine = std::make_unique<Scratch>();
    return f(*mine);
  }

  [[nodiscard]] memory_stats stats() const;
  [[nodiscard]] health_report health() const;
  /// Logs what health() has begun or ceased to complain about since the last call.
  void watch_health();
  void log(log_level level, std::string_view text) const;

  /// D7, see concurrent_memory.hpp. Drains on the calling thread, so that it needs no actor, then
  /// sends the crew home.
  close_report close();

private:
  struct scratch_slot {
    std::tuple<std::unique_ptr<path_scratch>, std::unique_ptr<context_scratch>,
               std::unique_ptr<search_scratch>>
      of_thread;
  };

  explicit memory_core(config c);
  void wake();
  void wake_flusher();
  void wake_checkpointer();
  void wake_indexer();
  void store_index();
  void close_store();
  reconcile_report step();
  close_report drain();

  static constexpr std::size_t threads_max = 1024; // with a scratch of their own

  const config settings_;
  crew crew_; // before engine_, which wakes it
  mutable std::mutex baton_;
  snapshot_feed feed_; // guarded by baton_
  batch_sizer sizer_;  // guarded by baton_
  std::mutex close_mutex_;
  std::optional<close_report> closed_; // guarded by close_mutex_
  std::mutex watch_mutex_;
  std::uint32_t complaints_ = 0;         // guarded by watch_mutex_: bit per health_concern
  std::atomic<bool> index_asked_{false}; // an index_now is on its way
  std::atomic<std::uint64_t> respawns_{0};
  thread_slots<scratch_slot> scratches_{threads_max};
  std::unique_ptr<engine> engine_; // const after create()
};

} // namespace cmem
