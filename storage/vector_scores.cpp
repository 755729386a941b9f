#include "storage/vector_scores.hpp"

#include "storage/limits.hpp"
#include "storage/vector_kernels.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

namespace cmem {

std::string_view to_string(vector_metric metric) noexcept {
  switch (metric) {
    case vector_metric::cosine: return "cosine";
    case vector_metric::inner_product: return "inner_product";
    case vector_metric::l2: return "l2";
  }
  return "unknown";
}

result<vector_scorer> vector_scorer::make(const graph_snapshot& s, std::span<const float> query,
                                          vector_metric metric) {
  if (query.size() != s.vector_dimension() || query.empty())
    return failure{errc::invalid_argument, "query vector has dimension "
                                             + std::to_string(query.size()) + ": the memory's is "
                                             + std::to_string(s.vector_dimension())};
  for (std::size_t i = 0; i < query.size(); ++i)
    if (!std::isfinite(query[i]))
      return failure{errc::invalid_argument, "query vector[" + std::to_string(i) + "] is "
                                               + std::to_string(query[i]) + ": must be finite"};
  const double norm = std::sqrt(multiply(query, query).with_self);
  if (metric == vector_metric::cosine && norm == 0.0)
    return failure{errc::invalid_argument, "query vector is all zero: it has no direction"};
  return vector_scorer(s, query, metric, norm);
}

std::optional<double> vector_scorer::score(std::uint32_t index) const noexcept {
  const stored_vector v = s_->at(index).vector();
  if (v.empty())
    return std::nullopt;
  return v.coded() ? score_codes(v) : score(v.floats());
}

[[gnu::noinline]] std::optional<double> vector_scorer::score_codes(
  const stored_vector& v) const noexcept {
  std::array<float, vector_dimension_max> room; // not zeroed
  const std::span<float> floats = std::span(room).first(query_.size());
  v.decode(floats);
  return score(floats);
}

std::optional<double> vector_scorer::score(std::span<const float> v) const noexcept {
  if (metric_ == vector_metric::l2)
    return std::sqrt(squared_distance(v, query_));
  const vector_products p = multiply(v, query_);
  if (metric_ == vector_metric::inner_product)
    return p.with_other;
  if (p.with_self == 0.0)
    return std::nullopt;
  const double cosine = p.with_other / (norm_ * std::sqrt(p.with_self));
  return static_cast<double>(static_cast<float>(std::clamp(cosine, -1.0, 1.0)));
}

double best_concepts::worst_rank() const noexcept {
  if (!full())
    return -std::numeric_limits<double>::infinity();
  return k_ == 0 ? std::numeric_limits<double>::infinity() : scorer_.rank(best_.front().score);
}

void best_concepts::add(const similar_concept& c) {
  const auto better = [this](const similar_concept& a, const similar_concept& b) {
    return scorer_.better(a, b);
  };
  if (!full()) {
    best_.push_back(c);
    if (full())
      std::make_heap(best_.begin(), best_.end(), better);
  } else {
    std::pop_heap(best_.begin(), best_.end(), better);
    best_.back() = c;
    std::push_heap(best_.begin(), best_.end(), better);
  }
}

std::vector<similar_concept> best_concepts::take() {
  std::sort(best_.begin(), best_.end(), [this](const similar_concept& a, const similar_concept& b) {
    return scorer_.better(a, b);
  });
  return std::exchange(best_, {});
}

} // namespace cmem
