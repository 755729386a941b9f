#pragma once
// Concepts by what their vectors are near to (R5).

#include "storage/concept_filter.hpp"
#include "storage/deadline_watch.hpp"
#include "storage/graph_snapshot.hpp"
#include "storage/result.hpp"
#include "storage/traversal.hpp"
#include "storage/vector_columns.hpp"
#include "storage/vector_scores.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace cmem {

struct nearest_query {
  std::span<const float> vector;
  std::size_t k = 10;
  vector_metric metric = vector_metric::cosine;
  concept_filter filter = {};
  /// In the place of `filter`: one made ready for this snapshot, for many queries. Null: none.
  const filtered_concepts* ready = nullptr;
  /// Look at all that could be among the nearest, also where a graph of neighbors would be faster.
  bool exact = false;
  /// What a search in a graph keeps in view: more is slower, and misses less. 0: some 220, or a
  /// scan where that is faster; else a graph is asked wherever there is one, up to some 20,000.
  std::size_t effort = 0;
  std::optional<std::chrono::steady_clock::time_point> deadline = std::nullopt;
};

/// What a query lets through: `ready`, or `filter`.
[[nodiscard]] inline const concept_filter& filter_of(const nearest_query& q) noexcept {
  return q.ready != nullptr ? q.ready->filter() : q.filter;
}

/// What a snapshot carries that makes it faster. The answer is the same with all of it, some or
/// none, but for what a graph of neighbors misses.
struct nearest_sources {
  /// A generation made from this snapshot or an older one; null: every concept is looked at.
  const vector_index* index = nullptr;
  /// Indices of at least all concepts whose content or vector is not as it was in the generation's
  /// snapshot. In any order; repetitions do no harm.
  std::span<const std::uint32_t> changed = {};
  /// Indices of at least all concepts that have the attributes of the filter, in any order,
  /// repetitions and others among them; unset: not known.
  std::optional<std::span<const std::uint32_t>> with_attributes = std::nullopt;
};

struct nearest_answer {
  std::vector<similar_concept> found; ///< best first, ties by id
  /// Unless complete, better ones than those found may have been missed.
  traversal_end end = traversal_end::complete;
};

/// The k concepts that pass the filter and have the nearest vectors: fewer only where fewer pass
/// and have one. Exact: what comes out is what comparing all vectors in double would give, unless
/// the index has a graph of the query's metric and the query does not ask for `exact`. Then scores
/// and order are right, and a few of the nearest may be missed. For cosine vectors that are all
/// zero are left out, as they have no direction. k = 0 finds nothing.
///
/// Fails (invalid_argument): a vector of the wrong dimension, a component that is not finite, for
/// cosine a vector that is all zero, and NaN in the filter. Time: with an index and no filter some
/// nanoseconds a vector; without, some hundred. A filter that few pass costs in proportion to those
/// where it is by ids, confidence, or attributes that somebody knows; others are asked of what is
/// met. Precondition: `ready` was made of `s`. Threads: any that holds the snapshot. Throws
/// std::bad_alloc.
result<nearest_answer> nearest(const graph_snapshot& s, const nearest_sources& sources,
                               const nearest_query& query,
                               search_clock clock = &std::chrono::steady_clock::now);

} // namespace cmem
