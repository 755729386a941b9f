// Four bursts on one memory: learn concepts, connect them, reason over them, and do both at once.
// Prints the rate of each burst and how long single calls took.

#include "actors/concurrent_memory.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

using namespace cmem;
using clock_type = std::chrono::steady_clock;

namespace {

constexpr std::uint32_t concepts = 1'000;
constexpr std::uint32_t associations = 500;
constexpr std::uint32_t connected = associations / 2; // concepts that have any
constexpr std::uint32_t path_queries = 5'000;
constexpr std::uint32_t mixed_writes = 500;
constexpr std::uint32_t mixed_reads = 100'000;

template <class T>
T must(result<T> r) {
  if (!r)
    throw std::runtime_error(to_string(r.error()));
  return std::move(r).value();
}

/// Times `count` calls of `call(i)`.
template <class F>
std::vector<std::int64_t> timed(std::uint32_t count, F call) {
  std::vector<std::int64_t> ns(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto begin = clock_type::now();
    call(i);
    ns[i] = std::chrono::nanoseconds(clock_type::now() - begin).count();
  }
  return ns;
}

void print(const char* what, std::vector<std::int64_t> ns, clock_type::duration took) {
  std::sort(ns.begin(), ns.end());
  const auto at = [&](double q) {
    return static_cast<double>(ns[static_cast<std::size_t>(q * static_cast<double>(ns.size() - 1))])
           / 1e3;
  };
  const auto seconds = std::chrono::duration<double>(took).count();
  std::printf("  %-24s %8zu  %12.0f/s   p50 %8.2f us   p99 %8.2f us   max %8.2f us\n", what,
              ns.size(), static_cast<double>(ns.size()) / seconds, at(0.5), at(0.99), at(1.0));
}

/// Runs one burst of a single thread and prints it.
template <class F>
void burst(const char* what, std::uint32_t count, F call) {
  const auto begin = clock_type::now();
  auto ns = timed(count, call);
  print(what, std::move(ns), clock_type::now() - begin);
}

/// Waits until the memory shows what `last` stands for, and all before it.
void show_staleness(concurrent_memory& memory, const ticket& last) {
  const auto begin = clock_type::now();
  if (must(memory.await_visible(last)).what != fate::applied)
    throw std::runtime_error("an entry was not applied");
  std::printf("  %-24s %.2f ms after the last call; %llu concepts, %llu associations\n",
              "all visible",
              std::chrono::duration<double, std::milli>(clock_type::now() - begin).count(),
              static_cast<unsigned long long>(memory.stats().snapshot.concept_count),
              static_cast<unsigned long long>(memory.stats().snapshot.edge_count));
}

concept_id id_of(std::uint32_t i) { return concept_id::from_halves(1, i); }

void run() {
  concurrent_memory memory;
  std::mt19937 random(7);
  const auto any = [&] { return id_of(static_cast<std::uint32_t>(random() % connected)); };
  ticket last;

  std::puts("burst 1: learn concepts");
  burst("learn_concept", concepts, [&](std::uint32_t i) {
    last = must(memory.learn_concept(id_of(i), "what is known of concept " + std::to_string(i)));
  });
  show_staleness(memory, last);

  std::puts("burst 2: learn associations");
  burst("learn_association", associations, [&](std::uint32_t i) {
    // Half of them make a chain, so that there are long paths; the rest are chance.
    const auto source = i % 2 == 0 ? id_of(i / 2) : any();
    const auto target = i % 2 == 0 ? id_of(i / 2 + 1) : any();
    last = must(memory.learn_association(source, target, kinds::semantic, 0.9F));
  });
  show_staleness(memory, last);

  std::puts("burst 3: find paths");
  std::uint32_t found = 0;
  std::size_t hops = 0;
  burst("find_path", path_queries, [&](std::uint32_t) {
    const auto path = must(memory.find_path(any(), any(), 10));
    if (path) {
      ++found;
      hops += path->hops.size();
    }
  });
  std::printf("  %-24s %u of %u, %.1f hops on average\n", "found", found, path_queries,
              found == 0 ? 0.0 : static_cast<double>(hops) / found);

  std::puts("burst 4: write and read at once");
  const auto begin = clock_type::now();
  auto writing = std::async(std::launch::async, [&] {
    auto ns =
      timed(mixed_writes, [&](std::uint32_t i) { last = must(memory.strengthen(id_of(i), 0.5F)); });
    print("strengthen", std::move(ns), clock_type::now() - begin);
  });
  std::size_t bytes = 0;
  auto reads = timed(mixed_reads, [&](std::uint32_t i) {
    bytes += memory.snapshot()->find(id_of(i % concepts))->content().size();
  });
  const auto reading = clock_type::now() - begin;
  writing.get(); // throws what the writer threw
  print("find", std::move(reads), reading);
  show_staleness(memory, last);

  const auto stats = memory.stats();
  std::printf("all: %llu entries written, %llu dropped, %llu snapshots, %.1f MiB\n",
              static_cast<unsigned long long>(stats.write_log.written),
              static_cast<unsigned long long>(stats.write_log.dropped),
              static_cast<unsigned long long>(stats.reconciler.reconciliations),
              static_cast<double>(stats.memory.total) / (1 << 20));
  if (bytes == 0 || found == 0 || stats.write_log.dropped != 0)
    throw std::runtime_error("the figures do not add up");
}

} // namespace

int main() {
  try {
    run();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "concurrent_burst_demo: %s\n", e.what());
    return EXIT_FAILURE;
  }
}
