#pragma once
// Products of confidences as sums of integers, so that they are the same in any order and can be
// compared exactly.

#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>

namespace cmem {

/// The length of a path for most_confident: -log2 of its confidence in units of 2^-32, and below
/// that, in the last 12 bits, its hops. So lengths add up, and the lesser one is the more confident
/// one, or as confident and of fewer hops. A hop of confidence 2^-149, the least there is, takes
/// 2^51.3: paths of 2,048 hops have room.
using path_length = std::uint64_t;

inline constexpr unsigned length_hops_bits = 12;
inline constexpr path_length length_hops_mask = (path_length{1} << length_hops_bits) - 1;
/// Of an association without confidence, which has no length.
inline constexpr path_length length_none = ~path_length{0};

[[nodiscard]] constexpr std::uint32_t hops_of(path_length l) noexcept {
  return static_cast<std::uint32_t>(l & length_hops_mask);
}
[[nodiscard]] constexpr std::uint64_t cost_of(path_length l) noexcept {
  return l >> length_hops_bits;
}

namespace confidence_cost {

inline constexpr double log2_of_e = 1.442695040888963407;

struct log2_part {
  double inverse; // of the middle of a 256th of [1, 2)
  double log2;    // of that middle
};
/// For the logarithm of the middle: artanh's series, to the last bit of a double.
constexpr double log2_by_series(double x) noexcept {
  const double z = (x - 1) / (x + 1);
  double sum = 0;
  double power = z;
  for (int i = 1; i < 40; i += 2, power *= z * z)
    sum += power / i;
  return 2 * sum * log2_of_e;
}
inline constexpr std::array<log2_part, 256> log2_parts = [] {
  std::array<log2_part, 256> all{};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const double middle = 1 + (static_cast<double>(i) + 0.5) / 256;
    all[i] = {1 / middle, log2_by_series(middle)};
  }
  return all;
}();

} // namespace confidence_cost

/// The length of one hop. Off by at most 2^-32 of a factor of 2, about 2e-10 of the confidence:
/// that much a hop may two paths differ and yet come in the wrong order. Lengths of different
/// confidences differ (two floats next to each other by 340 units), those of powers of 2 are exact,
/// and half the confidence is exactly one octave more. Precondition: 0 < confidence <= 1.
[[nodiscard]] inline path_length length_of(float confidence) noexcept {
  using namespace confidence_cost;
  assert(confidence > 0.0F && confidence <= 1.0F);
  const auto bits = std::bit_cast<std::uint64_t>(static_cast<double>(confidence));
  const std::uint64_t octaves = 1023 - (bits >> 52); // down to the power of 2 below
  constexpr std::uint64_t fraction = (std::uint64_t{1} << 52) - 1;
  const double m = std::bit_cast<double>((bits & fraction) | std::uint64_t{1023} << 52);
  const log2_part& part = log2_parts[(bits >> 44) & 0xFF];
  const double x = m * part.inverse - 1; // |x| < 1/512: four terms are good for 2^-46
  const double rest = x * (1 - x * (1.0 / 2 - x * (1.0 / 3 - x * (1.0 / 4))));
  const double log2 = part.log2 + rest * log2_of_e;
  const auto up = static_cast<std::uint64_t>(static_cast<std::int64_t>(log2 * 0x1p32 + 0.5));
  return (((octaves << 32) - up) << length_hops_bits) | 1;
}

} // namespace cmem
