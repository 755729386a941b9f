#pragma once
// Queries by id that answer with copies: what reader actors mail and the facade returns.

#include "messages/errors.hpp"
#include "messages/values.hpp"
#include "storage/graph_snapshot.hpp"
#include "storage/queries.hpp"
#include "storage/result.hpp"

#include <exception>
#include <optional>
#include <span>
#include <vector>

namespace cmem {

/// Fails: not_found.
result<concept_record> answer_find(const graph_snapshot& s, const concept_id& id);
/// Fails: not_found.
result<std::vector<neighbor_record>> answer_neighbors(const graph_snapshot& s, const concept_id& id,
                                                      direction d, const neighbor_filter& f);
/// nullopt: no path. Fails as find_path() of storage/queries.hpp does.
result<std::optional<path_record>> answer_path(const graph_snapshot& s, const concept_id& source,
                                               const concept_id& target, std::uint32_t max_depth,
                                               path_scratch& scratch);
/// Fails as find_paths() of storage/queries.hpp does.
result<paths_record> answer_paths(const graph_snapshot& s, const concept_id& source,
                                  const concept_id& target, const path_query& query,
                                  path_scratch& scratch);
/// Fails as subgraph() does.
result<subgraph_record> answer_subgraph(const graph_snapshot& s, std::span<const concept_id> seeds,
                                        const subgraph_query& query, context_scratch& scratch);
/// Fails as activate() does.
result<std::vector<found_concept>> answer_search(const graph_snapshot& s,
                                                 const basic_search_query<concept_id>& query,
                                                 search_scratch& scratch);
result<activation_record> answer_activation(
  const graph_snapshot& s, std::span<const basic_activation_seed<concept_id>> seeds,
  const activation_query& query, context_scratch& scratch);

/// For handlers: what `f` (returning result<T>) answers; what it throws becomes an error and kills
/// nobody.
template <class F>
auto answer(F f) -> decltype(to_caf_result(f())) {
  try {
    return to_caf_result(f());
  } catch (const std::exception& e) {
    return to_caf_error({errc::internal, e.what()});
  }
}

} // namespace cmem
