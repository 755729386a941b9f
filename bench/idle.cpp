#include "actors/concurrent_memory.hpp"
#include "bench/benches.hpp"
#include "bench/workbench.hpp"

#include <chrono>
#include <sys/resource.h>
#include <thread>

namespace cmem::bench {
namespace {

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

} // namespace

outcome idle(const options& options) {
  outcome o;
  concurrent_memory memory;
  const ticket t = or_throw(memory.learn_concept("the only one"));
  (void) or_throw(memory.await_visible(t));
  const double before = cpu_seconds();
  stopwatch watch;
  std::this_thread::sleep_for(std::chrono::duration<double>(30 * options.scale));
  const double percent = 100 * (cpu_seconds() - before) / watch.seconds();
  o.rows.push_back(
    {"processor time of an idle memory", percent, "% of a core", "", 0, at_most(0.5)});
  o.notes = {"the whole process over 30 s, interval 10 ms"};
  return o;
}

} // namespace cmem::bench
