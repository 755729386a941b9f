#include "storage/vector_bounds.hpp"

#include "storage/prefetch.hpp"

#include <array>
#include <cmath>

namespace cmem {

namespace {

// For what is rounded: keys of vectors of length 1 are some floats multiplied and added, none of
// them over 3, and scores are such floats, or sums of doubles whose errors are far smaller.
constexpr float float_slack = 2e-6F;
// The same for the squares of distances.
constexpr double square_slack = 1e-11;

} // namespace

vector_bounds::vector_bounds(const vector_scorer& scorer)
  : metric_(scorer.metric()), norm_(scorer.norm()), codes_(code_stride(scorer.query().size())) {
  const quantized_vector q = quantize(scorer.query(), codes_.data());
  unit_scale_ = q.unit_scale;
  const auto square = multiply_codes(codes_.data(), codes_.data(), codes_.size());
  const double length = std::sqrt(static_cast<double>(square)) * static_cast<double>(q.unit_scale);
  residual_factor_ = static_cast<float>(length * (1.0 + 1e-6)); // more than rounding takes off
  query_residual_ = q.unit_residual + float_slack;
}

float vector_bounds::key(float unit_bound, double norm) const noexcept {
  // Rounding to float keeps the order: a bound that reaches a rank still does.
  const double product = static_cast<double>(unit_bound) * norm * norm_;
  return static_cast<float>(metric_ == vector_metric::l2 ? product - 0.5 * (norm * norm) : product);
}

float vector_bounds::least_key(double rank) const noexcept {
  if (metric_ != vector_metric::l2 || !std::isfinite(rank))
    return static_cast<float>(rank);
  // d^2 = |q|^2 + |x|^2 - 2 q.x, and the key stands for q.x - |x|^2 / 2.
  const double q = norm_ * norm_;
  const double d = rank * rank;
  return static_cast<float>(0.5 * (q - d) - square_slack * (q + d));
}

void vector_bounds::keys_of_run(const vector_columns& columns, std::uint32_t first,
                                std::uint32_t count, float* keys) const noexcept {
  std::array<std::int32_t, run_max> products;
  multiply_codes_run(codes_.data(), columns.codes(first), codes_.size(), count, products.data());
  const float* scale = &columns.unit_scale(first);
  const float* residual = &columns.unit_residual(first);
  for (std::uint32_t i = 0; i < count; ++i)
    keys[i] = unit_bound(products[i], scale[i], residual[i]);
  if (metric_ == vector_metric::cosine)
    return;
  const double* norm = &columns.norm(first);
  for (std::uint32_t i = 0; i < count; ++i)
    keys[i] = key(keys[i], norm[i]);
}

void vector_bounds::keys_of(const vector_columns& columns, std::span<const std::uint32_t> slots,
                            float* keys) const noexcept {
  std::array<const std::int8_t*, run_max> codes{};
  std::array<std::int32_t, run_max> products;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    codes[i] = columns.codes(slots[i]);
    prefetch_line(&columns.unit_scale(slots[i]));
    prefetch_line(&columns.unit_residual(slots[i]));
    if (metric_ != vector_metric::cosine)
      prefetch_line(&columns.norm(slots[i]));
  }
  multiply_codes_at(codes_.data(), codes.data(), codes_.size(), slots.size(), products.data());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    keys[i] =
      unit_bound(products[i], columns.unit_scale(slots[i]), columns.unit_residual(slots[i]));
    if (metric_ != vector_metric::cosine)
      keys[i] = key(keys[i], columns.norm(slots[i]));
  }
}

} // namespace cmem
