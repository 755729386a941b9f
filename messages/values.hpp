#pragma once
// What queries answer when the answer must outlive the snapshot: copies, with ids in place of
// indices.

#include "storage/concept_id.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cmem {

/// One association as seen from one of its ends.
struct neighbor_record {
  concept_id id; ///< of the other end
  kind_id kind = kinds::semantic;
  float confidence = 0.0F;
  float weight = 0.0F;

  friend bool operator==(const neighbor_record&, const neighbor_record&) = default;
};

/// One step of a path: the association taken and the concept it leads to.
struct path_hop {
  concept_id id;
  kind_id kind = kinds::semantic;
  float confidence = 0.0F;

  friend bool operator==(const path_hop&, const path_hop&) = default;
};

/// A path of fewest hops, as find_path() of storage/queries.hpp chooses it.
struct path_record {
  concept_id source;
  std::vector<path_hop> hops; ///< empty when source and target are one
  double confidence = 1.0;    ///< product along the way

  friend bool operator==(const path_record&, const path_record&) = default;
};

} // namespace cmem
