#include "storage/bit_packing.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#if defined(__x86_64__)
#  include <immintrin.h>
#endif

namespace cmem {

namespace {

constexpr std::uint32_t mask_of(std::uint32_t width) noexcept {
  return width == 32 ? ~0U : (1U << width) - 1;
}

/// The end of the 16-byte unit that holds the last of the first `count` values.
const std::byte* readable_end(const std::byte* from, std::uint32_t count,
                              std::uint32_t width) noexcept {
  const std::byte* end = from + packed_bytes(count, width);
  return end + (-reinterpret_cast<std::uintptr_t>(end) & 15U);
}

/// Value i, whose bytes and the seven behind them lie before `end`, or the eight before it.
std::uint32_t value_at(const std::byte* from, std::uint32_t i, std::uint32_t width,
                       const std::byte* end) noexcept {
  const std::size_t bit = std::size_t{i} * width;
  const std::byte* at = from + bit / 8;
  std::uint64_t word = 0;
  if (end - at >= 8) {
    std::memcpy(&word, at, 8);
  } else {
    std::memcpy(&word, end - 8, 8);
    word >>= static_cast<unsigned>(8 - (end - at)) * 8;
  }
  return static_cast<std::uint32_t>(word >> bit % 8) & mask_of(width);
}

} // namespace

void pack_bits(const std::uint32_t* values, std::uint32_t count, std::uint32_t width,
               std::byte* to) noexcept {
  std::uint64_t pending = 0;
  std::uint32_t bits = 0;
  for (std::uint32_t i = 0; i != count; ++i) {
    pending |= std::uint64_t{values[i]} << bits;
    for (bits += width; bits >= 8; bits -= 8, pending >>= 8)
      *to++ = static_cast<std::byte>(pending);
  }
  if (bits != 0)
    *to = static_cast<std::byte>(pending);
}

void unpack_bits_scalar(const std::byte* from, std::uint32_t first, std::uint32_t count,
                        std::uint32_t width, std::uint32_t* out) noexcept {
  if (width == 0) {
    std::fill_n(out, count, 0U);
    return;
  }
  const std::byte* end = readable_end(from, first + count, width);
  for (std::uint32_t i = 0; i != count; ++i)
    out[i] = value_at(from, first + i, width, end);
}

void unpack_sums_scalar(const std::byte* from, std::uint32_t first, std::uint32_t count,
                        std::uint32_t width, std::uint32_t before, std::uint32_t* out) noexcept {
  if (width == 0) {
    std::fill_n(out, count, before);
    return;
  }
  const std::byte* end = readable_end(from, first + count, width);
  for (std::uint32_t i = 0; i != count; ++i)
    out[i] = before += value_at(from, first + i, width, end);
}

#if defined(__x86_64__)

namespace {

/// How eight values of one width come out of their bytes: four in each half.
struct alignas(32) eight_layout {
  std::array<std::uint8_t, 32> bytes;  // that go to each lane
  std::array<std::uint32_t, 8> shifts; // of each lane, to the right
};

constexpr std::array<eight_layout, 33> make_layouts() {
  std::array<eight_layout, 33> all{};
  for (std::uint32_t width = 0; width <= 32; ++width)
    for (std::uint32_t lane = 0; lane != 8; ++lane) {
      // The upper half is loaded from byte width / 2 on: it begins there, or four bits later.
      const std::uint32_t bit = lane < 4 ? lane * width : width % 2 * 4 + (lane - 4) * width;
      all[width].shifts[lane] = bit % 8;
      for (std::uint32_t k = 0; k != 4; ++k)
        all[width].bytes[lane * 4 + k] = static_cast<std::uint8_t>(bit / 8 + k);
    }
  return all;
}

constexpr std::array<eight_layout, 33> layouts = make_layouts();

/// Read from byte k on: takes the bytes from k on to the front, and zeros behind them.
constexpr std::array<std::uint8_t, 64> make_slide() {
  std::array<std::uint8_t, 64> all{};
  for (std::size_t i = 0; i != 64; ++i)
    all[i] = i < 16 ? static_cast<std::uint8_t>(i) : 0x80;
  return all;
}

constexpr std::array<std::uint8_t, 64> slide = make_slide();

const __m128i* as_vector(const void* p) noexcept { return static_cast<const __m128i*>(p); }

/// 16 bytes from there, with zeros for those beyond `end`.
__attribute__((target("avx2"), always_inline)) inline __m128i load_16(const std::byte* at,
                                                                      const std::byte* end) {
  const std::ptrdiff_t left = end - at;
  if (left >= 16)
    return _mm_loadu_si128(as_vector(at));
  return _mm_shuffle_epi8(_mm_loadu_si128(as_vector(end - 16)),
                          _mm_loadu_si128(as_vector(slide.data() + (16 - left))));
}

/// Unpacks eights, starting with values [first, first + 8).
class eights {
public:
  __attribute__((target("avx2"), always_inline))
  eights(const std::byte* from, std::uint32_t first, std::uint32_t count, std::uint32_t width)
    : at_(from + packed_bytes(first, width)),
      end_(readable_end(from, first + count, width)),
      width_(width),
      bytes_(_mm256_load_si256(
        reinterpret_cast<const __m256i*>(layouts[width].bytes.data()))), // alignas(32)
      shifts_(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(layouts[width].shifts.data()))),
      mask_(_mm256_set1_epi32(static_cast<int>(mask_of(width)))) {}

  __attribute__((target("avx2"), always_inline)) __m256i next() {
    const __m256i both = _mm256_set_m128i(load_16(at_ + width_ / 2, end_), load_16(at_, end_));
    at_ += width_;
    return _mm256_and_si256(_mm256_srlv_epi32(_mm256_shuffle_epi8(both, bytes_), shifts_), mask_);
  }

private:
  const std::byte* at_;
  const std::byte* end_;
  std::uint32_t width_;
  __m256i bytes_;
  __m256i shifts_;
  __m256i mask_;
};

__attribute__((target("avx2"))) void unpack_bits_avx2(const std::byte* from, std::uint32_t first,
                                                      std::uint32_t count, std::uint32_t width,
                                                      std::uint32_t* out) noexcept {
  if (width == 0) {
    std::fill_n(out, count, 0U);
    return;
  }
  eights in(from, first, count, width);
  for (std::uint32_t i = 0; i < count; i += 8)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), in.next());
}

__attribute__((target("avx2"))) void unpack_sums_avx2(const std::byte* from, std::uint32_t first,
                                                      std::uint32_t count, std::uint32_t width,
                                                      std::uint32_t before,
                                                      std::uint32_t* out) noexcept {
  if (width == 0) {
    std::fill_n(out, count, before);
    return;
  }
  eights in(from, first, count, width);
  const __m256i last = _mm256_set1_epi32(7);
  __m256i sum = _mm256_set1_epi32(static_cast<int>(before));
  for (std::uint32_t i = 0; i < count; i += 8) {
    __m256i v = in.next();
    v = _mm256_add_epi32(v, _mm256_slli_si256(v, 4)); // within each half …
    v = _mm256_add_epi32(v, _mm256_slli_si256(v, 8));
    const __m256i low =
      _mm256_permute2x128_si256(v, v, 0x08); // … then the lower one's to the upper
    v = _mm256_add_epi32(v, _mm256_shuffle_epi32(low, 0xFF));
    v = _mm256_add_epi32(v, sum);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), v);
    sum = _mm256_permutevar8x32_epi32(v, last);
  }
}

bool has_avx2() noexcept {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") != 0;
}

} // namespace

void unpack_bits(const std::byte* from, std::uint32_t first, std::uint32_t count,
                 std::uint32_t width, std::uint32_t* out) noexcept {
  static const auto best = has_avx2() ? unpack_bits_avx2 : unpack_bits_scalar;
  best(from, first, count, width, out);
}

void unpack_sums(const std::byte* from, std::uint32_t first, std::uint32_t count,
                 std::uint32_t width, std::uint32_t before, std::uint32_t* out) noexcept {
  static const auto best = has_avx2() ? unpack_sums_avx2 : unpack_sums_scalar;
  best(from, first, count, width, before, out);
}

#else

void unpack_bits(const std::byte* from, std::uint32_t first, std::uint32_t count,
                 std::uint32_t width, std::uint32_t* out) noexcept {
  unpack_bits_scalar(from, first, count, width, out);
}

void unpack_sums(const std::byte* from, std::uint32_t first, std::uint32_t count,
                 std::uint32_t width, std::uint32_t before, std::uint32_t* out) noexcept {
  unpack_sums_scalar(from, first, count, width, before, out);
}

#endif

} // namespace cmem
