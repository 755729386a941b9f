#include "actors/answers.hpp"

namespace cmem {

result<concept_record> answer_find(const graph_snapshot& s, const concept_id& id) {
  const auto found = s.find(id);
  if (!found)
    return failure{errc::not_found, "no concept " + id.hex()};
  return found->copy();
}

result<std::vector<neighbor_record>> answer_neighbors(const graph_snapshot& s, const concept_id& id,
                                                      direction d, const neighbor_filter& f) {
  auto found = neighbors(s, id, d, f);
  if (!found)
    return found.error();
  std::vector<neighbor_record> records;
  records.reserve(found->size());
  for (const auto& n : *found)
    records.push_back({s.node(n.index).id, n.kind, n.confidence, n.weight});
  return records;
}

result<std::optional<path_record>> answer_path(const graph_snapshot& s, const concept_id& source,
                                               const concept_id& target, std::uint32_t max_depth,
                                               path_scratch& scratch) {
  auto found = find_path(s, source, target, max_depth, scratch);
  if (!found)
    return found.error();
  if (!*found)
    return std::optional<path_record>{};
  path_record record;
  record.source = source;
  record.confidence = (*found)->confidence;
  record.hops.reserve((*found)->steps.size());
  for (const auto& step : (*found)->steps)
    record.hops.push_back({s.node(step.index).id, step.kind, step.confidence});
  return std::optional<path_record>{std::move(record)};
}

} // namespace cmem
