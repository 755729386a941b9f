#pragma once
// The two loops of product quantization (H. Jégou, M. Douze, C. Schmid: "Product Quantization for
// Nearest Neighbor Search", PAMI 2011) in which the time goes: finding the centroid next to a part
// of a vector, and adding up what a table says of codes. Same results on every machine: floats are
// multiplied and added in one order and without contraction, sums of codes are integers.
//
// Sums follow F. André, A.-M. Kermarrec, N. Le Scouarnec: "Quicker ADC", PAMI 2019: a table of
// bytes lies in vector registers, and the codes are what permutes it. AVX512-VBMI has permutations
// for 256 entries; AVX2 takes sixteen shuffles.
//
// Threads: any.

#include <cstddef>
#include <cstdint>
#include <span>

namespace cmem {

inline constexpr std::size_t codebook_centroids = 256; ///< of each part: a code is a byte

/// Codes are scanned in blocks of this many vectors: first those of all for part 0, then for part 1
/// and so on. Code p of vector v lies at block_code_at(v, p, parts).
inline constexpr std::size_t code_block = 64;
[[nodiscard]] constexpr std::size_t block_code_at(std::size_t vector, std::size_t part,
                                                  std::size_t parts) noexcept {
  return (vector / code_block * parts + part) * code_block + vector % code_block;
}
/// Bytes of the blocks of so many vectors.
[[nodiscard]] constexpr std::size_t block_bytes(std::size_t vectors, std::size_t parts) noexcept {
  return (vectors + code_block - 1) / code_block * code_block * parts;
}

/// Component j of centroid c lies at centroids[j * codebook_centroids + c]. Finite floats.
struct part_centroids {
  const float* centroids;
  std::size_t width; ///< components of this part
};
struct nearest_centroid {
  std::uint8_t code = 0;
  float distance = 0.0F; ///< squared

  friend bool operator==(const nearest_centroid&, const nearest_centroid&) = default;
};
/// The nearest to `components`, of which there are `part.width`; of several the first.
[[nodiscard]] nearest_centroid nearest_of(const part_centroids& part,
                                          const float* components) noexcept;

/// For each of the first `count` vectors of `blocks`, the sum of table[p * codebook_centroids +
/// code p]. Reads the codes of no other vector: they may be written meanwhile.
void sum_codes(const std::uint8_t* table, std::size_t parts, const std::uint8_t* blocks,
               std::size_t count, std::uint32_t* sums) noexcept;

/// Ways in which this machine can do it, the ones taken above first, plain code last; all with the
/// same results. For tests.
struct codebook_kernels {
  const char* name;
  nearest_centroid (*nearest)(const part_centroids&, const float*) noexcept;
  void (*sum)(const std::uint8_t*, std::size_t, const std::uint8_t*, std::size_t,
              std::uint32_t*) noexcept;
};
[[nodiscard]] std::span<const codebook_kernels> codebook_kernels_here();

} // namespace cmem
