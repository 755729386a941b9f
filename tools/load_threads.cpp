#include "tools/load_threads.hpp"

#include "tools/pacer.hpp"

#include <algorithm>
#include <optional>

namespace cmem::tools {
namespace {

constexpr std::int64_t probe_every_ns = 50'000; // the most that are watched: 20,000/s a writer
constexpr std::int64_t step_back_ns = 500'000;
constexpr std::int64_t stop_check_ns = 50'000'000;

/// Hands out the moments at which a thread's operations are due; unpaced, that is always now.
class due_times {
public:
  due_times(const thread_task& task, const rate& r, unsigned threads)
    : task_(task),
      unpaced_(r.unpaced),
      pacer_(task.start_ns, r.unpaced ? 1.0 : r.per_second, threads, task.thread) {}

  /// Waits for the next one; nullopt when the phase is over.
  std::optional<std::int64_t> next() noexcept {
    const std::int64_t due = unpaced_ ? std::max(monotonic_ns(), task_.start_ns) : pacer_.due(i_++);
    if (due >= task_.end_ns)
      return std::nullopt;
    for (std::int64_t now = monotonic_ns(); due - now > stop_check_ns; now = monotonic_ns()) {
      if (stopped())
        return std::nullopt;
      wait_until(now + stop_check_ns, 0);
    }
    wait_until(due);
    // What is still undone when the phase ends was not achieved.
    return stopped() || monotonic_ns() >= task_.end_ns ? std::nullopt : std::optional(due);
  }
  [[nodiscard]] bool unpaced() const noexcept { return unpaced_; }
  [[nodiscard]] bool stopped() const noexcept { return task_.stop.load(std::memory_order_relaxed); }

private:
  const thread_task& task_;
  bool unpaced_;
  pacer pacer_;
  std::uint64_t i_ = 0;
};

/// Brings the content into the cache: the caller of a memory has just made it.
void touch(const write_op& o) noexcept {
  if (const auto* learn = std::get_if<op::learn_concept>(&o)) {
    for (std::size_t i = 0; i < learn->content.size(); i += 64)
      static_cast<void>(*static_cast<const volatile char*>(learn->content.data() + i));
    for (std::size_t i = 0; i < learn->vector.size(); i += 16)
      static_cast<void>(*static_cast<const volatile float*>(learn->vector.data() + i));
  }
}

/// `done` is written by this thread alone: a plain addition, visible to the live line.
void count(std::atomic<std::uint64_t>& done) noexcept {
  done.store(done.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

} // namespace

void run_writer(const thread_task& task, writer_tally& tally) {
  wake_precisely();
  write_drawer drawer(task.work, task.load.write_weights, task.seed);
  due_times times(task, task.load.writes, task.load.writers);
  const bool visible = task.target.visible_at_return();
  std::int64_t probed = 0;
  while (const auto due = times.next()) {
    const auto drawn = drawer.draw();
    touch(drawn.op);
    for (bool again = true; again;) {
      again = false;
      const std::int64_t before = monotonic_ns();
      const auto written = task.target.write(drawn.op);
      const std::int64_t after = monotonic_ns();
      ++tally.attempts;
      if (!written) {
        const bool rejected = written.error().code == errc::overloaded;
        ++(rejected ? tally.rejected : tally.refused);
        if (!rejected && tally.refused_first.empty())
          tally.refused_first = to_string(written.error());
        again = rejected && times.unpaced() && !times.stopped() && after < task.end_ns;
        if (again)
          wait_until(after + step_back_ns, 0);
        continue;
      }
      ++tally.accepted;
      const auto kind = static_cast<std::size_t>(drawn.kind);
      tally.service[kind].record(after - before);
      tally.latency[kind].record(times.unpaced() ? after - before : after - *due);
      ++tally.by_point[task.grid.at(*due)];
      count(tally.done);
      if (before - probed >= probe_every_ns) {
        probed = before;
        if (visible) {
          tally.staleness.record(after - before);
          tally.staleness_by_point[task.grid.at(before)].record(after - before);
        } else {
          tally.probes.push({*written, before});
        }
      }
    }
  }
}

void run_reader(const thread_task& task, reader_tally& tally) {
  wake_precisely();
  const auto reader = task.target.make_reader();
  query_drawer drawer(task.work, task.load.query_weights, task.seed);
  due_times times(task, task.load.reads, task.load.readers);
  while (const auto due = times.next()) {
    const auto drawn = drawer.draw();
    bool found = false;
    const std::int64_t before = monotonic_ns();
    switch (drawn.kind) {
      case query_kind::find: found = reader->find(drawn.a); break;
      case query_kind::neighbors:
        found = reader->neighbors(drawn.a, task.load.neighbors_limit) != 0;
        break;
      case query_kind::find_path:
        found = reader->find_path(drawn.a, drawn.b, task.load.path_depth_max).has_value();
        break;
      case query_kind::confident_path:
      case query_kind::alternative_paths:
      case query_kind::subgraph:
      case query_kind::activation:
      case query_kind::search:
        found = reader->traverse(drawn.kind, drawn.a, drawn.b, task.load) != 0;
        break;
    }
    const std::int64_t after = monotonic_ns();
    const std::int64_t latency = times.unpaced() ? after - before : after - *due;
    const auto kind = static_cast<std::size_t>(drawn.kind);
    tally.service[kind].record(after - before);
    tally.latency[kind].record(latency);
    tally.found[kind] += found ? 1 : 0;
    tally.point(task.grid.at(*due), kind).record(latency);
    count(tally.done);
  }
}

} // namespace cmem::tools
