#pragma once
// Some associations of one concept in one direction, column by column.

#include "storage/concept_id.hpp"
#include "storage/records.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace cmem {

/// Associations of a leaf, at most.
inline constexpr std::uint32_t chunk_size = 256;

/// Side by side, because an append writes both.
struct association_times {
  timestamp_us created = 0;
  timestamp_us last_used = 0;

  bool operator==(const association_times&) const = default;
};

/// Parallel arrays of up to 256 associations. Whoever hands it out says how long it is good.
struct adjacency_chunk {
  std::span<const std::uint32_t> targets; ///< indices; sources when incoming
  const float* confidence;
  const float* weight;
  const kind_id* kind;
  const association_times* times; ///< nullptr without times

  /// Zeros without times.
  [[nodiscard]] association_times times_of(std::size_t i) const noexcept {
    return times != nullptr ? times[i] : association_times{};
  }
};

} // namespace cmem
