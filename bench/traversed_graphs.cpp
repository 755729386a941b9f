#include "bench/traversed_graphs.hpp"

#include "bench/stored_graph.hpp"
#include "tools/wordnet.hpp"

namespace cmem::bench {

void traversed_graph::learn(concurrent_memory& memory) const {
  ticket last;
  for (std::uint32_t i = 0; i < concepts; ++i)
    last = write_patiently(memory, op::learn_concept{.id = id(i)});
  tools::random_numbers random(19);
  for (const edge_pair& e : edges)
    last = write_patiently(memory, op::learn_association{.source = id(e.source),
                                                         .target = id(e.target),
                                                         .confidence = random.unit()});
  await_merged(memory, last);
}

traversed_graph rmat_graph(const options& o) {
  const unsigned scale = rmat_scale(o);
  return {"RMAT scale " + std::to_string(scale), 1U << scale,
          rmat_edges(scale, std::size_t{16} << scale, 12)};
}

traversed_graph wordnet_graph(const options&) {
  const tools::wordnet source = or_throw(tools::read_wordnet());
  traversed_graph g{"WordNet", static_cast<std::uint32_t>(source.synsets.size()), {}};
  for (const tools::synset_pointer& p : source.pointers)
    g.edges.push_back({p.source, p.target});
  return g;
}

} // namespace cmem::bench
