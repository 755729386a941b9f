#pragma once
// A stored memory that is updated and asked for minutes, and what that did to it.

#include "actors/concurrent_memory.hpp"
#include "tools/dataset.hpp"
#include "tools/histogram.hpp"
#include "tools/scenario.hpp"
#include "tools/scenario_target.hpp"
#include "tools/workload.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace cmem::bench {

/// Calls throw std::runtime_error, also for what the memory has logged as an error. Threads: one;
/// those that write and read live within a phase.
class soaked_memory {
public:
  /// Learns all of `data`, and an attribute of each concept, and makes one segment of it: what the
  /// scenario's phases write are updates from here on. Borrows both.
  soaked_memory(const tools::scenario& s, const tools::dataset& data, config c);

  /// One phase after the other, at their rates, so many times as long. Looks at the store, and
  /// calls `progress`, every second.
  void run_phases(double time_scale, const std::function<void()>& progress);
  /// Flushes and merges what that has left behind.
  void settle();
  /// Makes one segment of all, in which all is live.
  void compact();

  [[nodiscard]] memory_stats stats() const { return memory_->stats(); }
  [[nodiscard]] double segment_bytes() const;
  [[nodiscard]] double memory_bytes() const; ///< by its own count
  /// The most at any look.
  [[nodiscard]] double segment_bytes_max() const noexcept { return segment_bytes_max_; }
  [[nodiscard]] double directory_bytes_max() const noexcept { return directory_bytes_max_; }
  [[nodiscard]] double settling_seconds_max() const noexcept { return settling_seconds_max_; }
  /// Flushes and compactions of the phases, and of settling after them.
  [[nodiscard]] durable_log_figures worked() const;

  // Of all phases.
  tools::histogram appends; ///< the call alone, as queries
  tools::histogram appends_since_due;
  std::array<tools::histogram, tools::query_kinds> queries;
  std::uint64_t rejected = 0; ///< writes, the log being full

private:
  void learn_all();
  void run(const tools::phase& p, double seconds, const std::function<void()>& progress);
  void look();

  const tools::scenario& scenario_;
  std::mutex mutex_;
  std::string error_; // guarded by mutex_: the first that was logged
  std::unique_ptr<concurrent_memory> memory_;
  std::unique_ptr<tools::scenario_target> target_; // borrows it
  std::optional<tools::workload> work_;
  std::uint64_t seed_ = 0;
  durable_log_figures begun_; // when all was learned
  double segment_bytes_max_ = 0;
  double directory_bytes_max_ = 0;
  double settling_seconds_max_ = 0;
};

} // namespace cmem::bench
