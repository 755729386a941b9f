#pragma once
// What must hold of the parts of a segment, besides their checksums.

#include "storage/attribute_codec.hpp"
#include "storage/graph_snapshot.hpp"
#include "storage/limits.hpp"
#include "storage/segment_format.hpp"

namespace cmem {

inline constexpr std::size_t attribute_bytes_max =
  sizeof(std::uint32_t)
  + attributes_max * (4 + attribute_key_bytes_max + attribute_value_bytes_max);
inline constexpr std::size_t extras_bytes_max =
  sizeof(node_extras) + name_bytes_max + attribute_bytes_max;

/// Empty, or what encode_attributes() makes of attributes within the limits: keys ascend, none is
/// removed, nothing is left over.
[[nodiscard]] bool attributes_well_formed(const_bytes encoded) noexcept;

/// Numbers within their bounds, zeros where they belong. `kind` is the caller's to judge.
[[nodiscard]] bool well_formed(const segment_association& a) noexcept;

} // namespace cmem
