#include "storage/find_path.hpp"

#include "storage/path_query.hpp"

#include <utility>

namespace cmem {

namespace {

std::optional<path> first_of(path_answer a) {
  return a.found.empty() ? std::nullopt : std::optional(std::move(a.found.front()));
}

} // namespace

std::optional<path> find_path(const graph_snapshot& s, std::uint32_t source, std::uint32_t target,
                              std::uint32_t max_depth, path_scratch& scratch) {
  return first_of(find_paths(s, source, target, {.max_depth = max_depth}, scratch));
}

result<std::optional<path>> find_path(const graph_snapshot& s, const concept_id& source,
                                      const concept_id& target, std::uint32_t max_depth,
                                      path_scratch& scratch) {
  auto a = find_paths(s, source, target, {.max_depth = max_depth}, scratch);
  if (!a)
    return a.error();
  return first_of(std::move(*a));
}

} // namespace cmem
