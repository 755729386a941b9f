#include "bench/csr_graph.hpp"

#include <limits>
#include <stdexcept>

namespace cmem::bench {

csr_graph::csr_graph(const graph_snapshot& s) : learned_(s.index_count()) {
  if (s.edge_count() > std::numeric_limits<std::uint32_t>::max())
    throw std::length_error("too many associations for 32-bit rows");
  for (std::uint32_t i = 0; i < s.index_count(); ++i)
    learned_[i] = s.is_learned(i);
  fill(out_, s, learned_, true);
  fill(in_, s, learned_, false);
}

void csr_graph::fill(rows& to, const graph_snapshot& s, const huge_vector<bool>& learned,
                     bool outgoing) {
  to.first.reserve(std::size_t{s.index_count()} + 1);
  to.targets.reserve(s.edge_count());
  to.confidence.reserve(s.edge_count() + 1);
  to.kind.reserve(s.edge_count() + 1);
  for (std::uint32_t i = 0; i < s.index_count(); ++i) {
    to.first.push_back(static_cast<std::uint32_t>(to.targets.size()));
    if (!learned[i])
      continue;
    const adjacency_list list = outgoing ? s.out(i) : s.in(i);
    list.for_each_chunk([&](const adjacency_chunk& c) {
      for (std::size_t j = 0; j < c.targets.size(); ++j)
        if (learned[c.targets[j]]) {
          to.targets.push_back(c.targets[j]);
          to.confidence.push_back(c.confidence[j]);
          to.kind.push_back(c.kind[j]);
        }
    });
  }
  to.first.push_back(static_cast<std::uint32_t>(to.targets.size()));
  to.confidence.push_back(0); // so that the address of an empty last list exists
  to.kind.push_back(0);
}

} // namespace cmem::bench
