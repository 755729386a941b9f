#include "tools/runner.hpp"

#include "tools/load_threads.hpp"
#include "tools/pacer.hpp"
#include "tools/workload.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <fstream>
#include <memory>
#include <thread>
#include <unistd.h>

namespace cmem::tools {
namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t watch_every_ns = 200'000;
constexpr std::int64_t gauge_every_ns = 2 * ms;
constexpr std::int64_t memory_every_ns = 20 * ms;
constexpr std::int64_t live_every_ns = 200 * ms;
constexpr std::int64_t interrupt_every_ns = 50 * ms;
constexpr auto await_within = std::chrono::seconds(60);

/// True once every `period` of the given clock.
class every {
public:
  explicit every(std::int64_t period_ns) : period_(period_ns) {}
  bool due(std::int64_t now) noexcept {
    if (now < next_)
      return false;
    next_ = now + period_;
    return true;
  }

private:
  std::int64_t period_;
  std::int64_t next_ = 0;
};

/// Threads and figures of one phase. Kept until the run ends: its last writes become visible later.
struct phase_run {
  const phase* load = nullptr;
  std::int64_t start_ns = 0;
  std::int64_t end_ns = 0; ///< planned
  std::deque<writer_tally> writers;
  std::deque<reader_tally> readers;
  histogram staleness;
  target_counters before;
  phase_report report;
};

class run {
public:
  run(const scenario& s, const dataset& data, scenario_target& target, const run_hooks& hooks,
      std::vector<kind_id> kinds)
    : scenario_(s), hooks_(hooks), target_(target), work_(data, std::move(kinds)) {
    report_.target = target.name();
  }

  result<run_report> go() {
    wake_precisely();
    if (auto loaded = preload(); !loaded)
      return loaded.error();
    plan();
    for (const auto& p : scenario_.phases) {
      if (stopped())
        break;
      run_phase(p);
    }
    target_.finish();
    watch();
    finish();
    return std::move(report_);
  }

private:
  result<void> preload() {
    const auto& data = work_.data();
    const auto share = [this](std::size_t n) {
      return static_cast<std::size_t>(static_cast<double>(n) * scenario_.preload);
    };
    write_drawer drawer(work_, {1}, scenario_.seed);
    const std::int64_t start = monotonic_ns();
    for (std::size_t left = share(data.learnable); left != 0 && !stopped(); --left)
      if (auto r = preload_one(drawer.learn_concept(work_.take_concept())); !r)
        return r;
    for (std::size_t left = share(data.associations.size()); left != 0 && !stopped(); --left)
      if (auto r = preload_one(drawer.learn_association(work_.take_association())); !r)
        return r;
    if (report_.preloaded != 0)
      if (auto visible = target_.await(preloaded_, await_within); !visible)
        return visible;
    report_.preload_seconds = static_cast<double>(monotonic_ns() - start) * 1e-9;
    return {};
  }

  result<void> preload_one(const write_drawer::drawn& drawn) {
    auto& a = report_.accounting;
    auto written = target_.write(drawn.op);
    if (!written)
      return failure{written.error().code, "preload: " + written.error().detail};
    preloaded_ = *written;
    ++a.attempts;
    ++a.accepted;
    // Never more than a quarter of the log at once, so that nothing is dropped or rejected.
    if (++report_.preloaded % std::max<std::size_t>(scenario_.memory.log_capacity / 4, 1) != 0)
      return {};
    if (interrupted())
      stop_.store(true, std::memory_order_relaxed);
    return target_.await(preloaded_, await_within);
  }

  void plan() {
    const double seconds = scenario_.seconds() * hooks_.time_scale;
    grid_.start_ns = monotonic_ns();
    grid_.points = 160;
    grid_.point_ns = std::max<std::int64_t>(
      static_cast<std::int64_t>(seconds * 1e9 / static_cast<double>(grid_.points)) + 1, ms);
    staleness_points_.resize(grid_.points);
    pending_points_.assign(grid_.points, 0);
  }

  void run_phase(const phase& p) {
    auto& r = phases_.emplace_back();
    r.load = &p;
    r.before = target_.counters();
    for (unsigned i = 0; i < (p.writes.idle() ? 0 : p.writers); ++i)
      r.writers.emplace_back(grid_);
    for (unsigned i = 0; i < (p.reads.idle() ? 0 : p.readers); ++i)
      r.readers.emplace_back(grid_);
    r.start_ns = monotonic_ns() + ms; // by then the threads are up
    r.end_ns = r.start_ns + static_cast<std::int64_t>(p.seconds * hooks_.time_scale * 1e9);
    if (phases_.size() == 1)
      grid_.start_ns = r.start_ns;

    std::vector<std::thread> threads;
    std::uint64_t seed = scenario_.seed * 1'000'003 + phases_.size() * 1'009;
    const auto task = [&](unsigned i) {
      return thread_task{target_, work_, p, grid_, stop_, r.start_ns, r.end_ns, i, ++seed};
    };
    for (unsigned i = 0; i < r.writers.size(); ++i)
      threads.emplace_back([t = task(i), &tally = r.writers[i]] { run_writer(t, tally); });
    for (unsigned i = 0; i < r.readers.size(); ++i)
      threads.emplace_back([t = task(i), &tally = r.readers[i]] { run_reader(t, tally); });
    watch_phase(r);
    for (auto& thread : threads)
      thread.join();
    close_phase(r);
  }

  void watch_phase(phase_run& r) {
    every gauge(gauge_every_ns), memory(memory_every_ns), live(live_every_ns),
      interrupt(interrupt_every_ns);
    for (std::int64_t now = monotonic_ns(); now < r.end_ns; now = monotonic_ns()) {
      const bool busy = watch();
      if (gauge.due(now))
        take_gauges(r, now);
      if (memory.due(now))
        r.report.resident_bytes_max = std::max(r.report.resident_bytes_max, resident_bytes());
      if (hooks_.on_live && live.due(now))
        show_live(r, now);
      if (interrupt.due(now) && interrupted()) {
        stop_.store(true, std::memory_order_relaxed);
        return;
      }
      wait_until(std::min(r.end_ns, now + (busy ? watch_every_ns : ms)), 0);
    }
  }

  /// Looks at the oldest watched write of every writer: the log is FIFO, so the others are no further.
  /// True if some are still on their way.
  bool watch() {
    bool busy = false;
    for (auto& r : phases_) {
      for (auto& w : r.writers) {
        for (const probe* p = w.probes.front(); p != nullptr; p = w.probes.front()) {
          const fate f = target_.outcome(p->entry);
          if (f == fate::pending) {
            busy = true;
            break;
          }
          if (f == fate::applied) {
            const std::int64_t staleness = monotonic_ns() - p->appended_ns;
            r.staleness.record(staleness);
            staleness_points_[grid_.at(p->appended_ns)].record(staleness);
          }
          w.probes.pop();
        }
      }
    }
    return busy;
  }

  void take_gauges(phase_run& r, std::int64_t now) {
    const std::uint64_t pending = target_.counters().pending;
    r.report.pending_max = std::max(r.report.pending_max, pending);
    auto& point = pending_points_[grid_.at(now)];
    point = std::max(point, pending);
  }

  void show_live(const phase_run& r, std::int64_t now) {
    std::uint64_t writes = 0;
    std::uint64_t reads = 0;
    for (const auto& w : r.writers)
      writes += w.done.load(std::memory_order_relaxed);
    for (const auto& t : r.readers)
      reads += t.done.load(std::memory_order_relaxed);
    const double seconds = std::max(static_cast<double>(now - r.start_ns) * 1e-9, 1e-3);
    const auto counters = target_.counters();
    live_state s;
    s.target = report_.target;
    s.phase = r.load->name;
    s.seconds = static_cast<double>(now - grid_.start_ns) * 1e-9;
    s.seconds_total = scenario_.seconds() * hooks_.time_scale;
    s.writes_per_second = static_cast<double>(writes) / seconds;
    s.reads_per_second = static_cast<double>(reads) / seconds;
    s.staleness = r.staleness.summary();
    s.pending = counters.pending;
    s.dropped = counters.dropped;
    hooks_.on_live(s);
  }

  [[nodiscard]] bool stopped() const { return stop_.load(std::memory_order_relaxed); }
  bool interrupted() { return report_.interrupted |= hooks_.interrupted && hooks_.interrupted(); }

  void close_phase(phase_run& r) {
    const auto after = target_.counters();
    auto& p = r.report;
    p.name = r.load->name;
    p.start_seconds = static_cast<double>(r.start_ns - grid_.start_ns) * 1e-9;
    const std::int64_t end = std::min(monotonic_ns(), r.end_ns);
    p.seconds = static_cast<double>(std::max<std::int64_t>(end - r.start_ns, 0)) * 1e-9;
    p.dropped = after.dropped - r.before.dropped;
    p.rejected = after.rejected - r.before.rejected;
    p.pending_max = std::max(p.pending_max, after.pending);
    p.resident_bytes_max = std::max(p.resident_bytes_max, resident_bytes());
  }

  static rate_report rate_of(const rate& wanted, std::size_t threads, std::uint64_t done, double seconds) {
    rate_report r;
    r.wanted = wanted;
    r.threads = static_cast<unsigned>(threads);
    r.done = done;
    r.due = wanted.unpaced ? 0 : operations_due(wanted.per_second, seconds);
    r.per_second = seconds > 0 ? static_cast<double>(done) / seconds : 0;
    return r;
  }

  void finish() {
    std::vector<coarse_histogram> points(grid_.points * query_kinds);
    report_.point_seconds = static_cast<double>(grid_.point_ns) * 1e-9;
    report_.timeline.resize(grid_.points);
    for (auto& r : phases_) {
      finish_writes(r);
      finish_reads(r, points);
      report_.phases.push_back(std::move(r.report));
    }
    const double end = report_.phases.empty()
                         ? 0
                         : report_.phases.back().start_seconds + report_.phases.back().seconds;
    for (std::size_t i = 0; i < grid_.points; ++i)
      for (std::size_t k = 0; k < query_kinds; ++k)
        report_.timeline[i].reads += points[i * query_kinds + k].count();
    for (std::size_t k = 0; k < query_kinds; ++k)
      join_sparse(points, query_kinds, k);
    join_sparse(staleness_points_, 1, 0);
    for (std::size_t i = 0; i < grid_.points; ++i) {
      auto& t = report_.timeline[i];
      t.start_seconds = static_cast<double>(i) * report_.point_seconds;
      for (std::size_t k = 0; k < query_kinds; ++k)
        t.queries[k] = points[i * query_kinds + k].summary();
      t.staleness = staleness_points_[i].summary();
      t.pending = pending_points_[i];
    }
    std::erase_if(report_.timeline, [end](const auto& t) { return t.start_seconds >= end; });
    auto& a = report_.accounting;
    a.target = target_.counters();
    if (auto difference = a.difference(); !difference.empty())
      report_.missed.push_back("accounting: " + difference);
    if (a.refused != 0)
      report_.missed.push_back(show_count(a.refused) + " writes were refused, the first with "
                               + a.refused_first);
  }

  /// Quantiles of two or three values say nothing: moves them into the stretch where the next ones of
  /// the same phase are, until there are ten.
  void join_sparse(std::vector<coarse_histogram>& points, std::size_t stride, std::size_t offset) const {
    constexpr std::uint64_t enough = 10;
    std::vector<bool> starts(grid_.points, false);
    for (const auto& r : phases_)
      starts[grid_.at(r.start_ns)] = true;
    for (std::size_t i = 0; i + 1 < grid_.points; ++i) {
      auto& here = points[i * stride + offset];
      if (starts[i + 1] || here.count() == 0 || here.count() >= enough)
        continue;
      points[(i + 1) * stride + offset].merge(here);
      here.clear();
    }
  }

  void finish_writes(phase_run& r) {
    auto& a = report_.accounting;
    std::uint64_t accepted = 0;
    std::array<histogram, write_kinds> service, latency;
    for (const auto& w : r.writers) {
      a.attempts += w.attempts;
      a.accepted += w.accepted;
      a.rejected += w.rejected;
      a.refused += w.refused;
      if (a.refused_first.empty())
        a.refused_first = w.refused_first;
      accepted += w.accepted;
      r.staleness.merge(w.staleness);
      for (std::size_t k = 0; k < write_kinds; ++k) {
        service[k].merge(w.service[k]);
        latency[k].merge(w.latency[k]);
      }
      for (std::size_t i = 0; i < grid_.points; ++i) {
        report_.timeline[i].writes += w.by_point[i];
        staleness_points_[i].merge(w.staleness_by_point[i]);
      }
    }
    for (std::size_t k = 0; k < write_kinds; ++k)
      if (service[k].count() != 0)
        r.report.write_operations.push_back(
          {std::string(write_names[k]), service[k].summary(), latency[k].summary(), 0});
    r.report.writes = rate_of(r.load->writes, r.writers.size(), accepted, r.report.seconds);
    r.report.staleness = r.staleness.summary();
  }

  void finish_reads(phase_run& r, std::vector<coarse_histogram>& points) {
    std::uint64_t done = 0;
    for (std::size_t k = 0; k < query_kinds; ++k) {
      histogram service, latency;
      std::uint64_t found = 0;
      for (auto& t : r.readers) {
        service.merge(t.service[k]);
        latency.merge(t.latency[k]);
        found += t.found[k];
        for (std::size_t i = 0; i < grid_.points; ++i)
          points[i * query_kinds + k].merge(t.point(i, k));
      }
      done += service.count();
      if (service.count() != 0)
        r.report.queries.push_back(
          {std::string(query_names[k]), service.summary(), latency.summary(), found});
    }
    r.report.reads = rate_of(r.load->reads, r.readers.size(), done, r.report.seconds);
  }

  const scenario& scenario_;
  const run_hooks& hooks_;
  scenario_target& target_;
  workload work_;
  timeline_grid grid_;
  ticket preloaded_; // the last one
  std::atomic<bool> stop_{false};
  std::deque<phase_run> phases_;
  std::vector<coarse_histogram> staleness_points_;
  std::vector<std::uint64_t> pending_points_;
  run_report report_;
};

} // namespace

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

result<run_report> run_scenario(const scenario& s, const dataset& data, scenario_target& target,
                                const run_hooks& hooks) {
  if (s.phases.empty() || data.learnable == 0)
    return failure{errc::invalid_argument, "a scenario needs a phase, and data with a concept"};
  std::vector<kind_id> kinds;
  for (const auto& name : data.kinds) {
    auto kind = target.register_kind(name);
    if (!kind)
      return kind.error();
    kinds.push_back(*kind);
  }
  return run(s, data, target, hooks, std::move(kinds)).go();
}

} // namespace cmem::tools
