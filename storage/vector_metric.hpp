#pragma once
// What "near" means of two vectors.

#include <cstdint>
#include <string_view>

namespace cmem {

enum class vector_metric : std::uint8_t {
  cosine,        ///< in [-1, 1], more is better; rounded to a float, so that one direction is a tie
  inner_product, ///< more is better
  l2,            ///< the distance: less is better
};
/// "cosine", "inner_product", "l2".
[[nodiscard]] std::string_view to_string(vector_metric metric) noexcept;

} // namespace cmem
