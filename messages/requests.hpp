#pragma once
// Requests that change nothing: awaits and queries, and what they are answered with.

#include "messages/inspect.hpp"

#include <cstdint>
#include <limits>
#include <string>
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
  bool any_kind = true; ///< else only `kind`
  kind_id kind = kinds::semantic;
  float confidence_min = 0.0F;
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
};
CMEM_INSPECT(neighbors, id, towards, any_kind, kind, confidence_min, limit)

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

} // namespace cmem::msg
