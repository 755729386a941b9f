#include "bench/stored_graph.hpp"

#include <thread>

namespace cmem::bench {

std::string content_of(std::uint64_t i, std::size_t bytes) {
  std::string text = std::to_string(i) + " ";
  text.resize(bytes, 'c');
  return text;
}

ticket write_patiently(concurrent_memory& memory, const write_op& o) {
  auto t = memory.write(o);
  for (; !t && t.error().code == errc::overloaded; t = memory.write(o))
    std::this_thread::yield();
  return or_throw(std::move(t));
}

void await_merged(concurrent_memory& memory, const ticket& last) {
  if (or_throw(memory.await_visible(last, std::chrono::minutes(1))).what != fate::applied)
    throw std::runtime_error("a benchmark's write was not applied");
}

void learn_graph(concurrent_memory& memory, const graph_size& g) {
  ticket last;
  for (std::uint64_t i = 0; i < g.concepts; ++i) {
    const std::string content = content_of(i, g.content_bytes);
    last = write_patiently(memory, op::learn_concept{.id = id_of(i), .content = content});
  }
  tools::random_numbers random(31);
  for (std::uint64_t i = 0; i < g.associations; ++i) {
    const concept_id source = id_of(random.below(g.concepts));
    const concept_id target = id_of(random.below(g.concepts));
    last = write_patiently(memory, op::learn_association{.source = source, .target = target});
  }
  await_merged(memory, last);
}

config graph_settings(const std::string& directory) {
  config c;
  c.overflow = overflow_policy::reject;
  c.storage_path = directory;
  c.memory_threshold = concepts_max;
  c.flush_log_bytes = std::uint64_t{1} << 40;
  c.log = [](log_level, std::string_view) {}; // loading lags on purpose
  return c;
}

void store_graph(const std::string& directory, const graph_size& g) {
  const auto memory = or_throw(concurrent_memory::open(graph_settings(directory)));
  learn_graph(*memory, g);
  (void) or_throw(memory->flush());
  const auto closed = memory->close();
  if (closed.store_error.code != errc::ok)
    throw std::runtime_error(to_string(closed.store_error));
}

} // namespace cmem::bench
