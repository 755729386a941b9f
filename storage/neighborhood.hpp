#pragma once
// What lies around a concept (R5).

#include "storage/graph_snapshot.hpp"
#include "storage/paths.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cmem {

struct subgraph_node {
  std::uint32_t index = 0; ///< resolve by snapshot.at(index) (R6)
  std::uint32_t hops = 0;  ///< from the seed

  friend bool operator==(const subgraph_node&, const subgraph_node&) = default;
};

/// Learned concepts within `hops` outgoing hops of a seed, the seed first, by hops then id, at most
/// `limit`. Breadth-first; stops with the level that fills the limit. Preconditions: learned seed,
/// hops <= path_depth_max. Threads: any that holds the snapshot.
std::vector<subgraph_node> neighborhood(const graph_snapshot& s, std::uint32_t seed,
                                        std::uint32_t hops, std::size_t limit,
                                        path_scratch& scratch);

} // namespace cmem
