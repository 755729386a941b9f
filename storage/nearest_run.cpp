#include "storage/nearest_run.hpp"

#include "storage/prefetch.hpp"

#include <algorithm>

namespace cmem {

namespace {

// Work as deadline_watch counts it, of a concept looked at without codes.
constexpr std::uint64_t filter_work = 16;
constexpr std::uint64_t vector_work = 64;

} // namespace

nearest_run::nearest_run(const graph_snapshot& snapshot, const nearest_query& q,
                         const vector_scorer& scores, search_clock clock)
  : s(snapshot),
    query(q),
    filter(filter_of(q)),
    scorer(scores),
    best(scores, q.k),
    watch(q.deadline, clock) {
  if (q.ready == nullptr)
    own_.emplace(s, filter, filtered_concepts::naming::later);
}

void nearest_run::keep_named(std::vector<std::uint32_t>& some) const {
  if (filter.ids && !passing().named() && !some.empty())
    passing().keep_named(some);
}

double nearest_run::ids_to_find() const noexcept {
  return filter.ids && !passing().named() ? static_cast<double>(filter.ids->size()) : 0.0;
}

double nearest_run::named_share() const noexcept {
  if (!filter.ids || passing().named())
    return 1.0;
  const auto all = static_cast<double>(std::max<std::uint64_t>(1, s.concept_count()));
  return std::min(1.0, ids_to_find() / all);
}

void nearest_run::look_at_vectors(std::span<const std::uint32_t> indices) {
  constexpr std::size_t far = 16;
  constexpr std::size_t near = 8;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (i + far < indices.size())
      prefetch_line(&s.node(indices[i + far]));
    if (i + near < indices.size())
      s.prefetch_payloads(indices[i + near]);
    if (!look_at_vector(indices[i]))
      return;
  }
}

bool nearest_run::look_at_vector(std::uint32_t index) {
  if (!passing().contains(index))
    return !watch.passed(filter_work);
  const auto score = scorer.score(index);
  if (score && best.wants({index, *score}))
    best.add({index, *score});
  return !watch.passed(vector_work);
}

} // namespace cmem
