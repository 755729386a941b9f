#pragma once
// What the codes say of the rank of a vector: a bound, so that most vectors need not be compared
// themselves.
//
// The bound is that of Cauchy and Schwarz. With q = q' + a and x = x' + b, where q' and x' are what
// the codes stand for: q.x = q'.x' + q'.b + a.x <= q'.x' + |q'| |b| + |a| |x|.

#include "storage/vector_columns.hpp"
#include "storage/vector_graph.hpp"
#include "storage/vector_metric.hpp"
#include "storage/vector_scores.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace cmem {

/// Upper bounds of ranks from codes. A key is as a rank: more is better.
class vector_bounds {
public:
  explicit vector_bounds(const vector_scorer& scorer);

  /// Keys of slots [first, first + count) to `keys`. Precondition: count is in [1, run_max] and at
  /// most columns.run_of(first); the columns have the query's dimension.
  void keys_of_run(const vector_columns& columns, std::uint32_t first, std::uint32_t count,
                   float* keys) const noexcept;
  static constexpr std::uint32_t run_max = 1024;
  /// The same of count <= run_max slots anywhere.
  void keys_of(const vector_columns& columns, std::span<const std::uint32_t> slots,
               float* keys) const noexcept;
  /// The query, for a search in a graph. Borrowed from this.
  [[nodiscard]] graph_target target() const noexcept {
    return {codes_.data(), {unit_scale_, query_residual_, norm_}};
  }
  /// What has a smaller key ranks below this.
  [[nodiscard]] float least_key(double rank) const noexcept;

private:
  [[nodiscard]] float unit_bound(std::int32_t product, float unit_scale,
                                 float unit_residual) const noexcept {
    return static_cast<float>(product) * unit_scale_ * unit_scale
           + (residual_factor_ * unit_residual + query_residual_);
  }
  [[nodiscard]] float key(float unit_bound, double norm) const noexcept;

  vector_metric metric_;
  double norm_;                    // of the query
  float unit_scale_ = 0.0F;        // of the query
  float residual_factor_ = 0.0F;   // of a slot's residual
  float query_residual_ = 0.0F;    // that of the query, and for what floats round
  std::vector<std::int8_t> codes_; // of the query
};

} // namespace cmem
