#include "tools/runner.hpp"

#include "tools/pacer.hpp"
#include "tools/phase_run.hpp"
#include "tools/workload.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <deque>
#include <fstream>
#include <memory>
#include <thread>
#include <unistd.h>

namespace cmem::tools {
namespace {

constexpr std::int64_t ms = 1'000'000;
// A core that looks oftener takes more from the threads it shares it with than it learns.
constexpr std::int64_t watch_every_ns = 1'000'000;
constexpr std::int64_t gauge_every_ns = 2 * ms;
constexpr std::int64_t memory_every_ns = 20 * ms;
constexpr std::int64_t live_every_ns = 200 * ms;
constexpr std::int64_t interrupt_every_ns = 50 * ms;
constexpr double points_of_run = 160; // of the plot
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

class run {
public:
  run(const scenario& s, const dataset& data, scenario_target& target, const run_hooks& hooks,
      std::vector<kind_id> kinds)
    : scenario_(s), hooks_(hooks), target_(target), work_(data, std::move(kinds)) {
    report_.target = target.name();
    report_.settings = target.settings();
  }

  result<run_report> go() {
    wake_precisely();
    if (auto begun = target_.preloading(true); !begun)
      return begun.error();
    if (auto loaded = preload(); !loaded)
      return loaded.error();
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
    if (auto ended = target_.preloading(false); !ended)
      return ended;
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
    // A few at once only, so that nothing is dropped or rejected.
    const std::size_t at_once =
      std::clamp<std::size_t>(scenario_.memory.log_capacity / 4, 1, 5'000);
    if (++report_.preloaded % at_once != 0)
      return {};
    if (interrupted())
      stop_.store(true, std::memory_order_relaxed);
    return target_.await(preloaded_, await_within);
  }

  void run_phase(const phase& p) {
    const auto before = target_.counters();
    const auto points =
      static_cast<std::size_t>(std::ceil(points_of_run * p.seconds / scenario_.seconds()));
    auto& r = phases_.emplace_back(p, points, hooks_.time_scale);
    if (start_ns_ == 0)
      start_ns_ = r.start_ns;

    std::vector<std::thread> threads;
    std::uint64_t seed = scenario_.seed * 1'000'003 + phases_.size() * 1'009;
    const auto task = [&](unsigned i) {
      return thread_task{target_, work_, p, r.grid, stop_, r.start_ns, r.end_ns, i, ++seed};
    };
    for (unsigned i = 0; i < r.writers.size(); ++i)
      threads.emplace_back([t = task(i), &tally = r.writers[i]] { run_writer(t, tally); });
    for (unsigned i = 0; i < r.readers.size(); ++i)
      threads.emplace_back([t = task(i), &tally = r.readers[i]] { run_reader(t, tally); });
    watch_phase(r);
    for (auto& thread : threads)
      thread.join();
    r.close(before, target_.counters(), start_ns_);
    r.report.resident_bytes_max = std::max(r.report.resident_bytes_max, resident_bytes());
  }

  void watch_phase(phase_run& r) {
    every gauge(gauge_every_ns), memory(memory_every_ns), live(live_every_ns),
      interrupt(interrupt_every_ns);
    for (std::int64_t now = monotonic_ns(); now < r.end_ns; now = monotonic_ns()) {
      const bool busy = watch();
      if (gauge.due(now))
        r.note_pending(target_.counters().pending, now);
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

  /// Writes of earlier phases may still be on their way. True if some are.
  bool watch() {
    bool busy = false;
    for (auto& r : phases_)
      busy |= r.watch(target_);
    return busy;
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
    s.phase = r.load.name;
    s.seconds = static_cast<double>(now - start_ns_) * 1e-9;
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

  void finish() {
    write_times total;
    for (auto& r : phases_)
      r.collect(report_, total);
    report_.write_operations = total.report();
    auto& a = report_.accounting;
    a.target = target_.counters();
    if (auto trouble = target_.trouble(); !trouble.empty())
      report_.missed.push_back(std::move(trouble));
    if (auto difference = a.difference(); !difference.empty())
      report_.missed.push_back("accounting: " + difference);
    if (a.refused != 0)
      report_.missed.push_back(show_count(a.refused) + " writes were refused, the first with "
                               + a.refused_first);
  }

  const scenario& scenario_;
  const run_hooks& hooks_;
  scenario_target& target_;
  workload work_;
  std::int64_t start_ns_ = 0; // of the first phase
  ticket preloaded_;          // the last one
  std::atomic<bool> stop_{false};
  std::deque<phase_run> phases_;
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
  if (auto offered = check_offered(s, target); !offered)
    return offered.error();
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
