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

/// The path of fewest hops along outgoing associations, at most max_depth hops; nullopt when there
/// is none. find_paths (path_query.hpp) without filter, limits and alternatives: its preconditions,
/// and ties as there.
std::optional<path> find_path(const graph_snapshot& s, std::uint32_t source, std::uint32_t target,
                              std::uint32_t max_depth, path_scratch& scratch);
/// The same by ids. Fails: not_found (an end is not learned; the detail says which),
/// invalid_argument (max_depth).
result<std::optional<path>> find_path(const graph_snapshot& s, const concept_id& source,
                                      const concept_id& target, std::uint32_t max_depth,
                                      path_scratch& scratch);

} // namespace cmem
