#pragma once
// Sums over two vectors, as fast as the machine at hand can, and the same on every machine: what is
// nearest, and which of two is, must not depend on it.
//
// Of floats, in double: products are exact, and nothing that is finite overflows. Element i is
// added to lane i mod 16, in order of i; then lanes 8 apart are added, 4, 2, and 1 apart. AVX-512,
// AVX2 and plain code do exactly these additions. (The source is compiled without contraction of
// products and sums: a fused one rounds differently.)
//
// Of codes, one byte a component, in integers: exact in any order. AVX-512 where it has VNNI, AVX2
// or plain code.
//
// Threads: any.

#include <cstddef>
#include <cstdint>
#include <span>

namespace cmem {

struct vector_products {
  double with_other = 0.0; ///< inner product of both
  double with_self = 0.0;  ///< inner product of the vector with itself

  friend bool operator==(const vector_products&, const vector_products&) = default;
};

// Precondition: both spans have one length.
[[nodiscard]] vector_products multiply(std::span<const float> vector,
                                       std::span<const float> other) noexcept;
/// The sum of the squares of differences.
[[nodiscard]] double squared_distance(std::span<const float> vector,
                                      std::span<const float> other) noexcept;

/// Codes fill whole multiples of this many bytes and begin at such addresses.
inline constexpr std::size_t code_unit = 64;
/// Bytes of the codes of one vector: those behind its components are 0.
[[nodiscard]] constexpr std::size_t code_stride(std::size_t dimension) noexcept {
  return (dimension + code_unit - 1) / code_unit * code_unit;
}

/// What codes stand for: component i is about unit_scale * norm * code i. The vector less that has
/// a length of unit_residual * norm at most. So is any finite vector told apart by codes and two
/// floats of a sane size, however large or small it is: norm alone knows that.
struct quantized_vector {
  float unit_scale = 0.0F;    ///< 0 of a vector that is all zero
  float unit_residual = 0.0F; ///< rounded up
  double norm = 0.0;          ///< of the vector itself; 0 if and only if it is all zero
};
/// Writes code_stride(vector.size()) codes in [-127, 127]. Precondition: all components finite.
[[nodiscard]] quantized_vector quantize(std::span<const float> vector, std::int8_t* codes) noexcept;

// Inner products of codes. `stride` is one of code_stride(); nothing overflows up to a dimension
// of vector_dimension_max.

[[nodiscard]] std::int32_t multiply_codes(const std::int8_t* a, const std::int8_t* b,
                                          std::size_t stride) noexcept;
/// Of `query` and each of `count` vectors whose codes follow one another.
void multiply_codes_run(const std::int8_t* query, const std::int8_t* codes, std::size_t stride,
                        std::size_t count, std::int32_t* out) noexcept;
/// Of `query` and each of `count` vectors anywhere, e.g. the neighbors of one in a graph. Fetches
/// ahead.
void multiply_codes_at(const std::int8_t* query, const std::int8_t* const* codes,
                       std::size_t stride, std::size_t count, std::int32_t* out) noexcept;

// Ways in which this machine can do it, the one taken above first, plain code last; all with the
// same results. For tests.

struct float_kernels {
  const char* name;
  vector_products (*multiply)(std::span<const float>, std::span<const float>) noexcept;
  double (*squared_distance)(std::span<const float>, std::span<const float>) noexcept;
};
[[nodiscard]] std::span<const float_kernels> float_kernels_here();

struct code_kernels {
  const char* name;
  std::int32_t (*one)(const std::int8_t*, const std::int8_t*, std::size_t) noexcept;
  void (*run)(const std::int8_t*, const std::int8_t*, std::size_t, std::size_t,
              std::int32_t*) noexcept;
  void (*at)(const std::int8_t*, const std::int8_t* const*, std::size_t, std::size_t,
             std::int32_t*) noexcept;
};
[[nodiscard]] std::span<const code_kernels> code_kernels_here();

} // namespace cmem
