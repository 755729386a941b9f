#include "bench/benches.hpp"
#include "bench/scratch_directory.hpp"
#include "bench/stored_graph.hpp"

#include <cerrno>
#include <cstring>
#include <exception>
#include <fstream>
#include <iostream>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cmem::bench {
namespace {

/// Anonymous memory of this process that is resident.
double anonymous_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "RssAnon:") {
      double kib = 0;
      status >> kib;
      return kib * 1024;
    }
  throw std::runtime_error("the system does not say how much anonymous memory is resident");
}

/// What `measure` answers in a process of its own. Precondition: this one has one thread.
double in_child(const std::function<double()>& measure) {
  int ends[2];
  if (::pipe(ends) != 0)
    throw std::runtime_error(std::string("no pipe: ") + std::strerror(errno));
  std::cout.flush();
  const pid_t child = ::fork();
  if (child < 0)
    throw std::runtime_error(std::string("no child: ") + std::strerror(errno));
  if (child == 0) {
    int code = 1;
    try {
      const double value = measure();
      code = ::write(ends[1], &value, sizeof(value)) == sizeof(value) ? 0 : 1;
    } catch (const std::exception& e) {
      std::cerr << "cmem bench mapped: " << e.what() << std::endl;
    }
    ::_exit(code);
  }
  ::close(ends[1]);
  double value = 0;
  const bool told = ::read(ends[0], &value, sizeof(value)) == sizeof(value);
  ::close(ends[0]);
  int status = 0;
  (void) ::waitpid(child, &status, 0);
  if (!told || status != 0)
    throw std::runtime_error("a process that was to measure ended without an answer");
  return value;
}

/// Reads every byte of every content.
std::uint64_t touch_all(const concurrent_memory& memory, const graph_size& g) {
  const auto s = memory.snapshot();
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < g.concepts; ++i) {
    const auto found = s->find(id_of(i));
    if (!found || found->content().size() != g.content_bytes)
      throw std::runtime_error("a concept is not there as it was learned");
    for (const char c : found->content())
      sum += static_cast<unsigned char>(c);
  }
  return sum;
}

} // namespace

outcome mapped(const options& options) {
  outcome o;
  const scratch_directory scratch(options);
  const std::string directory = scratch.at("store");
  const graph_size size{options.scaled(1'000'000), options.scaled(4'000'000), 1024};
  const auto grown_by = [&](const std::string& where) {
    return in_child([&] {
      (void) ::malloc_trim(0);
      const double before = anonymous_bytes();
      const auto memory = or_throw(concurrent_memory::open(graph_settings(where)));
      if (where.empty())
        learn_graph(*memory, size);
      if (touch_all(*memory, size) == 0)
        throw std::runtime_error("all content is zeros");
      return anonymous_bytes() - before;
    });
  };
  (void) in_child([&] {
    store_graph(directory, size);
    return 0.0;
  });
  const double opened = grown_by(directory);
  const double held = grown_by("");
  constexpr double mib = 1 << 20;
  o.rows.push_back({"opened, all content read: anonymous memory", opened / mib, "MiB",
                    "the same graph, learned and held in memory", held / mib, ratio_at_most(0.25)});
  o.notes = {std::to_string(size.concepts) + " concepts of 1 KiB, "
             + std::to_string(size.associations)
             + " associations; each case in a process of its own, RssAnon less what it began "
               "with; on "
             + scratch.file_system()};
  return o;
}

} // namespace cmem::bench
