#pragma once
// Concepts by the direction of their vectors (R5).

#include "storage/graph_snapshot.hpp"
#include "storage/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cmem {

struct similar_concept {
  std::uint32_t index = 0; ///< resolve by snapshot.at(index) (R6)
  float cosine = 0.0F;     ///< in [-1,1]

  friend bool operator==(const similar_concept&, const similar_concept&) = default;
};

/// The k concepts whose vectors are nearest by cosine, best first, ties by id; an exact scan of
/// all. Concepts without a vector, or with one that is all zero and so has no direction, are left
/// out. Summed in double in a fixed order, so that equal snapshots give equal answers. Fails
/// (invalid_argument): wrong dimension, a zero or non-finite query vector. Threads: any that holds
/// the snapshot.
result<std::vector<similar_concept>> nearest(const graph_snapshot& s, std::span<const float> query,
                                             std::size_t k);

} // namespace cmem
