#include "actors/answers.hpp"

namespace cmem {

namespace {

path_record to_record(const graph_snapshot& s, const path& p) {
  path_record record;
  record.source = s.node(p.source).id;
  record.confidence = p.confidence;
  record.hops.reserve(p.steps.size());
  for (const auto& step : p.steps)
    record.hops.push_back({s.node(step.index).id, step.kind, step.confidence, step.along});
  return record;
}

} // namespace

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
    records.push_back({s.node(n.index).id, n.kind, n.confidence, n.weight, n.along});
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
  return std::optional<path_record>{to_record(s, **found)};
}

result<paths_record> answer_paths(const graph_snapshot& s, const concept_id& source,
                                  const concept_id& target, const path_query& query,
                                  path_scratch& scratch) {
  const auto found = find_paths(s, source, target, query, scratch);
  if (!found)
    return found.error();
  paths_record record{{}, found->end, found->visited};
  record.found.reserve(found->found.size());
  for (const path& p : found->found)
    record.found.push_back(to_record(s, p));
  return record;
}

result<subgraph_record> answer_subgraph(const graph_snapshot& s, std::span<const concept_id> seeds,
                                        const subgraph_query& query, context_scratch& scratch) {
  const auto found = subgraph(s, seeds, query, scratch);
  if (!found)
    return found.error();
  subgraph_record record{{},         {},          found->concepts_cut, found->associations_cut,
                         found->end, found->hops, found->visited};
  record.concepts.reserve(found->concepts.size());
  for (const subgraph_concept& c : found->concepts)
    record.concepts.push_back({s.node(c.index).id, c.hops});
  record.associations.reserve(found->associations.size());
  for (const subgraph_association& a : found->associations)
    record.associations.push_back({s.node(a.source).id, s.node(a.target).id, a.kind, a.confidence,
                                   a.weight, a.times.created, a.times.last_used});
  return record;
}

result<std::vector<found_concept>> answer_search(const graph_snapshot& s,
                                                 const basic_search_query<concept_id>& query,
                                                 search_scratch& scratch) {
  const auto found = search(s, query, scratch);
  if (!found)
    return found.error();
  std::vector<found_concept> records;
  for (const search_hit& h : *found) {
    const concept_view v = s.at(h.index);
    records.push_back(
      {v.id(), std::string(v.name()), h.score, h.by_text, h.by_name, h.by_vector, h.by_graph});
  }
  return records;
}

result<activation_record> answer_activation(
  const graph_snapshot& s, std::span<const basic_activation_seed<concept_id>> seeds,
  const activation_query& query, context_scratch& scratch) {
  const auto found = activate(s, seeds, query, scratch);
  if (!found)
    return found.error();
  activation_record record{{}, found->end, found->hops, found->visited};
  record.hits.reserve(found->hits.size());
  for (const activation_hit& h : found->hits)
    record.hits.push_back({s.node(h.index).id, h.activation, to_record(s, h.way), h.carried});
  return record;
}

} // namespace cmem
