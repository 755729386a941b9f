#include "actors/concurrent_memory.hpp"
#include "bench/benches.hpp"
#include "bench/paced_writer.hpp"
#include "bench/workbench.hpp"
#include "tools/pacer.hpp"

#include <algorithm>
#include <deque>
#include <string>

namespace cmem::bench {
namespace {

constexpr double writes_per_second = 200'000;
constexpr std::int64_t step_ns = 100'000;

struct sample {
  ticket of;
  std::int64_t appended;
};

/// p99 of append -> visible in milliseconds. The writer itself looks, ten times a millisecond,
/// whether its sampled entries are in the newest snapshot: no await wakes the reconciler, no other
/// thread takes its core.
double p99_ms(std::uint32_t interval_ms, double seconds) {
  config settings;
  settings.overflow = overflow_policy::reject;
  settings.reconcile_interval_ms = interval_ms;
  const core_pin others(0); // the memory's threads inherit it
  concurrent_memory memory(settings);
  const core_pin self(1);
  const std::string content(100, 'c');
  tools::random_numbers random(4);
  std::deque<sample> waiting;
  std::vector<double> ms;
  tools::wake_precisely();
  const std::int64_t start = tools::monotonic_ns();
  const auto steps = static_cast<std::int64_t>(seconds * 1e9) / step_ns;
  std::uint64_t written = 0;
  for (std::int64_t step = 0; step < steps; ++step) {
    tools::wait_until(start + step * step_ns, 20'000);
    const auto due =
      static_cast<std::uint64_t>(writes_per_second * static_cast<double>(step) * step_ns * 1e-9);
    for (bool first = true; written < due; ++written, first = false) {
      const std::int64_t now = tools::monotonic_ns();
      const ticket t = or_throw(
        memory.write(op::learn_concept{.id = id_of(random.below(500'000)), .content = content}));
      if (first)
        waiting.push_back({t, now});
    }
    const auto snapshot = memory.snapshot();
    const std::int64_t now = tools::monotonic_ns();
    while (!waiting.empty() && snapshot->covers(waiting.front().of)) {
      ms.push_back(static_cast<double>(now - waiting.front().appended) * 1e-6);
      waiting.pop_front();
    }
  }
  std::sort(ms.begin(), ms.end());
  return ms.empty() ? 0 : ms[ms.size() * 99 / 100];
}

} // namespace

outcome staleness(const options& options) {
  outcome o;
  for (const std::uint32_t interval : {10U, 1U})
    o.rows.push_back({"p99 at " + std::to_string(interval) + " ms",
                      median_of([&] { return p99_ms(interval, 0.2 * options.scale); }, o), "ms", "",
                      0, at_most(interval + 3)});
  o.notes = {"200,000 writes/s with 100 bytes of content into up to 500,000 concepts; looked for "
             "every 0.1 ms"};
  return o;
}

} // namespace cmem::bench
