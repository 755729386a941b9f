#include "storage/find_path.hpp"

#include "storage/path_search.hpp"

#include <string>

namespace cmem {

std::optional<path> find_path(const graph_snapshot& s, std::uint32_t source, std::uint32_t target,
                              std::uint32_t max_depth, path_scratch& scratch) {
  return search_path(s, source, target, max_depth, scratch);
}

result<std::optional<path>> find_path(const graph_snapshot& s, const concept_id& source,
                                      const concept_id& target, std::uint32_t max_depth,
                                      path_scratch& scratch) {
  if (max_depth > path_depth_max)
    return failure{errc::invalid_argument, "max_depth is " + std::to_string(max_depth)
                                             + ": must be at most "
                                             + std::to_string(path_depth_max)};
  const auto from = s.index_of(source);
  if (!from)
    return failure{errc::not_found, "source " + source.hex() + " is not learned"};
  const auto to = s.index_of(target);
  if (!to)
    return failure{errc::not_found, "target " + target.hex() + " is not learned"};
  return search_path(s, *from, *to, max_depth, scratch);
}

} // namespace cmem
