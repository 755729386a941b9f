#pragma once
// How searching and building go through a graph of neighbors (vector_graph.hpp).

#include "storage/prefetch.hpp"
#include "storage/vector_graph.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

namespace cmem {

/// How near slots are to one vector. Borrows both. Threads: any.
class graph_scorer {
public:
  static constexpr std::size_t together_max = std::size_t{2} * graph_links::neighbors_max;

  graph_scorer(const vector_columns& columns, vector_metric metric,
               const graph_target& target) noexcept
    : columns_(columns), target_(target), metric_(metric) {}
  /// To that of a slot.
  graph_scorer(const vector_columns& columns, vector_metric metric, std::uint32_t slot) noexcept
    : graph_scorer(columns, metric,
                   {columns.codes(slot),
                    {columns.unit_scale(slot), columns.unit_residual(slot), columns.norm(slot)}}) {}

  void prefetch(std::uint32_t slot) const noexcept {
    const std::int8_t* codes = columns_.codes(slot);
    for (std::size_t i = 0; i < columns_.stride(); i += code_unit)
      prefetch_line(codes + i);
    prefetch_line(&columns_.unit_scale(slot));
    if (metric_ != vector_metric::cosine)
      prefetch_line(&columns_.norm(slot));
  }
  [[nodiscard]] float of(std::uint32_t slot) const noexcept {
    return score(slot, multiply_codes(target_.codes, columns_.codes(slot), columns_.stride()));
  }
  /// Precondition: together_max at most.
  void of_each(std::span<const std::uint32_t> slots, float* out) const noexcept {
    std::array<const std::int8_t*, together_max> codes{};
    std::array<std::int32_t, together_max> products;
    for (std::size_t i = 0; i < slots.size(); ++i)
      codes[i] = columns_.codes(slots[i]);
    multiply_codes_at(target_.codes, codes.data(), columns_.stride(), slots.size(),
                      products.data());
    for (std::size_t i = 0; i < slots.size(); ++i)
      out[i] = score(slots[i], products[i]);
  }

private:
  [[nodiscard]] float score(std::uint32_t slot, std::int32_t product) const noexcept {
    // Symmetric to the bit: building compares what it has from either side.
    const float scales = target_.form.unit_scale * columns_.unit_scale(slot);
    const float cosine = static_cast<float>(product) * scales;
    if (metric_ == vector_metric::cosine)
      return cosine;
    const double norms = target_.form.norm * columns_.norm(slot);
    const double inner = static_cast<double>(cosine) * norms;
    if (metric_ == vector_metric::inner_product)
      return clamped(inner);
    const double squares =
      target_.form.norm * target_.form.norm + columns_.norm(slot) * columns_.norm(slot);
    return clamped(-std::sqrt(std::max(0.0, squares - 2.0 * inner)));
  }
  [[nodiscard]] static float clamped(double x) noexcept {
    constexpr double largest = std::numeric_limits<float>::max();
    return static_cast<float>(std::clamp(x, -largest, largest));
  }

  const vector_columns& columns_;
  graph_target target_;
  vector_metric metric_;
};

inline std::uint32_t slot_of(const graph_scratch::entry& e) noexcept {
  return e.word & ~graph_scratch::visited;
}

inline void prefetch_row(const graph_links& links, std::uint32_t slot, unsigned level) noexcept {
  const std::uint32_t* row = links.row(slot, level);
  for (std::size_t i = 0; i < links.width(level); i += 64 / sizeof(*row))
    prefetch_line(row + i);
}

/// From where it is, goes on to the best neighbor as long as one is better, down to level `to` + 1.
void descend(const graph_links& links, const graph_scorer& scorer, unsigned from, unsigned to,
             graph_candidate& at) noexcept;

/// Fills scratch.list with what it finds near at one level, from `start` on: `effort.breadth` of
/// them at most. False: visits_max ended it.
bool spread(const graph_links& links, const graph_scorer& scorer, unsigned level,
            const graph_candidate& start, const graph_effort& effort, graph_scratch& scratch);

} // namespace cmem
