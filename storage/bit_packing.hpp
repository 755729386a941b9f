#pragma once
// Small numbers in as many bits as the largest of them needs, read back eight at a time.
//
// Value i of width w takes bits [i * w, i * w + w), the lowest first, so eight values fill w bytes.
// Reading eight is two loads, a byte shuffle and a shift for each lane, as in the SIMD codecs of
// Lemire and Boytsov ("Decoding billions of integers per second through vectorization", 2015).

#include <bit>
#include <cstddef>
#include <cstdint>

namespace cmem {

/// What a caller's array must hold beyond the values it asked for: whole eights are written.
inline constexpr std::uint32_t unpack_slack = 7;

/// The width to pack numbers up to `largest` with: their bits, or a little more where eight of them
/// could not be read at once (27 and 29 to 31 bits).
[[nodiscard]] constexpr std::uint32_t packed_width(std::uint32_t largest) noexcept {
  const auto bits = static_cast<std::uint32_t>(std::bit_width(largest));
  return bits <= 26 ? bits : bits <= 28 ? 28 : 32;
}

/// Bytes of `count` values.
[[nodiscard]] constexpr std::size_t packed_bytes(std::uint32_t count,
                                                 std::uint32_t width) noexcept {
  return (std::size_t{count} * width + 7) / 8;
}

/// Writes packed_bytes(). Precondition: every value fits, width is one of packed_width().
void pack_bits(const std::uint32_t* values, std::uint32_t count, std::uint32_t width,
               std::byte* to) noexcept;

// Reading. Packed values must lie in memory that consists of whole, aligned units of 16 bytes:
// nothing is read beyond the unit that holds the last byte of the values asked for. `first` is a
// multiple of 8. AVX2 where the machine has it. Threads: any.

/// Values [first, first + count) to `out`, which has room for unpack_slack more.
void unpack_bits(const std::byte* from, std::uint32_t first, std::uint32_t count,
                 std::uint32_t width, std::uint32_t* out) noexcept;
/// The sums of `before` and the values from `first` up to each of them. Modulo 2^32.
void unpack_sums(const std::byte* from, std::uint32_t first, std::uint32_t count,
                 std::uint32_t width, std::uint32_t before, std::uint32_t* out) noexcept;

/// The same without vector instructions: what the others are tested against.
void unpack_bits_scalar(const std::byte* from, std::uint32_t first, std::uint32_t count,
                        std::uint32_t width, std::uint32_t* out) noexcept;
void unpack_sums_scalar(const std::byte* from, std::uint32_t first, std::uint32_t count,
                        std::uint32_t width, std::uint32_t before, std::uint32_t* out) noexcept;

} // namespace cmem
