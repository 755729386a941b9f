#pragma once
// The path whose confidences multiply to most (R5).

#include "storage/graph_snapshot.hpp"
#include "storage/paths.hpp"

#include <cstdint>
#include <optional>

namespace cmem {

/// The path of greatest confidence (product), at most max_depth hops; ties: fewer hops, then least
/// ids; of parallel kinds the most confident, then the least. nullopt when there is no path; one of
/// confidence 0 is a path. Dijkstra 1959 on products, from the target back, that keeps for each
/// concept the ways that are less confident but shorter, so that the bound on hops is exact.
/// Products are compared as doubles, multiplied from the target on; where a hop makes unequal ways
/// equal (one of confidence 0 does) the path goes on by the more confident of them. Time: up to the
/// whole graph times its logarithm. Preconditions and threads as for find_path.
std::optional<path> most_confident_path(const graph_snapshot& s, std::uint32_t source,
                                        std::uint32_t target, std::uint32_t max_depth,
                                        path_scratch& scratch);

} // namespace cmem
