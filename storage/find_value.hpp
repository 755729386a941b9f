#pragma once
// Searching plain arrays as fast as the machine at hand can.

#include <cstdint>

namespace cmem {

/// First position of `value` in values[0, count), or count. AVX-512 or AVX2 where the machine has
/// them. Threads: any.
[[nodiscard]] std::uint32_t find_value(const std::uint32_t* values, std::uint32_t count,
                                       std::uint32_t value) noexcept;

/// The same without vector instructions: what the others are tested against.
[[nodiscard]] std::uint32_t find_value_scalar(const std::uint32_t* values, std::uint32_t count,
                                              std::uint32_t value) noexcept;

} // namespace cmem
