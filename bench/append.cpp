#include "actors/concurrent_memory.hpp"
#include "bench/benches.hpp"
#include "bench/bursts.hpp"
#include "bench/paced_writer.hpp"
#include "bench/workbench.hpp"

#include <algorithm>
#include <array>
#include <boost/lockfree/queue.hpp>
#include <cmath>
#include <thread>

namespace cmem::bench {
namespace {

constexpr std::size_t window_appends = 20'000;
constexpr std::size_t log_capacity = 100'000;

struct percentiles {
  double p50 = 0;
  double p999 = 0;
};

/// Times each of `n` calls by itself.
template <class F>
percentiles time_each(std::size_t n, F&& f) {
  std::vector<std::int64_t> ns(n);
  for (std::size_t i = 0; i < n; ++i) {
    const std::int64_t start = tools::monotonic_ns();
    f(i);
    ns[i] = tools::monotonic_ns() - start;
  }
  std::sort(ns.begin(), ns.end());
  return {static_cast<double>(ns[n / 2]), static_cast<double>(ns[n - 1 - n / 1000])};
}

config memory_config(config c, const char* store) {
  if (!c.storage_path.empty())
    c.storage_path += store;
  c.overflow = overflow_policy::reject;
  c.log_capacity = log_capacity;
  return c;
}

void await_empty(concurrent_memory& memory) {
  while (memory.stats().write_log.pending != 0)
    std::this_thread::yield();
}

/// Four threads, each learning ids of its own and setting one concept of its own to 1, 2, 3 …: what
/// is missing, twice there or out of order afterwards.
double faults_of_four_writers(const config& settings, std::uint64_t each) {
  concurrent_memory memory(settings);
  std::array<std::thread, 4> threads;
  std::atomic<std::uint64_t> faults{0};
  for (std::uint64_t w = 0; w < threads.size(); ++w)
    threads[w] = std::thread([&, w] {
      ticket last;
      for (std::uint64_t i = 1; i <= each; ++i) {
        const concept_id own = id_of(w);
        const concept_id fresh = id_of(1'000 + w * each + i);
        for (const auto& o : {op::learn_concept{.id = own, .strength = static_cast<float>(i)},
                              op::learn_concept{.id = fresh}}) {
          auto t = memory.write(o);
          while (!t && t.error().code == errc::overloaded) {
            std::this_thread::yield();
            t = memory.write(o);
          }
          if (!t || (last.number != 0 && t->number != last.number + 1))
            ++faults;
          else
            last = *t;
        }
      }
      const auto settled = memory.await_visible(last, std::chrono::seconds(60));
      if (!settled || settled->what != fate::applied)
        ++faults;
    });
  for (auto& t : threads)
    t.join();
  const auto snapshot = memory.snapshot();
  if (snapshot->concept_count() != threads.size() * (each + 1))
    ++faults;
  for (std::uint64_t w = 0; w < threads.size(); ++w) {
    const auto own = snapshot->find(id_of(w));
    if (!own || own->strength() != static_cast<float>(each))
      ++faults;
    for (std::uint64_t i = 1; i <= each; ++i)
      if (!snapshot->find(id_of(1'000 + w * each + i)))
        ++faults;
  }
  return static_cast<double>(faults);
}

} // namespace

void measure_append(const options& options, const config& base, const std::string& label,
                    outcome& o) {
  {
    const core_pin others(0); // the reconciler's thread inherits it
    concurrent_memory memory(memory_config(base, "-append"));
    const core_pin self(1);
    const std::string content(100, 'c');
    boost::lockfree::queue<void*> queue(log_capacity);
    tools::random_numbers random(1);
    percentiles ours;
    std::vector<double> tails;
    const auto subject = [&] {
      std::vector<concept_id> ids(window_appends);
      for (auto& id : ids)
        id = id_of(random.below(100'000));
      await_empty(memory);
      ours = time_each(window_appends, [&](std::size_t i) {
        (void) or_throw(memory.learn_concept(ids[i], content));
      });
      return ours.p50;
    };
    const auto baseline = [&] {
      const auto p =
        time_each(window_appends, [&](std::size_t) { (void) queue.bounded_push(&queue); });
      queue.consume_all([](void*) {});
      return p.p50;
    };
    for (int i = 0; i < 20; ++i) {
      (void) subject();
      (void) baseline();
    }
    const comparison c = compare(subject, baseline, o, 15);
    for (int i = 0; i < 15; ++i)
      tails.push_back(calm(
        [&] {
          (void) subject();
          return ours.p999;
        },
        o));
    o.rows.push_back({label + "p50", c.subject, "ns", "bare bounded_push of a pointer", c.baseline,
                      ratio_at_most(5)});
    o.rows.push_back({label + "p99.9", median(tails), "ns", "", 0, at_most(1000)});
  }
  o.rows.push_back(
    {label + "4 writers: lost, twice or out of order",
     faults_of_four_writers(memory_config(base, "-writers"), options.scaled(250'000)), "entries",
     "", 0, at_most(0)});
}

outcome append(const options& options) {
  outcome o;
  measure_append(options, {}, "", o);
  o.notes = {"100-byte content, `reject`, reconciler running on another core; each call timed by "
             "itself, clock included on "
             "both sides; windows of 20,000 into an empty log"};
  return o;
}

} // namespace cmem::bench
