#pragma once
// A search for the nearest while it goes on: what its ways of searching share.

#include "storage/concept_filter.hpp"
#include "storage/deadline_watch.hpp"
#include "storage/graph_snapshot.hpp"
#include "storage/nearest.hpp"
#include "storage/vector_scores.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace cmem {

// What ways of searching cost, in slots of a scan.
inline constexpr double slots_per_lookup = 5.0;       ///< of a concept that is known, by its slot
inline constexpr double slots_per_id = 4.0;           ///< to find what it names
inline constexpr double slots_per_listed = 0.2;       ///< to read an id in a list
inline constexpr double slots_per_confidence = 0.05;  ///< to look at no more of a slot
inline constexpr double slots_per_kept = 240.0;       ///< that a search in a graph keeps in view
inline constexpr double slots_per_kept_among = 600.0; ///< the same, among those that pass
inline constexpr double slots_per_kept_recorded = 1300.0; ///< and where that asks records

/// Borrows what it is made of. Threads: one.
class nearest_run {
public:
  nearest_run(const graph_snapshot& snapshot, const nearest_query& q, const vector_scorer& scores,
              search_clock clock);
  nearest_run(const nearest_run&) = delete;
  nearest_run& operator=(const nearest_run&) = delete;

  /// The filter made ready. What its ids name may not be looked up yet.
  [[nodiscard]] const filtered_concepts& passing() const noexcept {
    return own_ ? *own_ : *query.ready;
  }
  void find_named() {
    if (own_)
      own_->find_named();
  }
  /// Drops those that the filter's ids do not name, where the filter cannot tell by itself.
  void keep_named(std::vector<std::uint32_t>& some) const;
  /// What was not looked up yet.
  [[nodiscard]] double ids_to_find() const noexcept;
  /// At most so many of all are named, where that was not looked up yet.
  [[nodiscard]] double named_share() const noexcept;

  /// Compares the vectors of those that pass, as they lie in the snapshot.
  void look_at_vectors(std::span<const std::uint32_t> indices);
  /// False: it is late.
  bool look_at_vector(std::uint32_t index);

  const graph_snapshot& s;
  const nearest_query& query;
  const concept_filter& filter; ///< the query's, or that of what is ready
  const vector_scorer& scorer;
  best_concepts best;
  deadline_watch watch;
  std::vector<std::uint32_t> changed; ///< ascending; in no slot as they are

private:
  std::optional<filtered_concepts> own_; // where the query has none that is ready
};

} // namespace cmem
