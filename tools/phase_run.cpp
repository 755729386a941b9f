#include "tools/phase_run.hpp"

#include "tools/pacer.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace cmem::tools {
namespace {

/// Quantiles of two or three values say nothing: moves them into the next stretch, until there are
/// ten.
void join_sparse(std::vector<coarse_histogram>& points) {
  constexpr std::uint64_t enough = 10;
  for (std::size_t i = 0; i + 1 < points.size(); ++i) {
    if (points[i].count() == 0 || points[i].count() >= enough)
      continue;
    points[i + 1].merge(points[i]);
    points[i].clear();
  }
}

rate_report rate_of(const rate& wanted, std::size_t threads, std::uint64_t done, double seconds) {
  rate_report r;
  r.wanted = wanted;
  r.threads = static_cast<unsigned>(threads);
  r.done = done;
  r.due = wanted.unpaced ? 0 : operations_due(wanted.per_second, seconds);
  r.per_second = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  return r;
}

} // namespace

void write_times::merge(const std::array<histogram, write_kinds>& calls,
                        const std::array<histogram, write_kinds>& since_due) noexcept {
  for (std::size_t k = 0; k < write_kinds; ++k) {
    service[k].merge(calls[k]);
    latency[k].merge(since_due[k]);
  }
}

std::vector<operation_report> write_times::report() const {
  std::vector<operation_report> all;
  for (std::size_t k = 0; k < write_kinds; ++k)
    if (service[k].count() != 0)
      all.push_back({std::string(write_names[k]), service[k].summary(), latency[k].summary(), 0});
  return all;
}

phase_run::phase_run(const phase& p, std::size_t points, double time_scale) : load(p) {
  grid.points = std::max<std::size_t>(points, 4);
  staleness_by_point_.resize(grid.points);
  pending_by_point_.assign(grid.points, 0);
  for (unsigned i = 0; i < (p.writes.idle() ? 0 : p.writers); ++i)
    writers.emplace_back(grid);
  for (unsigned i = 0; i < (p.reads.idle() ? 0 : p.readers); ++i)
    readers.emplace_back(grid);
  start_ns = monotonic_ns() + 1'000'000;
  end_ns = start_ns + static_cast<std::int64_t>(p.seconds * time_scale * 1e9);
  grid.start_ns = start_ns;
  grid.point_ns = (end_ns - start_ns) / static_cast<std::int64_t>(grid.points) + 1;
}

bool phase_run::watch(const scenario_target& target) {
  bool busy = false;
  for (auto& w : writers) {
    for (const probe* p = w.probes.front(); p != nullptr; p = w.probes.front()) {
      const fate f = target.outcome(p->entry);
      if (f == fate::pending) {
        busy = true;
        break;
      }
      if (f == fate::applied) {
        const std::int64_t age = monotonic_ns() - p->appended_ns;
        staleness.record(age);
        staleness_by_point_[grid.at(p->appended_ns)].record(age);
      }
      w.probes.pop();
    }
  }
  return busy;
}

void phase_run::note_pending(std::uint64_t pending, std::int64_t now) {
  report.pending_max = std::max(report.pending_max, pending);
  auto& point = pending_by_point_[grid.at(now)];
  point = std::max(point, pending);
}

void phase_run::close(const target_counters& before, const target_counters& after,
                      std::int64_t run_start_ns) {
  const std::int64_t end = std::min(monotonic_ns(), end_ns);
  report.name = load.name;
  report.start_seconds = static_cast<double>(start_ns - run_start_ns) * 1e-9;
  report.seconds = static_cast<double>(std::max<std::int64_t>(end - start_ns, 0)) * 1e-9;
  report.dropped = after.dropped - before.dropped;
  report.rejected = after.rejected - before.rejected;
  report.pending_max = std::max(report.pending_max, after.pending);
}

void phase_run::collect(run_report& run, write_times& total) {
  const std::size_t phase = run.phases.size();
  const double end = report.start_seconds + report.seconds;
  std::vector<timeline_point> points(grid.points);
  collect_writes(run.accounting, total, points.data());
  collect_reads(points.data());
  for (std::size_t i = 0; i < points.size(); ++i) {
    auto& point = points[i];
    point.phase = phase;
    point.seconds = static_cast<double>(grid.point_ns) * 1e-9;
    point.start_seconds = report.start_seconds + static_cast<double>(i) * point.seconds;
    point.pending = pending_by_point_[i];
    if (point.start_seconds < end) // the phase may have been cut short
      run.timeline.push_back(point);
  }
  run.phases.push_back(std::move(report));
}

void phase_run::collect_writes(accounting_report& a, write_times& total, timeline_point* points) {
  std::uint64_t accepted = 0;
  write_times times;
  for (const auto& w : writers) {
    a.attempts += w.attempts;
    a.accepted += w.accepted;
    a.rejected += w.rejected;
    a.refused += w.refused;
    if (a.refused_first.empty())
      a.refused_first = w.refused_first;
    accepted += w.accepted;
    staleness.merge(w.staleness);
    times.merge(w.service, w.latency);
    for (std::size_t i = 0; i < grid.points; ++i) {
      points[i].writes += w.by_point[i];
      staleness_by_point_[i].merge(w.staleness_by_point[i]);
    }
  }
  report.write_operations = times.report();
  total.merge(times.service, times.latency);
  report.writes = rate_of(load.writes, writers.size(), accepted, report.seconds);
  report.staleness = staleness.summary();
  join_sparse(staleness_by_point_);
  for (std::size_t i = 0; i < grid.points; ++i)
    points[i].staleness = staleness_by_point_[i].summary();
}

void phase_run::collect_reads(timeline_point* points) {
  std::uint64_t done = 0;
  for (std::size_t k = 0; k < query_kinds; ++k) {
    histogram service, latency;
    std::vector<coarse_histogram> by_point(grid.points);
    std::uint64_t found = 0;
    for (auto& t : readers) {
      service.merge(t.service[k]);
      latency.merge(t.latency[k]);
      found += t.found[k];
      for (std::size_t i = 0; i < grid.points; ++i)
        by_point[i].merge(t.point(i, k));
    }
    for (std::size_t i = 0; i < grid.points; ++i)
      points[i].reads += by_point[i].count();
    join_sparse(by_point);
    for (std::size_t i = 0; i < grid.points; ++i)
      points[i].queries[k] = by_point[i].summary();
    done += service.count();
    if (service.count() != 0)
      report.queries.push_back(
        {std::string(query_names[k]), service.summary(), latency.summary(), found});
  }
  report.reads = rate_of(load.reads, readers.size(), done, report.seconds);
}

} // namespace cmem::tools
