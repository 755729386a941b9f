#pragma once
// Several ways from one concept to another (R5).

#include "storage/graph_snapshot.hpp"
#include "storage/paths.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cmem {

/// Up to k paths that visit no concept twice, in order of hops, then least ids; no two visit the
/// same concepts in the same order (parallel kinds make no alternatives: the most confident is
/// taken, then the least). The first is find_path's. Yen 1971, each deviation searched once (Lawler
/// 1972). Time: up to k times the hops times a find_path. Preconditions and threads as for
/// find_path.
std::vector<path> alternative_paths(const graph_snapshot& s, std::uint32_t source,
                                    std::uint32_t target, std::uint32_t max_depth, std::size_t k,
                                    path_scratch& scratch);

} // namespace cmem
