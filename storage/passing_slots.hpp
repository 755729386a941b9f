#pragma once
// A filter of concepts, asked of the slots of their vectors.

#include "storage/concept_filter.hpp"
#include "storage/graph_snapshot.hpp"
#include "storage/prefetch.hpp"
#include "storage/vector_columns.hpp"
#include "storage/vector_graph.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace cmem {

/// Borrows everything. Threads: any, as the filter has it.
class passing_slots final : public slot_filter {
public:
  passing_slots(const graph_snapshot& s, const vector_columns& columns,
                const filtered_concepts& passing) noexcept
    : s_(s),
      columns_(columns),
      passing_(passing),
      asks_records_(passing.filter().strength_min > 0.0F || !passing.filter().attributes.empty()) {}

  /// Slots that are not current may pass: who looks at their vector tells them apart.
  [[nodiscard]] bool passes(std::uint32_t slot) const override {
    if (!(columns_.confidence(slot) >= passing_.filter().confidence_min))
      return false;
    if (!passing_.may_contain(columns_.owner(slot)))
      return false;
    return !asks_records_
           || (columns_.is_current(s_, slot) && passing_.contains(columns_.owner(slot)));
  }
  void prefetch(std::uint32_t slot) const override {
    if (asks_records_ && columns_.owner(slot) < s_.index_count())
      prefetch_line(&s_.node(columns_.owner(slot)));
  }
  /// It cannot tell by columns and looked up ids alone.
  [[nodiscard]] bool asks_records() const noexcept { return asks_records_; }
  /// Those that pass and are current, of some that lie evenly: `of` of them, or of all where there
  /// are fewer.
  [[nodiscard]] std::vector<std::uint32_t> sample(std::uint32_t of) const {
    std::vector<std::uint32_t> some;
    const std::uint64_t count = std::min(of, columns_.slots());
    for (std::uint64_t i = 0; i < count; ++i)
      some.push_back(static_cast<std::uint32_t>(i * columns_.slots() / count));
    for (const std::uint32_t slot : some) {
      prefetch_line(&columns_.owner(slot));
      prefetch_line(&columns_.confidence(slot));
      prefetch_line(&columns_.version(slot));
    }
    for (const std::uint32_t slot : some)
      if (columns_.owner(slot) < s_.index_count())
        prefetch_line(&s_.node(columns_.owner(slot)));
    std::erase_if(some,
                  [this](std::uint32_t i) { return !passes(i) || !columns_.is_current(s_, i); });
    return some;
  }

private:
  const graph_snapshot& s_;
  const vector_columns& columns_;
  const filtered_concepts& passing_;
  const bool asks_records_;
};

} // namespace cmem
