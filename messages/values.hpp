#pragma once
// What queries answer when the answer must outlive the snapshot: copies, with ids in place of
// indices.

#include "storage/concept_id.hpp"
#include "storage/records.hpp"
#include "storage/search.hpp"
#include "storage/traversal.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace cmem {

/// One association as seen from one of its ends.
struct neighbor_record {
  concept_id id; ///< of the other end
  kind_id kind = kinds::semantic;
  float confidence = 0.0F;
  float weight = 0.0F;
  direction along = direction::outgoing; ///< incoming where it leads from the other end here

  friend bool operator==(const neighbor_record&, const neighbor_record&) = default;
};

/// One step of a path: the association taken and the concept it leads to.
struct path_hop {
  concept_id id;
  kind_id kind = kinds::semantic;
  float confidence = 0.0F;
  /// How the association was followed: incoming where it leads from here to the concept before.
  direction along = direction::outgoing;

  friend bool operator==(const path_hop&, const path_hop&) = default;
};

/// A path that a query of storage/queries.hpp chose.
struct path_record {
  concept_id source;
  std::vector<path_hop> hops; ///< empty when source and target are one
  double confidence = 1.0;    ///< product along the way

  friend bool operator==(const path_record&, const path_record&) = default;
};

/// What find_paths() answers.
struct paths_record {
  std::vector<path_record> found; ///< best first
  traversal_end end = traversal_end::complete;
  std::uint64_t visited = 0; ///< concepts reached

  friend bool operator==(const paths_record&, const paths_record&) = default;
};

struct distant_concept {
  concept_id id;
  std::uint32_t hops = 0; ///< from the nearest seed

  friend bool operator==(const distant_concept&, const distant_concept&) = default;
};

/// What subgraph() answers: subgraph_answer of storage/subgraph.hpp, by ids.
struct subgraph_record {
  std::vector<distant_concept> concepts;
  std::vector<association_record> associations;
  bool concepts_cut = false;
  bool associations_cut = false;
  traversal_end end = traversal_end::complete;
  std::uint32_t hops = 0;
  std::uint64_t visited = 0;

  friend bool operator==(const subgraph_record&, const subgraph_record&) = default;
};

struct activated_concept {
  concept_id id;
  double activation = 0.0;
  path_record way; ///< that brought the most of it
  double carried = 0.0;

  friend bool operator==(const activated_concept&, const activated_concept&) = default;
};

/// What activate() answers: activation_answer of storage/activation.hpp, by ids.
struct activation_record {
  std::vector<activated_concept> hits;
  traversal_end end = traversal_end::complete;
  std::uint32_t hops = 0;
  std::uint64_t visited = 0;

  friend bool operator==(const activation_record&, const activation_record&) = default;
};

/// What search() answers: a search_hit of storage/search.hpp, by id.
struct found_concept {
  concept_id id;
  std::string name; ///< empty when it was only ever named by id
  double score = 0.0;
  search_rank by_text;
  search_rank by_name;
  search_rank by_vector;
  search_rank by_graph;

  friend bool operator==(const found_concept&, const found_concept&) = default;
};

} // namespace cmem
