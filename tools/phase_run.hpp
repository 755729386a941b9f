#pragma once
// One phase of a run: its threads' tallies, what was watched from outside, and the report of both.

#include "tools/load_threads.hpp"
#include "tools/report.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

namespace cmem::tools {

/// How long each kind of write took: the call alone, and since it was due.
struct write_times {
  std::array<histogram, write_kinds> service;
  std::array<histogram, write_kinds> latency;

  void merge(const std::array<histogram, write_kinds>& calls,
             const std::array<histogram, write_kinds>& since_due) noexcept;
  /// Of the kinds that occurred.
  [[nodiscard]] std::vector<operation_report> report() const;
};

/// Kept until the run ends: the last writes of a phase become visible later.
/// Threads: the tallies are for their threads until those were joined; all else for the one that
/// watches.
class phase_run {
public:
  /// Starts in a millisecond, by which time the threads are up. `points` of the timeline, at
  /// least 4.
  phase_run(const phase& load, std::size_t points, double time_scale);

  /// Looks at the oldest watched write of every writer: the log is FIFO, so the others are no
  /// further. True if some are still on their way.
  bool watch(const scenario_target& target);
  void note_pending(std::uint64_t pending, std::int64_t now);
  /// The threads have ended: how long it was, and what the target counted meanwhile.
  void close(const target_counters& before, const target_counters& after,
             std::int64_t run_start_ns);
  /// Appends phase and timeline to a run's report, and adds to its accounting and to `total`.
  /// Empties the report here.
  void collect(run_report& run, write_times& total);

  const phase& load;
  timeline_grid grid;
  std::int64_t start_ns = 0;
  std::int64_t end_ns = 0; ///< as planned
  std::deque<writer_tally> writers;
  std::deque<reader_tally> readers;
  histogram staleness;
  phase_report report;

private:
  void collect_writes(accounting_report& a, write_times& total, timeline_point* points);
  void collect_reads(timeline_point* points);

  std::vector<coarse_histogram> staleness_by_point_;
  std::vector<std::uint64_t> pending_by_point_;
};

} // namespace cmem::tools
