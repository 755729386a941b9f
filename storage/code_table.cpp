#include "storage/code_table.hpp"

#include "storage/vector_kernels.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

namespace cmem {

code_table::code_table(const vector_codebook& codebook, std::span<const float> query)
  : parts_(codebook.parts()),
    query_norm_(std::sqrt(multiply(query, query).with_self)),
    products_(parts_ * codebook_centroids),
    bytes_(parts_ * codebook_centroids) {
  assert(query.size() == codebook.dimension());
  if (query_norm_ == 0.0)
    return;
  for (std::size_t p = 0; p < parts_; ++p) {
    const part_centroids part = codebook.part(p);
    std::array<double, codebook_centroids> sums{};
    for (std::size_t j = 0; j < part.width; ++j) {
      const double q = static_cast<double>(query[codebook.part_begin(p) + j]) / query_norm_;
      for (std::size_t c = 0; c < codebook_centroids; ++c)
        sums[c] += q * static_cast<double>(part.centroids[j * codebook_centroids + c]);
    }
    std::transform(sums.begin(), sums.end(), products_.data() + p * codebook_centroids,
                   [](double sum) { return static_cast<float>(sum); });
  }
  make_bytes();
}

void code_table::make_bytes() {
  std::vector<double> least(parts_);
  double range = 0.0; // of the part that needs the most: all share one step, so that bytes add up
  for (std::size_t p = 0; p < parts_; ++p) {
    const auto of_part = std::span(products_).subspan(p * codebook_centroids, codebook_centroids);
    const auto [low, high] = std::minmax_element(of_part.begin(), of_part.end());
    least[p] = *low;
    base_ += least[p];
    range = std::max(range, static_cast<double>(*high) - least[p]);
  }
  step_ = range / 255.0;
  slack_ = step_ * 0.5 * static_cast<double>(parts_);
  if (step_ == 0.0)
    return;
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    const double above = static_cast<double>(products_[i]) - least[i / codebook_centroids];
    bytes_[i] = static_cast<std::uint8_t>(std::min(above / step_ + 0.5, 255.0));
  }
}

double code_table::cosine_of(const std::uint8_t* codes, std::size_t apart) const noexcept {
  double sum = 0.0;
  for (std::size_t p = 0; p < parts_; ++p)
    sum += static_cast<double>(products_[p * codebook_centroids + codes[p * apart]]);
  return sum;
}

double code_table::score(vector_metric metric, double cosine, double norm) const noexcept {
  const double product = query_norm_ * norm * cosine;
  switch (metric) {
    case vector_metric::cosine: return std::clamp(cosine, -1.0, 1.0);
    case vector_metric::inner_product: return product;
    case vector_metric::l2: break;
  }
  const double apart = query_norm_ - norm;
  return std::sqrt(std::max(0.0, apart * apart + 2.0 * (query_norm_ * norm - product)));
}

} // namespace cmem
