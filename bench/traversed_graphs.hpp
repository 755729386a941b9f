#pragma once
// The graphs that benchmarks of traversals walk.

#include "actors/concurrent_memory.hpp"
#include "bench/workbench.hpp"

#include <string>
#include <vector>

namespace cmem::bench {

/// Concepts [0, concepts), and associations between them.
struct traversed_graph {
  std::string name;
  std::uint32_t concepts = 0;
  std::vector<edge_pair> edges;

  [[nodiscard]] static concept_id id(std::uint32_t concept_number) { return id_of(concept_number); }
  /// Learns all of it, with random confidences, and waits for that.
  void learn(concurrent_memory& memory) const;
};

/// R-MAT, 2^20 concepts and 16 x as many associations, scaled down by powers of two. Those that
/// occur twice included.
[[nodiscard]] traversed_graph rmat_graph(const options& o);
/// Synsets and their pointers, whatever the scale. Throws std::runtime_error without WordNet.
[[nodiscard]] traversed_graph wordnet_graph(const options& o);

} // namespace cmem::bench
