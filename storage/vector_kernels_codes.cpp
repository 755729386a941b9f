#include "storage/vector_kernels.hpp"

#include "storage/prefetch.hpp"

#include <algorithm>
#include <vector>

#if defined(__x86_64__)
#  include <immintrin.h>
#endif

namespace cmem {

namespace {

constexpr std::size_t fetch_ahead = 6; // vectors anywhere

void fetch(const std::int8_t* codes, std::size_t stride) noexcept {
  for (std::size_t i = 0; i < stride; i += code_unit)
    prefetch_line(codes + i);
}

std::int32_t one_plain(const std::int8_t* a, const std::int8_t* b, std::size_t stride) noexcept {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < stride; ++i)
    sum += std::int32_t{a[i]} * std::int32_t{b[i]};
  return sum;
}

void run_plain(const std::int8_t* query, const std::int8_t* codes, std::size_t stride,
               std::size_t count, std::int32_t* out) noexcept {
  for (std::size_t n = 0; n < count; ++n)
    out[n] = one_plain(query, codes + n * stride, stride);
}

void at_plain(const std::int8_t* query, const std::int8_t* const* codes, std::size_t stride,
              std::size_t count, std::int32_t* out) noexcept {
  for (std::size_t n = 0; n < count; ++n)
    out[n] = one_plain(query, codes[n], stride);
}

#if defined(__x86_64__)

__attribute__((target("avx2"), always_inline)) inline std::int32_t sum_of(__m256i sum) noexcept {
  __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0b01'00'11'10));
  half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0b10'11'00'01));
  return _mm_cvtsi128_si32(half);
}

__attribute__((target("avx512f,avx512bw,avx512vnni"), always_inline)) inline std::int32_t sum_of(
  __m512i sum) noexcept {
  // Masked, since GCC 12 warns of its own plain ones.
  return sum_of(_mm256_add_epi32(_mm512_maskz_extracti64x4_epi64(0xF, sum, 0),
                                 _mm512_maskz_extracti64x4_epi64(0xF, sum, 1)));
}

// One instruction multiplies bytes without a sign by such with one and adds four products. 128 is
// added to each code of `b` (a flipped sign bit), and 128 times the sum of `a` taken off again.
__attribute__((target("avx512f,avx512bw,avx512vnni"), always_inline)) inline __m512i multiply_vnni(
  const std::int8_t* a, const std::int8_t* b, std::size_t stride) noexcept {
  const __m512i flip = _mm512_set1_epi8(-128);
  __m512i sum = _mm512_setzero_si512();
  for (std::size_t i = 0; i < stride; i += code_unit)
    sum = _mm512_dpbusd_epi32(sum, _mm512_xor_si512(_mm512_loadu_si512(b + i), flip),
                              _mm512_loadu_si512(a + i));
  return sum;
}

__attribute__((target("avx512f,avx512bw,avx512vnni"), always_inline)) inline std::int32_t
surplus_vnni(const std::int8_t* a, std::size_t stride) noexcept {
  const __m512i all = _mm512_set1_epi8(-128); // as bytes without a sign: 128
  __m512i sum = _mm512_setzero_si512();
  for (std::size_t i = 0; i < stride; i += code_unit)
    sum = _mm512_dpbusd_epi32(sum, all, _mm512_loadu_si512(a + i));
  return sum_of(sum);
}

__attribute__((target("avx512f,avx512bw,avx512vnni"))) std::int32_t one_vnni(
  const std::int8_t* a, const std::int8_t* b, std::size_t stride) noexcept {
  return sum_of(multiply_vnni(a, b, stride)) - surplus_vnni(a, stride);
}

__attribute__((target("avx512f,avx512bw,avx512vnni"))) void run_vnni(const std::int8_t* query,
                                                                     const std::int8_t* codes,
                                                                     std::size_t stride,
                                                                     std::size_t count,
                                                                     std::int32_t* out) noexcept {
  const std::int32_t surplus = surplus_vnni(query, stride);
  for (std::size_t n = 0; n < count; ++n)
    out[n] = sum_of(multiply_vnni(query, codes + n * stride, stride)) - surplus;
}

__attribute__((target("avx512f,avx512bw,avx512vnni"))) void at_vnni(const std::int8_t* query,
                                                                    const std::int8_t* const* codes,
                                                                    std::size_t stride,
                                                                    std::size_t count,
                                                                    std::int32_t* out) noexcept {
  const std::int32_t surplus = surplus_vnni(query, stride);
  for (std::size_t n = 0; n < std::min(count, fetch_ahead); ++n)
    fetch(codes[n], stride);
  for (std::size_t n = 0; n < count; ++n) {
    if (n + fetch_ahead < count)
      fetch(codes[n + fetch_ahead], stride);
    out[n] = sum_of(multiply_vnni(query, codes[n], stride)) - surplus;
  }
}

__attribute__((target("avx2"), always_inline)) inline std::int32_t multiply_256(
  const std::int8_t* a, const std::int8_t* b, std::size_t stride) noexcept {
  __m256i sum = _mm256_setzero_si256();
  for (std::size_t i = 0; i < stride; i += 16) {
    const __m256i x =
      _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a + i)));
    const __m256i y =
      _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b + i)));
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(x, y));
  }
  return sum_of(sum);
}

__attribute__((target("avx2"))) std::int32_t one_avx2(const std::int8_t* a, const std::int8_t* b,
                                                      std::size_t stride) noexcept {
  return multiply_256(a, b, stride);
}

__attribute__((target("avx2"))) void run_avx2(const std::int8_t* query, const std::int8_t* codes,
                                              std::size_t stride, std::size_t count,
                                              std::int32_t* out) noexcept {
  for (std::size_t n = 0; n < count; ++n)
    out[n] = multiply_256(query, codes + n * stride, stride);
}

__attribute__((target("avx2"))) void at_avx2(const std::int8_t* query,
                                             const std::int8_t* const* codes, std::size_t stride,
                                             std::size_t count, std::int32_t* out) noexcept {
  for (std::size_t n = 0; n < std::min(count, fetch_ahead); ++n)
    fetch(codes[n], stride);
  for (std::size_t n = 0; n < count; ++n) {
    if (n + fetch_ahead < count)
      fetch(codes[n + fetch_ahead], stride);
    out[n] = multiply_256(query, codes[n], stride);
  }
}

#endif

std::vector<code_kernels> make_kernels() {
  std::vector<code_kernels> all;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vnni") != 0)
    all.push_back({"avx512vnni", one_vnni, run_vnni, at_vnni});
  if (__builtin_cpu_supports("avx2") != 0)
    all.push_back({"avx2", one_avx2, run_avx2, at_avx2});
#endif
  all.push_back({"plain", one_plain, run_plain, at_plain});
  return all;
}

} // namespace

std::span<const code_kernels> code_kernels_here() {
  static const std::vector<code_kernels> all = make_kernels();
  return all;
}

std::int32_t multiply_codes(const std::int8_t* a, const std::int8_t* b,
                            std::size_t stride) noexcept {
  static const auto best = code_kernels_here().front().one;
  return best(a, b, stride);
}

void multiply_codes_run(const std::int8_t* query, const std::int8_t* codes, std::size_t stride,
                        std::size_t count, std::int32_t* out) noexcept {
  static const auto best = code_kernels_here().front().run;
  best(query, codes, stride, count, out);
}

void multiply_codes_at(const std::int8_t* query, const std::int8_t* const* codes,
                       std::size_t stride, std::size_t count, std::int32_t* out) noexcept {
  static const auto best = code_kernels_here().front().at;
  best(query, codes, stride, count, out);
}

} // namespace cmem
