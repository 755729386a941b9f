#include "storage/codebook_kernels.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#if defined(__x86_64__)
#  include <immintrin.h>
#endif

namespace cmem {

namespace {

// Vectors of the compiler, which makes of them what the target has: one source, and with it one
// order of additions, for all machines.
constexpr std::size_t lanes = 16;
using floats = float __attribute__((vector_size(lanes * sizeof(float))));
using numbers = std::int32_t __attribute__((vector_size(lanes * sizeof(std::int32_t))));

__attribute__((always_inline)) inline nearest_centroid nearest_body(
  const part_centroids& part, const float* components) noexcept {
  floats least{};
  numbers where{};
  numbers here{};
  for (std::size_t l = 0; l < lanes; ++l)
    here[l] = static_cast<std::int32_t>(l);
  for (std::size_t c = 0; c < codebook_centroids; c += lanes) {
    floats sum{};
    for (std::size_t j = 0; j < part.width; ++j) {
      floats centroid;
      std::memcpy(&centroid, part.centroids + j * codebook_centroids + c, sizeof centroid);
      const floats apart = centroid - components[j];
      sum += apart * apart;
    }
    if (c == 0) {
      least = sum;
      where = here;
    } else {
      const numbers nearer = sum < least; // -1 where it is
      least = nearer ? sum : least;
      where = nearer ? here : where;
    }
    here += static_cast<std::int32_t>(lanes);
  }
  std::size_t best = 0;
  for (std::size_t l = 1; l < lanes; ++l)
    if (least[l] < least[best] || (least[l] == least[best] && where[l] < where[best]))
      best = l;
  return {static_cast<std::uint8_t>(where[best]), least[best]};
}

nearest_centroid nearest_plain(const part_centroids& part, const float* components) noexcept {
  return nearest_body(part, components);
}

void sum_plain(const std::uint8_t* table, std::size_t parts, const std::uint8_t* blocks,
               std::size_t count, std::uint32_t* sums) noexcept {
  for (std::size_t v = 0; v < count; ++v) {
    const std::uint8_t* codes = blocks + block_code_at(v, 0, parts);
    std::uint32_t sum = 0;
    for (std::size_t p = 0; p < parts; ++p)
      sum += table[p * codebook_centroids + codes[p * code_block]];
    sums[v] = sum;
  }
}

#if defined(__x86_64__)

__attribute__((target("avx2"))) nearest_centroid nearest_avx2(const part_centroids& part,
                                                              const float* components) noexcept {
  return nearest_body(part, components);
}

__attribute__((target("avx512f"))) nearest_centroid nearest_avx512(
  const part_centroids& part, const float* components) noexcept {
  return nearest_body(part, components);
}

// 16-bit sums of bytes cannot overflow over this many parts.
constexpr std::size_t parts_at_once = 256;

/// Of a whole block. Sixteen shuffles, of 16 entries each, do what a permutation does at once.
__attribute__((target("avx2"))) void sum_block_avx2(const std::uint8_t* table, std::size_t parts,
                                                    const std::uint8_t* block,
                                                    std::uint32_t* sums) noexcept {
  const __m256i low_byte = _mm256_set1_epi16(0xFF);
  const __m256i sixteen = _mm256_set1_epi8(16);
  const __m256i beyond = _mm256_set1_epi8(0x70); // lifts what is 16 or more to 0x80: shuffled to 0
  std::fill_n(sums, code_block, 0U);
  for (std::size_t first = 0; first < parts; first += parts_at_once) {
    const std::size_t last = std::min(parts, first + parts_at_once);
    __m256i even[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    __m256i odd[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (std::size_t p = first; p < last; ++p) {
      const auto* codes = reinterpret_cast<const __m256i*>(block + p * code_block);
      const auto* entries = reinterpret_cast<const __m128i*>(table + p * codebook_centroids);
      __m256i left0 = _mm256_loadu_si256(codes);
      __m256i left1 = _mm256_loadu_si256(codes + 1);
      __m256i found0 = _mm256_setzero_si256();
      __m256i found1 = _mm256_setzero_si256();
      for (std::size_t sixteenth = 0; sixteenth < 16; ++sixteenth) {
        const __m256i some = _mm256_broadcastsi128_si256(_mm_loadu_si128(entries + sixteenth));
        found0 =
          _mm256_or_si256(found0, _mm256_shuffle_epi8(some, _mm256_adds_epu8(left0, beyond)));
        found1 =
          _mm256_or_si256(found1, _mm256_shuffle_epi8(some, _mm256_adds_epu8(left1, beyond)));
        left0 = _mm256_sub_epi8(left0, sixteen);
        left1 = _mm256_sub_epi8(left1, sixteen);
      }
      even[0] = _mm256_add_epi16(even[0], _mm256_and_si256(found0, low_byte));
      even[1] = _mm256_add_epi16(even[1], _mm256_and_si256(found1, low_byte));
      odd[0] = _mm256_add_epi16(odd[0], _mm256_srli_epi16(found0, 8));
      odd[1] = _mm256_add_epi16(odd[1], _mm256_srli_epi16(found1, 8));
    }
    for (std::size_t half = 0; half < 2; ++half) {
      alignas(32) std::array<std::uint16_t, 16> evens;
      alignas(32) std::array<std::uint16_t, 16> odds;
      _mm256_store_si256(reinterpret_cast<__m256i*>(evens.data()), even[half]);
      _mm256_store_si256(reinterpret_cast<__m256i*>(odds.data()), odd[half]);
      for (std::size_t w = 0; w < 16; ++w) {
        sums[half * 32 + 2 * w] += evens[w];
        sums[half * 32 + 2 * w + 1] += odds[w];
      }
    }
  }
}

__attribute__((target("avx2"))) void sum_avx2(const std::uint8_t* table, std::size_t parts,
                                              const std::uint8_t* blocks, std::size_t count,
                                              std::uint32_t* sums) noexcept {
  const std::size_t whole = count / code_block * code_block;
  for (std::size_t v = 0; v < whole; v += code_block)
    sum_block_avx2(table, parts, blocks + v * parts, sums + v);
  sum_plain(table, parts, blocks + whole * parts, count - whole, sums + whole);
}

// Blocks that share the loads of a part's table.
constexpr std::size_t blocks_at_once = 4;

/// Sums of one block, as 16-bit numbers: of the vectors with even numbers, and with odd ones.
struct block_sums {
  __m512i even;
  __m512i odd;
};

__attribute__((target("avx512f,avx512bw,avx512vbmi"), always_inline)) inline void add_widened(
  const block_sums& s, std::uint32_t* sums) noexcept {
  const __m512i pairs[2] = {_mm512_unpacklo_epi16(s.even, s.odd),
                            _mm512_unpackhi_epi16(s.even, s.odd)};
  alignas(64) std::array<std::uint16_t, code_block> ordered;
  // Eight vectors in each 128 bits: in turns from the one and the other.
  const __m512i low =
    _mm512_permutex2var_epi64(pairs[0], _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0), pairs[1]);
  const __m512i high =
    _mm512_permutex2var_epi64(pairs[0], _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4), pairs[1]);
  _mm512_store_si512(ordered.data(), low);
  _mm512_store_si512(ordered.data() + code_block / 2, high);
  for (std::size_t v = 0; v < code_block; ++v)
    sums[v] += ordered[v];
}

/// Adds for parts [first, last) of `Blocks` whole blocks, or of one in which only `mask` is read.
template <std::size_t Blocks>
__attribute__((target("avx512f,avx512bw,avx512vbmi"), always_inline)) inline void add_parts(
  const std::uint8_t* table, std::size_t parts, std::size_t first, std::size_t last,
  const std::uint8_t* blocks, __mmask64 mask, std::uint32_t* sums) noexcept {
  const __m512i low_byte = _mm512_set1_epi16(0xFF);
  block_sums s[Blocks];
  for (block_sums& one : s)
    one = {_mm512_setzero_si512(), _mm512_setzero_si512()};
  for (std::size_t p = first; p < last; ++p) {
    const std::uint8_t* entries = table + p * codebook_centroids;
    const __m512i t0 = _mm512_loadu_si512(entries);
    const __m512i t1 = _mm512_loadu_si512(entries + 64);
    const __m512i t2 = _mm512_loadu_si512(entries + 128);
    const __m512i t3 = _mm512_loadu_si512(entries + 192);
    for (std::size_t b = 0; b < Blocks; ++b) {
      const __m512i codes = _mm512_maskz_loadu_epi8(mask, blocks + (b * parts + p) * code_block);
      const __m512i below = _mm512_permutex2var_epi8(t0, codes, t1);
      const __m512i above = _mm512_permutex2var_epi8(t2, codes, t3);
      const __m512i found = _mm512_mask_blend_epi8(_mm512_movepi8_mask(codes), below, above);
      s[b].even = _mm512_add_epi16(s[b].even, _mm512_and_si512(found, low_byte));
      s[b].odd = _mm512_add_epi16(s[b].odd, _mm512_srli_epi16(found, 8));
    }
  }
  for (std::size_t b = 0; b < Blocks; ++b)
    add_widened(s[b], sums + b * code_block);
}

__attribute__((target("avx512f,avx512bw,avx512vbmi"))) void sum_vbmi(const std::uint8_t* table,
                                                                     std::size_t parts,
                                                                     const std::uint8_t* blocks,
                                                                     std::size_t count,
                                                                     std::uint32_t* sums) noexcept {
  std::fill_n(sums, count, 0U);
  const std::size_t whole = count / code_block;
  for (std::size_t first = 0; first < parts; first += parts_at_once) {
    const std::size_t last = std::min(parts, first + parts_at_once);
    std::size_t b = 0;
    for (; b + blocks_at_once <= whole; b += blocks_at_once)
      add_parts<blocks_at_once>(table, parts, first, last, blocks + b * parts * code_block,
                                ~__mmask64{0}, sums + b * code_block);
    for (; b < whole; ++b)
      add_parts<1>(table, parts, first, last, blocks + b * parts * code_block, ~__mmask64{0},
                   sums + b * code_block);
    if (const std::size_t rest = count % code_block; rest != 0) {
      std::array<std::uint32_t, code_block> some{};
      add_parts<1>(table, parts, first, last, blocks + b * parts * code_block,
                   (__mmask64{1} << rest) - 1, some.data());
      for (std::size_t v = 0; v < rest; ++v)
        sums[b * code_block + v] += some[v];
    }
  }
}

#endif

std::vector<codebook_kernels> kernels_here() {
  std::vector<codebook_kernels> all;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0
      && __builtin_cpu_supports("avx512vbmi") != 0)
    all.push_back({"avx512vbmi", nearest_avx512, sum_vbmi});
  if (__builtin_cpu_supports("avx512f") != 0)
    all.push_back({"avx512", nearest_avx512, sum_avx2});
  if (__builtin_cpu_supports("avx2") != 0)
    all.push_back({"avx2", nearest_avx2, sum_avx2});
#endif
  all.push_back({"plain", nearest_plain, sum_plain});
  return all;
}

} // namespace

std::span<const codebook_kernels> codebook_kernels_here() {
  static const std::vector<codebook_kernels> all = kernels_here();
  return all;
}

nearest_centroid nearest_of(const part_centroids& part, const float* components) noexcept {
  static const auto best = codebook_kernels_here().front().nearest;
  return best(part, components);
}

void sum_codes(const std::uint8_t* table, std::size_t parts, const std::uint8_t* blocks,
               std::size_t count, std::uint32_t* sums) noexcept {
  static const auto best = codebook_kernels_here().front().sum;
  best(table, parts, blocks, count, sums);
}

} // namespace cmem
