#pragma once
// Exact search in columns of codes: what the codes say of a vector's rank is a bound, and only
// vectors whose bound reaches the k-th best are compared themselves.

#include "storage/concept_filter.hpp"
#include "storage/deadline_watch.hpp"
#include "storage/vector_bounds.hpp"
#include "storage/vector_columns.hpp"
#include "storage/vector_scores.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace cmem {

/// One search. Borrows everything; `filter` may be null: all pass. Threads: one.
class vector_scan {
public:
  vector_scan(const graph_snapshot& s, const vector_columns& columns, const vector_scorer& scorer,
              const filtered_concepts* filter, float confidence_min, best_concepts& best,
              deadline_watch& watch);

  /// The query, for a search in a graph. Borrowed from this.
  [[nodiscard]] graph_target target() const noexcept { return bounds_.target(); }
  /// Looks at all slots from this one on, in their order: for filters that let most pass.
  void look_at_all(std::uint32_t first = 0);
  /// The same, best keys first: for filters that let few pass and have to be asked often.
  void look_at_all_best_first();
  /// The same two of those alone that are confident enough, where these are few.
  void look_at_confident();
  void look_at_confident_best_first();
  /// Looks at these concepts alone, through their newest slots; at those whose slot is not current
  /// not at all. Precondition: each once.
  void look_at(std::span<const std::uint32_t> indices);
  void look_at_best_first(std::span<const std::uint32_t> indices);
  /// Looks at these slots alone. Precondition: each once.
  void look_at_slots(std::span<const std::uint32_t> slots);

  /// Adds the slots from this one on that may have this rank or a better one, whether they pass or
  /// not.
  void add_slots_of_rank(std::uint32_t first, double rank, std::vector<std::uint32_t>& slots) const;
  /// About how many slots are confident, from a sample of those that may be.
  [[nodiscard]] double confident_slots() const noexcept;

private:
  struct candidate {
    float key;
    std::uint32_t slot;
  };
  static bool before(const candidate& a, const candidate& b) noexcept {
    return a.key != b.key ? a.key > b.key : a.slot < b.slot;
  }

  void mask_confidences(std::uint32_t first, std::uint32_t count, float* keys) const noexcept;
  bool put_off(std::uint32_t first, std::uint32_t count);
  template <class Visit>
  void for_each_confident(std::uint32_t first, std::uint32_t count, Visit&& visit) const;
  void put_off_slots_of(std::span<const std::uint32_t> indices);
  void put_off_confident();
  [[nodiscard]] bool collect_put_off(); // false: it is late
  void look_at_put_off();
  void look_at_put_off_best_first();
  void collect(const float* keys, std::uint32_t first, std::uint32_t count, float least);
  void consider_collected();
  void consider(std::span<const candidate> some);

  const graph_snapshot& s_;
  const vector_columns& columns_;
  const vector_scorer& scorer_;
  const filtered_concepts* filter_;
  float confidence_min_;
  best_concepts& best_;
  deadline_watch& watch_;
  vector_bounds bounds_;
  std::vector<candidate> collected_;
  std::vector<candidate> promising_;
  std::vector<std::uint32_t> put_off_; // slots that are looked at together, wherever they lie
};

} // namespace cmem
