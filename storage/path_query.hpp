#pragma once
// Ways from one concept to another, as asked for in full (R5). find_path.hpp is the short form.

#include "storage/graph_snapshot.hpp"
#include "storage/limits.hpp"
#include "storage/paths.hpp"
#include "storage/result.hpp"
#include "storage/traversal.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cmem {

inline constexpr std::size_t path_alternatives_max = 1000; ///< of one query

enum class path_order : std::uint8_t {
  fewest_hops,    ///< ties: least sequence of ids
  most_confident, ///< greatest product of confidences; ties: fewer hops, then least ids
};

struct path_query {
  path_order order = path_order::fewest_hops;
  std::uint32_t max_depth = path_depth_max; ///< hops
  std::size_t alternatives = 1; ///< how many paths at most; no two visit the same concepts in order
  traversal_filter filter = {};
  traversal_limits limits = {};
};

struct path_answer {
  std::vector<path> found; ///< best first
  /// Unless complete, better paths than those found may have been missed.
  traversal_end end = traversal_end::complete;
  std::uint64_t visited = 0; ///< concepts reached, by all searches together
};

/// Up to `alternatives` paths from one concept to another, best first, that visit no concept twice.
/// They lead over associations that pass the filter, between learned concepts that do; source and
/// target need not. From a concept to itself there is one path, without hops. Of parallel
/// associations that pass a step shows the most confident, then the least kind, then the outgoing
/// one: they make no alternatives.
///
/// Orders. Products of confidences are compared to about 2e-10 a hop (confidence_cost.hpp): paths
/// that differ by less may come in either order, always the same one; products of the same factors
/// are equal in any order, as are those of powers of 2. All paths of confidence 0 are equal. The
/// confidence shown is the product as a double.
///
/// Limits. `visited` counts the concepts that each search reaches: of breadth-first levels, whole
/// ones (a level that takes it over visited_max is searched for a path all the same, and then does
/// not count); in the most confident order, what it settles. A query that is cut off returns the
/// paths that it knows, and says so; of its first search for fewest hops that is none. It is
/// complete when the paths found are the best for certain. Where visited_max cuts it off, the
/// answer is a function of the snapshot as any other.
///
/// Time: fewest hops, a bidirectional breadth-first search; most confident, a bidirectional
/// Dijkstra, and a second one where max_depth forbids what the first one found; for alternatives,
/// as much again for each hop of each path. In the steady state it allocates only what it returns,
/// and some small notes for alternatives. Preconditions: both learned, max_depth <= path_depth_max,
/// alternatives <= path_alternatives_max, a filter that check() lets pass. Threads: any that holds
/// the snapshot.
path_answer find_paths(const graph_snapshot& s, std::uint32_t source, std::uint32_t target,
                       const path_query& query, path_scratch& scratch);
/// The same by ids. Fails: invalid_argument (max_depth, alternatives, filter), not_found (an end is
/// not learned; the detail says which).
result<path_answer> find_paths(const graph_snapshot& s, const concept_id& source,
                               const concept_id& target, const path_query& query,
                               path_scratch& scratch);
/// Fails (invalid_argument): max_depth, alternatives, or the filter is out of bounds.
[[nodiscard]] result<void> check(const path_query& query);

} // namespace cmem
