// Two processes, one memory: the first serves it and reasons, the second learns into it from
// outside.

#include "actors/concurrent_memory.hpp"
#include "actors/io_system.hpp"
#include "actors/node.hpp"
#include "actors/remote_memory.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

using namespace cmem;

namespace {

int fail(const char* what, const failure& why) {
  std::fprintf(stderr, "%s: %s\n", what, to_string(why).c_str());
  return EXIT_FAILURE;
}

/// The second process: knows nothing of the memory but where it is.
int learn_from_outside(std::uint16_t port) {
  auto memory = remote_memory::connect({.node = "127.0.0.1:" + std::to_string(port)});
  if (!memory)
    return fail("no node", memory.error());
  remote_memory& m = **memory;
  const write_op lesson[] = {
    op::learn_concept{"rain", "water falling from clouds"},
    op::learn_concept{"wet street", "slippery"},
    op::learn_concept{"slow traffic", "cars keep their distance"},
    op::learn_association{"rain", "wet street", kinds::causal, 0.9F},
    op::learn_association{"wet street", "slow traffic", kinds::causal, 0.8F},
  };
  result<ticket> last = failure{errc::invalid_argument, "no lesson"};
  for (const write_op& o : lesson)
    last = m.write(o); // returns at once; they go to the node in one frame
  if (!last)
    return fail("not written", last.error());
  const auto settled = m.await_visible(*last);
  if (!settled)
    return fail("not visible", settled.error());
  const auto path = m.find_path("rain", "slow traffic");
  if (!path || !*path)
    return EXIT_FAILURE;
  std::printf("agent %s: rain leads to slow traffic in %zu hops\n",
              settled->what == fate::applied ? "has learned" : "has not learned",
              (*path)->hops.size());
  return EXIT_SUCCESS;
}

int serve_until_learned(int port_to, pid_t agent) {
  io_system system; // whose middleman owns the node's sockets
  auto memory = concurrent_memory::open(system.get());
  if (!memory)
    return fail("no memory", memory.error());
  auto served = node::open(system.get(), **memory, {.port = 0}); // one that is free
  if (!served)
    return fail("no node", served.error());
  const std::uint16_t port = (*served)->port();
  if (::write(port_to, &port, sizeof(port)) != sizeof(port))
    return EXIT_FAILURE;
  int status = 0;
  ::waitpid(agent, &status, 0);
  if (status != 0)
    return EXIT_FAILURE;
  const auto mind = (*memory)->activate({{"rain", 1.0}}); // at once: it is in this process
  if (!mind)
    return fail("nothing comes to mind", mind.error());
  for (const activated_concept& c : mind->hits)
    std::printf("node: with rain comes to mind: %s\n",
                (*memory)->query_concept(c.id)->name.c_str());
  return mind->hits.size() == 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}

} // namespace

int main() {
  int port[2];
  if (::pipe(port) != 0)
    return EXIT_FAILURE;
  const pid_t agent = ::fork(); // before there is any thread
  if (agent == 0) {
    std::uint16_t number = 0;
    if (::read(port[0], &number, sizeof(number)) != sizeof(number))
      return EXIT_FAILURE;
    return learn_from_outside(number);
  }
  return agent < 0 ? EXIT_FAILURE : serve_until_learned(port[1], agent);
}
