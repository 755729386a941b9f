#include "bench/served_memory.hpp"

#include "bench/workbench.hpp"

#include <cstdio>

namespace cmem::bench {

served_memory::served_memory(config c, node_options o) {
  c.log = [](log_level, std::string_view) {};
  memory_ = or_throw(concurrent_memory::open(system_.get(), std::move(c)));
  o.port = 0;
  node_ = or_throw(node::open(system_.get(), *memory_, std::move(o)));
}

served_memory::~served_memory() {
  node_.reset();
  memory_.reset(); // before the system, which its actors would keep from ending
}

std::unique_ptr<remote_memory> served_memory::connect(remote_options o) const {
  o.node = "127.0.0.1:" + std::to_string(port());
  return or_throw(remote_memory::connect(o));
}

std::string name_of(std::uint32_t i) {
  char text[24];
  (void) std::snprintf(text, sizeof(text), "concept-%012u", i);
  return text;
}

void learn_random_graph(concurrent_memory& memory, std::uint32_t concepts, std::uint32_t degree) {
  constexpr std::size_t batch = 1'000;
  const std::string content(60, 'c');
  tools::random_numbers random(7);
  std::vector<concept_id> ids(concepts);
  std::vector<std::string> names(batch);
  std::vector<write_op> ops;
  const auto learn = [&] {
    if (!ops.empty())
      (void) or_throw(memory.await_visible(or_throw(memory.learn_batch(ops))));
    ops.clear();
  };
  for (std::uint32_t i = 0; i < concepts; ++i) {
    names[i % batch] = name_of(i);
    const concept_ref named(names[i % batch]);
    ids[i] = named.id;
    ops.emplace_back(op::learn_concept{.id = named, .content = content});
    if (ops.size() == batch)
      learn();
  }
  learn();
  for (std::uint32_t i = 0; i < concepts; ++i)
    for (std::uint32_t d = 0; d < degree; ++d) {
      ops.emplace_back(
        op::learn_association{.source = ids[i], .target = ids[random.below(concepts)]});
      if (ops.size() == batch)
        learn();
    }
  learn();
}

} // namespace cmem::bench
