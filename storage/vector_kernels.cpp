#include "storage/vector_kernels.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>
#include <vector>

#if defined(__x86_64__)
#  include <immintrin.h>
#endif

namespace cmem {

namespace {

constexpr std::size_t lanes = 16;

double sum_of(std::array<double, lanes>& lane) noexcept {
  for (std::size_t apart = lanes / 2; apart > 0; apart /= 2)
    for (std::size_t l = 0; l < apart; ++l)
      lane[l] += lane[l + apart];
  return lane[0];
}

/// The next float that is not below.
float rounded_up(double x) noexcept {
  const auto f = static_cast<float>(x);
  return static_cast<double>(f) >= x ? f
                                     : std::nextafter(f, std::numeric_limits<float>::infinity());
}

vector_products multiply_plain(std::span<const float> vector,
                               std::span<const float> other) noexcept {
  assert(vector.size() == other.size());
  std::array<double, lanes> with_other{};
  std::array<double, lanes> with_self{};
  for (std::size_t i = 0; i < vector.size(); ++i) {
    const double x = vector[i];
    with_other[i % lanes] += x * static_cast<double>(other[i]);
    with_self[i % lanes] += x * x;
  }
  return {sum_of(with_other), sum_of(with_self)};
}

double squared_distance_plain(std::span<const float> vector,
                              std::span<const float> other) noexcept {
  assert(vector.size() == other.size());
  std::array<double, lanes> squares{};
  for (std::size_t i = 0; i < vector.size(); ++i) {
    const double d = static_cast<double>(vector[i]) - static_cast<double>(other[i]);
    squares[i % lanes] += d * d;
  }
  return sum_of(squares);
}

#if defined(__x86_64__)

// What is left of less than 16 elements goes to its lanes one by one: the others would add 0.
template <class Add>
void add_rest(std::span<const float> vector, std::span<const float> other, Add&& add) noexcept {
  for (std::size_t i = vector.size() / lanes * lanes; i < vector.size(); ++i)
    add(i % lanes, static_cast<double>(vector[i]), static_cast<double>(other[i]));
}

__attribute__((target("avx512f"))) vector_products multiply_avx512(
  std::span<const float> vector, std::span<const float> other) noexcept {
  __m512d with_other[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};
  __m512d with_self[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};
  for (std::size_t i = 0; i + lanes <= vector.size(); i += lanes)
    for (std::size_t half = 0; half < 2; ++half) {
      const __m512d x = _mm512_maskz_cvtps_pd(0xFF, _mm256_loadu_ps(&vector[i + 8 * half]));
      const __m512d y = _mm512_maskz_cvtps_pd(0xFF, _mm256_loadu_ps(&other[i + 8 * half]));
      with_other[half] = _mm512_add_pd(with_other[half], _mm512_mul_pd(x, y));
      with_self[half] = _mm512_add_pd(with_self[half], _mm512_mul_pd(x, x));
    }
  std::array<double, lanes> other_lanes;
  std::array<double, lanes> self_lanes;
  for (std::size_t half = 0; half < 2; ++half) {
    _mm512_storeu_pd(&other_lanes[8 * half], with_other[half]);
    _mm512_storeu_pd(&self_lanes[8 * half], with_self[half]);
  }
  add_rest(vector, other, [&](std::size_t l, double x, double y) {
    other_lanes[l] += x * y;
    self_lanes[l] += x * x;
  });
  return {sum_of(other_lanes), sum_of(self_lanes)};
}

__attribute__((target("avx512f"))) double squared_distance_avx512(
  std::span<const float> vector, std::span<const float> other) noexcept {
  __m512d squares[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};
  for (std::size_t i = 0; i + lanes <= vector.size(); i += lanes)
    for (std::size_t half = 0; half < 2; ++half) {
      const __m512d d =
        _mm512_sub_pd(_mm512_maskz_cvtps_pd(0xFF, _mm256_loadu_ps(&vector[i + 8 * half])),
                      _mm512_maskz_cvtps_pd(0xFF, _mm256_loadu_ps(&other[i + 8 * half])));
      squares[half] = _mm512_add_pd(squares[half], _mm512_mul_pd(d, d));
    }
  std::array<double, lanes> square_lanes;
  for (std::size_t half = 0; half < 2; ++half)
    _mm512_storeu_pd(&square_lanes[8 * half], squares[half]);
  add_rest(vector, other,
           [&](std::size_t l, double x, double y) { square_lanes[l] += (x - y) * (x - y); });
  return sum_of(square_lanes);
}

__attribute__((target("avx2"))) vector_products multiply_avx2(
  std::span<const float> vector, std::span<const float> other) noexcept {
  __m256d with_other[4] = {};
  __m256d with_self[4] = {};
  for (std::size_t i = 0; i + lanes <= vector.size(); i += lanes)
    for (std::size_t part = 0; part < 4; ++part) {
      const __m256d x = _mm256_cvtps_pd(_mm_loadu_ps(&vector[i + 4 * part]));
      const __m256d y = _mm256_cvtps_pd(_mm_loadu_ps(&other[i + 4 * part]));
      with_other[part] = _mm256_add_pd(with_other[part], _mm256_mul_pd(x, y));
      with_self[part] = _mm256_add_pd(with_self[part], _mm256_mul_pd(x, x));
    }
  std::array<double, lanes> other_lanes;
  std::array<double, lanes> self_lanes;
  for (std::size_t part = 0; part < 4; ++part) {
    _mm256_storeu_pd(&other_lanes[4 * part], with_other[part]);
    _mm256_storeu_pd(&self_lanes[4 * part], with_self[part]);
  }
  add_rest(vector, other, [&](std::size_t l, double x, double y) {
    other_lanes[l] += x * y;
    self_lanes[l] += x * x;
  });
  return {sum_of(other_lanes), sum_of(self_lanes)};
}

__attribute__((target("avx2"))) double squared_distance_avx2(
  std::span<const float> vector, std::span<const float> other) noexcept {
  __m256d squares[4] = {};
  for (std::size_t i = 0; i + lanes <= vector.size(); i += lanes)
    for (std::size_t part = 0; part < 4; ++part) {
      const __m256d d = _mm256_sub_pd(_mm256_cvtps_pd(_mm_loadu_ps(&vector[i + 4 * part])),
                                      _mm256_cvtps_pd(_mm_loadu_ps(&other[i + 4 * part])));
      squares[part] = _mm256_add_pd(squares[part], _mm256_mul_pd(d, d));
    }
  std::array<double, lanes> square_lanes;
  for (std::size_t part = 0; part < 4; ++part)
    _mm256_storeu_pd(&square_lanes[4 * part], squares[part]);
  add_rest(vector, other,
           [&](std::size_t l, double x, double y) { square_lanes[l] += (x - y) * (x - y); });
  return sum_of(square_lanes);
}

#endif

std::vector<float_kernels> make_kernels() {
  std::vector<float_kernels> all;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") != 0)
    all.push_back({"avx512", multiply_avx512, squared_distance_avx512});
  if (__builtin_cpu_supports("avx2") != 0)
    all.push_back({"avx2", multiply_avx2, squared_distance_avx2});
#endif
  all.push_back({"plain", multiply_plain, squared_distance_plain});
  return all;
}

} // namespace

std::span<const float_kernels> float_kernels_here() {
  static const std::vector<float_kernels> all = make_kernels();
  return all;
}

vector_products multiply(std::span<const float> vector, std::span<const float> other) noexcept {
  static const auto best = float_kernels_here().front().multiply;
  assert(vector.size() == other.size());
  return best(vector, other);
}

double squared_distance(std::span<const float> vector, std::span<const float> other) noexcept {
  static const auto best = float_kernels_here().front().squared_distance;
  assert(vector.size() == other.size());
  return best(vector, other);
}

quantized_vector quantize(std::span<const float> vector, std::int8_t* codes) noexcept {
  constexpr double code_max = 127.0;
  std::fill_n(codes, code_stride(vector.size()), std::int8_t{0});
  const double norm = std::sqrt(multiply(vector, vector).with_self);
  if (norm == 0.0)
    return {};
  double largest = 0.0;
  for (const float x : vector)
    largest = std::max(largest, std::abs(static_cast<double>(x)));
  // The scale is a float of the norm's, so codes and residual are taken with what readers have.
  const auto unit_scale = static_cast<float>(largest / code_max / norm);
  const double scale = static_cast<double>(unit_scale) * norm;
  double squares = 0.0;
  for (std::size_t i = 0; i < vector.size(); ++i) {
    const double x = vector[i];
    const double code = std::clamp(std::round(x / scale), -code_max, code_max);
    codes[i] = static_cast<std::int8_t>(code);
    const double left = x / norm - code * static_cast<double>(unit_scale);
    squares += left * left;
  }
  // What the sums above round is far below this.
  constexpr double slack = 1e-10;
  return {unit_scale, rounded_up(std::sqrt(squares) + slack), norm};
}

} // namespace cmem
