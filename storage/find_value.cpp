#include "storage/find_value.hpp"

#include <bit>

#if defined(__x86_64__)
#  include <immintrin.h>
#endif

namespace cmem {

std::uint32_t find_value_scalar(const std::uint32_t* values, std::uint32_t count,
                                std::uint32_t value) noexcept {
  for (std::uint32_t i = 0; i < count; ++i)
    if (values[i] == value)
      return i;
  return count;
}

#if defined(__x86_64__)

namespace {

__attribute__((target("avx512f"))) std::uint32_t find_value_avx512(const std::uint32_t* values,
                                                                   std::uint32_t count,
                                                                   std::uint32_t value) noexcept {
  const __m512i key = _mm512_set1_epi32(static_cast<int>(value));
  const auto hits = [&](std::uint32_t at) __attribute__((target("avx512f"), always_inline)) {
    return static_cast<unsigned>(_mm512_cmpeq_epi32_mask(_mm512_loadu_si512(values + at), key));
  };
  std::uint32_t i = 0;
  for (; i + 64 <= count; i += 64)
    if ((hits(i) | hits(i + 16) | hits(i + 32) | hits(i + 48)) != 0)
      break;
  for (; i + 16 <= count; i += 16)
    if (const unsigned h = hits(i); h != 0)
      return i + static_cast<std::uint32_t>(std::countr_zero(h));
  if (i == count)
    return count;
  const auto rest = static_cast<__mmask16>((1U << (count - i)) - 1); // reads nothing beyond count
  const auto h = static_cast<unsigned>(
    _mm512_mask_cmpeq_epi32_mask(rest, _mm512_maskz_loadu_epi32(rest, values + i), key));
  return h != 0 ? i + static_cast<std::uint32_t>(std::countr_zero(h)) : count;
}

__attribute__((target("avx2"))) std::uint32_t find_value_avx2(const std::uint32_t* values,
                                                              std::uint32_t count,
                                                              std::uint32_t value) noexcept {
  const __m256i key = _mm256_set1_epi32(static_cast<int>(value));
  const auto hits = [&](std::uint32_t at) __attribute__((target("avx2"), always_inline)) {
    const auto* from = reinterpret_cast<const __m256i*>(values + at);
    const __m256i same = _mm256_cmpeq_epi32(_mm256_loadu_si256(from), key);
    return static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(same)));
  };
  std::uint32_t i = 0;
  for (; i + 8 <= count; i += 8)
    if (const unsigned h = hits(i); h != 0)
      return i + static_cast<std::uint32_t>(std::countr_zero(h));
  return i + find_value_scalar(values + i, count - i, value);
}

using find_value_function = std::uint32_t (*)(const std::uint32_t*, std::uint32_t,
                                              std::uint32_t) noexcept;

find_value_function best_for_this_machine() noexcept {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f"))
    return find_value_avx512;
  return __builtin_cpu_supports("avx2") ? find_value_avx2 : find_value_scalar;
}

} // namespace

std::uint32_t find_value(const std::uint32_t* values, std::uint32_t count,
                         std::uint32_t value) noexcept {
  static const find_value_function best = best_for_this_machine();
  return best(values, count, value);
}

#else

std::uint32_t find_value(const std::uint32_t* values, std::uint32_t count,
                         std::uint32_t value) noexcept {
  return find_value_scalar(values, count, value);
}

#endif

} // namespace cmem
