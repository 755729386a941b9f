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

} // namespace cmem
