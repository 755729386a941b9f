#pragma once
// What lies around some concepts: those within k hops, and the associations among them (R5).

#include "storage/adjacency.hpp"
#include "storage/context_scratch.hpp"
#include "storage/graph_snapshot.hpp"
#include "storage/result.hpp"
#include "storage/traversal.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cmem {

struct subgraph_query {
  std::uint32_t hops = 2;                 ///< at most path_depth_max
  std::size_t concepts_max = 1'000;       ///< seeds among them
  std::size_t associations_max = 100'000; ///< 0: none are looked for
  traversal_filter filter = {};
  traversal_limits limits = {};
};

struct subgraph_concept {
  std::uint32_t index = 0; ///< resolve by snapshot.at(index) (R6)
  std::uint32_t hops = 0;  ///< from the nearest seed

  friend bool operator==(const subgraph_concept&, const subgraph_concept&) = default;
};

struct subgraph_association {
  std::uint32_t source = 0; ///< index
  std::uint32_t target = 0; ///< index
  kind_id kind = kinds::semantic;
  float confidence = 0.0F;
  float weight = 0.0F;
  association_times times; ///< zeros where the memory keeps none

  friend bool operator==(const subgraph_association&, const subgraph_association&) = default;
};

struct subgraph_answer {
  /// By hops, then id: seeds first. Of more than concepts_max the first in that order.
  std::vector<subgraph_concept> concepts;
  /// From one of the concepts to another, as far as kind and confidence pass; by places of source
  /// and target among the concepts, then kind. Of more than associations_max the most confident,
  /// of equal ones the first in that order.
  std::vector<subgraph_association> associations;
  bool concepts_cut = false;     ///< concepts_max left some out
  bool associations_cut = false; ///< associations_max left some out
  /// Cut short, `concepts` are what a query for `hops` hops gives: a hop is there as a whole or not
  /// at all. What a deadline leaves out of the associations are those of the last sources.
  traversal_end end = traversal_end::complete;
  std::uint32_t hops = 0;    ///< how far it looked; less than asked where there is nothing more
  std::uint64_t visited = 0; ///< concepts reached, those left out again too
};

/// Breadth-first from all seeds at once. Seeds may repeat. Time: the associations of what is
/// reached in the hops looked at, and those of the concepts returned. Preconditions: learned seeds;
/// check(query). Threads: any that holds the snapshot.
subgraph_answer subgraph(const graph_snapshot& s, std::span<const std::uint32_t> seeds,
                         const subgraph_query& query, context_scratch& scratch);
/// The same by ids. Fails: not_found; invalid_argument (no seeds, and what check() says).
result<subgraph_answer> subgraph(const graph_snapshot& s, std::span<const concept_id> seeds,
                                 const subgraph_query& query, context_scratch& scratch);

/// Fails (invalid_argument): hops over path_depth_max; NaN in the filter. No concepts at most is an
/// empty answer.
[[nodiscard]] result<void> check(const subgraph_query& query);

} // namespace cmem
