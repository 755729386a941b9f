#pragma once
// What a traversal_filter lets through, one concept at a time, under a deadline.

#include "storage/deadline_watch.hpp"
#include "storage/graph_snapshot.hpp"
#include "storage/traversal.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace cmem {

/// Borrows snapshot and filter.
class filtered_walk {
public:
  filtered_walk(const graph_snapshot& s, const traversal_filter& f) noexcept
    : s_(s),
      filter_(f),
      any_association_(f.kinds.empty() && f.confidence_min <= 0.0F),
      any_concept_(s.placeholder_count() == 0 && f.strength_min <= 0.0F) {}

  /// Whether the concept may be entered. Reads its record only where that is in question.
  [[nodiscard]] bool enters(std::uint32_t index) const noexcept {
    return any_concept_
           || (s_.is_learned(index)
               && (filter_.strength_min <= 0.0F
                   || s_.at(index).strength() >= filter_.strength_min));
  }
  [[nodiscard]] bool passes(kind_id kind, float confidence) const noexcept {
    return any_association_
           || (confidence >= filter_.confidence_min
               && (filter_.kinds.empty() || filter_.kinds.contains(kind)));
  }

  /// Calls visit(const adjacency_chunk&, std::size_t i, direction) for each association that passes
  /// and leads from `from` as filter.along has it, until it returns true; with direction::both a
  /// self-loop comes once. Ends as well when the watch says so. The other ends need not be entered.
  /// Returns true if either ended it.
  template <class Visit>
  bool any_association(std::uint32_t from, deadline_watch& watch, Visit&& visit) const {
    return any_list(from, [&](const adjacency_list& list, direction along) {
      const bool no_loops = along == direction::incoming && filter_.along == direction::both;
      return list.any_chunk([&](const adjacency_chunk& c) {
        for (std::size_t i = 0; i < c.targets.size(); ++i)
          if (passes(c.kind[i], c.confidence[i]) && !(no_loops && c.targets[i] == from)
              && visit(c, i, along))
            return true;
        return watch.passed(c.targets.size());
      });
    });
  }
  /// The same with the other ends alone, visit(std::uint32_t): touches no properties unless the
  /// filter asks for them. A self-loop may come twice.
  template <class Visit>
  bool any_end(std::uint32_t from, deadline_watch& watch, Visit&& visit) const {
    if (!any_association_)
      return any_association(from, watch, [&](const adjacency_chunk& c, std::size_t i, direction) {
        return visit(c.targets[i]);
      });
    return any_list(from, [&](const adjacency_list& list, direction) {
      return list.any_targets([&](std::span<const std::uint32_t> targets) {
        for (const std::uint32_t t : targets)
          if (visit(t))
            return true;
        return watch.passed(targets.size());
      });
    });
  }

private:
  template <class F>
  bool any_list(std::uint32_t from, F&& f) const {
    return (filter_.along != direction::incoming && f(s_.out(from), direction::outgoing))
           || (filter_.along != direction::outgoing && f(s_.in(from), direction::incoming));
  }

  const graph_snapshot& s_;
  const traversal_filter& filter_;
  bool any_association_; // passes
  bool any_concept_;     // may be entered
};

} // namespace cmem
