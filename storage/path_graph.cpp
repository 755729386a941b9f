#include "storage/path_graph.hpp"

#include <cassert>

namespace cmem {

namespace {

// Offers `best` every association from one end to the other that passes, whichever list is shorter.
template <class Passes>
void offer_steps(const graph_snapshot& s, std::uint32_t source, std::uint32_t target,
                 direction along, const Passes& passes, path_step& best) {
  const bool outgoing = s.out(source).size() <= s.in(target).size();
  const adjacency_list list = outgoing ? s.out(source) : s.in(target);
  const std::uint32_t wanted = outgoing ? target : source;
  list.for_each_chunk([&](const adjacency_chunk& c) {
    for (std::size_t j = 0; j < c.targets.size(); ++j) {
      if (c.targets[j] != wanted || !passes(c, j))
        continue;
      const path_step step{best.index, c.kind[j], c.confidence[j], along};
      if (shown_before(step, best))
        best = step;
    }
  });
}

} // namespace

path_step open_graph::step(std::uint32_t from, std::uint32_t to) const {
  path_step best{to, 0, -1.0F};
  offer_steps(
    s_, from, to, direction::outgoing, [](const adjacency_chunk&, std::size_t) { return true; },
    best);
  assert(best.confidence >= 0.0F);
  return best;
}

path_step filtered_graph::step(std::uint32_t from, std::uint32_t to) const {
  const auto passing = [this](const adjacency_chunk& c, std::size_t j) { return passes(c, j); };
  path_step best{to, 0, -1.0F};
  if (uses_out<forward>())
    offer_steps(s_, from, to, direction::outgoing, passing, best);
  if (uses_in<forward>())
    offer_steps(s_, to, from, direction::incoming, passing, best);
  assert(best.confidence >= 0.0F);
  return best;
}

} // namespace cmem
