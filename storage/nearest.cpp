#include "storage/nearest.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace cmem {

namespace {

struct products {
  double with_query = 0.0;
  double with_self = 0.0;
};

// Lanes of their own, so that the compiler may use vectors without reordering the sums. Double:
// squares of floats cannot overflow it.
products multiply(std::span<const float> query, std::span<const float> v) noexcept {
  constexpr std::size_t lanes = 4;
  std::array<double, lanes> with_query{};
  std::array<double, lanes> with_self{};
  const std::size_t whole = v.size() / lanes * lanes;
  for (std::size_t i = 0; i < whole; i += lanes)
    for (std::size_t l = 0; l < lanes; ++l) {
      const double x = v[i + l];
      with_query[l] += x * static_cast<double>(query[i + l]);
      with_self[l] += x * x;
    }
  for (std::size_t i = whole; i < v.size(); ++i) {
    const double x = v[i];
    with_query[i - whole] += x * static_cast<double>(query[i]);
    with_self[i - whole] += x * x;
  }
  return {(with_query[0] + with_query[1]) + (with_query[2] + with_query[3]),
          (with_self[0] + with_self[1]) + (with_self[2] + with_self[3])};
}

result<double> checked_norm(const graph_snapshot& s, std::span<const float> query) {
  if (query.size() != s.vector_dimension() || query.empty())
    return failure{errc::invalid_argument, "query vector has dimension "
                                             + std::to_string(query.size()) + ": the memory's is "
                                             + std::to_string(s.vector_dimension())};
  for (std::size_t i = 0; i < query.size(); ++i)
    if (!std::isfinite(query[i]))
      return failure{errc::invalid_argument, "query vector[" + std::to_string(i) + "] is "
                                               + std::to_string(query[i]) + ": must be finite"};
  const double square = multiply(query, query).with_self;
  if (square == 0.0)
    return failure{errc::invalid_argument, "query vector is all zero: it has no direction"};
  return std::sqrt(square);
}

} // namespace

result<std::vector<similar_concept>> nearest(const graph_snapshot& s, std::span<const float> query,
                                             std::size_t k) {
  const auto norm = checked_norm(s, query);
  if (!norm)
    return norm.error();
  const auto better = [&s](const similar_concept& a, const similar_concept& b) {
    return a.cosine != b.cosine ? a.cosine > b.cosine : s.node(a.index).id < s.node(b.index).id;
  };
  std::vector<similar_concept> best; // once full: a heap whose front is the worst
  for (std::uint32_t i = 0; i < s.index_count() && k > 0; ++i) {
    if (!s.is_learned(i))
      continue;
    const std::span<const float> v = s.at(i).vector();
    if (v.empty())
      continue;
    const products p = multiply(query, v);
    if (p.with_self == 0.0)
      continue;
    const double cosine = p.with_query / (*norm * std::sqrt(p.with_self));
    const similar_concept found{i, static_cast<float>(std::clamp(cosine, -1.0, 1.0))};
    if (best.size() < k) {
      best.push_back(found);
      if (best.size() == k)
        std::make_heap(best.begin(), best.end(), better);
    } else if (better(found, best.front())) {
      std::pop_heap(best.begin(), best.end(), better);
      best.back() = found;
      std::push_heap(best.begin(), best.end(), better);
    }
  }
  std::sort(best.begin(), best.end(), better);
  return best;
}

} // namespace cmem
