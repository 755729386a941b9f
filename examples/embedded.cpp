// The smallest program worth copying: learn a lesson, wait until it can be seen, reason about it.

#include "actors/concurrent_memory.hpp"

#include <cstdio>
#include <cstdlib>

using namespace cmem;

int main() {
  concurrent_memory memory; // throws when it can't be opened; config{} has what can be set

  const write_op lesson[] = {
    op::learn_concept{"rain", "water falling from clouds"},
    op::learn_concept{"wet street", "slippery"},
    op::learn_concept{"slow traffic", "cars keep their distance"},
    op::learn_association{"rain", "wet street", kinds::causal, 0.9F},
    op::learn_association{"wet street", "slow traffic", kinds::causal, 0.8F},
  };
  const auto ticket = memory.learn_batch(lesson); // returns at once: a ticket is a receipt
  if (!ticket)
    return EXIT_FAILURE;
  const auto settled = memory.await_visible(*ticket); // what became of it
  if (!settled || settled->what != fate::applied) {
    std::fprintf(stderr, "nothing was learned\n");
    return EXIT_FAILURE;
  }

  const auto path = memory.find_path("rain", "slow traffic");
  if (!path || !*path)
    return EXIT_FAILURE;
  std::printf("rain");
  for (const auto& hop : (*path)->hops)
    std::printf(" -> %s", memory.query_concept(hop.id)->name.c_str());
  std::printf(", confidence %.2f\n", (*path)->confidence);
  return EXIT_SUCCESS;
}
