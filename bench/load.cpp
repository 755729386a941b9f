#include "bench/benches.hpp"
#include "bench/workbench.hpp"

#include <atomic>
#include <thread>

namespace cmem::bench {
namespace {

constexpr int held_handles = 8;
constexpr std::uint64_t loads = 4'000'000;

/// Nanoseconds of a load and release while 8 guards are held. The sum keeps the work alive.
double load_ns(const engine& memory, std::uint64_t n) {
  std::vector<snapshot_guard> held;
  for (int i = 0; i < held_handles; ++i)
    held.push_back(memory.load());
  std::uint64_t sum = 0;
  stopwatch watch;
  for (std::uint64_t i = 0; i < n; ++i)
    sum += reinterpret_cast<std::uintptr_t>(memory.load().get());
  const double ns = watch.seconds() * 1e9 / static_cast<double>(n);
  if (sum == 0)
    throw std::logic_error("no snapshot was loaded");
  return ns;
}

} // namespace

outcome load(const options& options) {
  outcome o;
  const auto memory = make_engine();
  learn_concepts(*memory, 1000, 10);
  const std::uint64_t n = options.scaled(loads);
  const auto one = [&] { return load_ns(*memory, n); };
  const auto two = [&] {
    std::atomic<int> ready{0};
    std::atomic<bool> stop{false};
    std::thread other([&] {
      ready = 1;
      while (!stop)
        (void) load_ns(*memory, 10'000);
    });
    while (ready == 0)
      std::this_thread::yield();
    const double ns = load_ns(*memory, n);
    stop = true;
    other.join();
    return ns;
  };
  (void) one();
  const comparison c = compare(two, one, o);
  o.rows.push_back({"1 thread", c.baseline, "ns", "", 0, at_most(5)});
  o.rows.push_back({"2 threads", c.subject, "ns", "", 0, at_most(5)});
  o.rows.push_back(
    {"2 threads against 1", c.subject, "ns", "1 thread", c.baseline, ratio_at_most(1.25)});
  o.notes = {"load() and release with 8 guards held by the thread"};
  return o;
}

} // namespace cmem::bench
