#pragma once
// Requests that change nothing: awaits and queries, and what they are answered with.

#include "messages/inspect.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace cmem::msg {

// -- awaits (W4)

struct await_visible {
  cmem::ticket ticket;
};
CMEM_INSPECT(await_visible, ticket)

struct await_durable {
  cmem::ticket ticket;
};
CMEM_INSPECT(await_durable, ticket)

/// A writer's note to itself: the await it filed under `token` is settled.
struct settled {
  std::uint64_t token = 0;
  settlement outcome;
  errc refusal = errc::ok; ///< or why there is none
  std::string detail;
};
CMEM_INSPECT(settled, token, outcome, refusal, detail)

// -- queries

struct find {
  concept_id id;
};
CMEM_INSPECT(find, id)

struct neighbors {
  concept_id id;
  direction towards = direction::outgoing;
  std::vector<kind_id> kinds = {}; ///< empty: every kind
  float confidence_min = 0.0F;
  float strength_min = 0.0F; ///< of the other end
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
};
CMEM_INSPECT(neighbors, id, towards, kinds, confidence_min, strength_min, limit)

struct neighbor_list {
  std::uint64_t sequence = 0; ///< of the snapshot that answered
  std::vector<neighbor_record> neighbors;
};
CMEM_INSPECT(neighbor_list, sequence, neighbors)

struct find_path {
  concept_id source;
  concept_id target;
  std::uint32_t max_depth = 6;
};
CMEM_INSPECT(find_path, source, target, max_depth)

struct path_answer {
  std::uint64_t sequence = 0; ///< of the snapshot that answered
  bool found = false;         ///< else `path` is empty
  path_record path;
};
CMEM_INSPECT(path_answer, sequence, found, path)

// -- traversals: queries of storage/queries.hpp, with filter and limits

/// traversal_filter and traversal_limits, as they travel.
struct traversal_bounds {
  std::vector<kind_id> kinds = {}; ///< empty: every kind
  float confidence_min = 0.0F;
  float strength_min = 0.0F;
  direction along = direction::outgoing;
  /// How long the reader may take from when it begins; 0: as long as it takes. Time in mailboxes
  /// does not count.
  std::uint64_t within_us = 0;
  std::uint64_t visited_max = std::numeric_limits<std::uint64_t>::max();
};
CMEM_INSPECT(traversal_bounds, kinds, confidence_min, strength_min, along, within_us, visited_max)

struct find_paths {
  concept_id source;
  concept_id target;
  path_order order = path_order::fewest_hops;
  std::uint32_t max_depth = path_depth_max;
  std::uint64_t alternatives = 1;
  traversal_bounds bounds = {};
};
CMEM_INSPECT(find_paths, source, target, order, max_depth, alternatives, bounds)

struct path_list {
  std::uint64_t sequence = 0; ///< of the snapshot that answered
  paths_record paths;
};
CMEM_INSPECT(path_list, sequence, paths)

struct subgraph {
  std::vector<concept_id> seeds;
  std::uint32_t hops = 2;
  std::uint64_t concepts_max = 1'000;
  std::uint64_t associations_max = 100'000;
  traversal_bounds bounds = {};
};
CMEM_INSPECT(subgraph, seeds, hops, concepts_max, associations_max, bounds)

struct subgraph_found {
  std::uint64_t sequence = 0; ///< of the snapshot that answered
  subgraph_record subgraph;
};
CMEM_INSPECT(subgraph_found, sequence, subgraph)

struct activation_seed {
  concept_id id;
  double energy = 1.0;
};
CMEM_INSPECT(activation_seed, id, energy)

struct activate {
  std::vector<activation_seed> seeds;
  std::uint32_t hops = 3;
  double decay = 0.5;
  double threshold = 1e-3;
  std::uint64_t top_k = 10;
  bool fan_effect = false;
  bool with_seeds = false;
  traversal_bounds bounds = {};
};
CMEM_INSPECT(activate, seeds, hops, decay, threshold, top_k, fan_effect, with_seeds, bounds)

struct activation_found {
  std::uint64_t sequence = 0; ///< of the snapshot that answered
  activation_record activation;
};
CMEM_INSPECT(activation_found, sequence, activation)

// -- searches: a query of storage/search.hpp

/// concept_filter, as it travels.
struct search_filter {
  std::vector<std::pair<std::string, std::string>> attributes = {}; ///< keys, and what they must be
  float confidence_min = 0.0F;
  float strength_min = 0.0F;
  bool any_id = true; ///< else only `ids`
  std::vector<concept_id> ids = {};
};
CMEM_INSPECT(search_filter, attributes, confidence_min, strength_min, any_id, ids)

struct search {
  std::string text = {};
  bool all_words = false;
  std::string prefix = {};
  std::vector<float> vector = {};
  std::vector<concept_id> near = {};
  search_filter filter = {};
  std::uint64_t k = 10;
  std::uint64_t depth = 100;
  vector_metric metric = vector_metric::cosine;
  bool exact = false;
};
CMEM_INSPECT(search, text, all_words, prefix, vector, near, filter, k, depth, metric, exact)

struct search_found {
  std::uint64_t sequence = 0; ///< of the snapshot that answered
  std::vector<found_concept> hits;
};
CMEM_INSPECT(search_found, sequence, hits)

} // namespace cmem::msg
