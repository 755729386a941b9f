#pragma once
// The shortest way from one concept to another (R5).

#include "storage/concept_id.hpp"
#include "storage/graph_snapshot.hpp"
#include "storage/limits.hpp"
#include "storage/paths.hpp"
#include "storage/result.hpp"

#include <cstdint>
#include <optional>

namespace cmem {

/// A path of fewest hops along outgoing associations between learned concepts, at most max_depth
/// hops; nullopt when there is none. Among those of fewest hops the one whose sequence of ids is
/// least; of parallel kinds the most confident, then the least kind. Bidirectional breadth-first
/// search that expands the side whose frontier has fewer associations (Pohl 1971); finding the
/// least path costs at most about as much again as finding that there is one. Preconditions: both
/// learned, max_depth <= path_depth_max. Threads: any that holds the snapshot.
std::optional<path> find_path(const graph_snapshot& s, std::uint32_t source, std::uint32_t target,
                              std::uint32_t max_depth, path_scratch& scratch);
/// The same by ids. Fails: not_found (an end is not learned; the detail says which),
/// invalid_argument (max_depth).
result<std::optional<path>> find_path(const graph_snapshot& s, const concept_id& source,
                                      const concept_id& target, std::uint32_t max_depth,
                                      path_scratch& scratch);

} // namespace cmem
