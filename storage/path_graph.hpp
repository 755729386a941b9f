#pragma once
// Graphs as path searches walk them. A search is a template over one of these, so that what a query
// does not ask for costs it nothing; benchmarks run the same searches on a static array.
//
// A graph has two sides: `forward` leads the way that a path goes, `backward` against it. It offers
//   degree<Side>(i)          associations that a walk over them looks at
//   any_target<Side>(i, f)   f(target) for the other ends of those that pass, until it returns true
//   for_each_link<Side>(i,f) f(target, confidence) for those that pass
//   prefetch<Side>(i, step)  fetches what a walk over them reads: each step some time after the
//   last may_enter(i)             whether a path may lead through it id(i) step(from, to) the
//   association that a path shows there index_count()
// Parallel associations come up one by one.

#include "storage/graph_snapshot.hpp"
#include "storage/paths.hpp"
#include "storage/traversal.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace cmem {

enum path_side : std::size_t { forward = 0, backward = 1 };

enum class prefetch_step : std::uint8_t { list, targets, properties };

/// Whether `a` is shown rather than `b`, of associations between the same two concepts: the most
/// confident, then the least kind, then the one that leads the way the path goes.
[[nodiscard]] inline bool shown_before(const path_step& a, const path_step& b) noexcept {
  if (a.confidence != b.confidence)
    return a.confidence > b.confidence;
  return a.kind != b.kind ? a.kind < b.kind : a.along < b.along;
}

inline void prefetch_list(const graph_snapshot& s, std::uint32_t i, bool outgoing,
                          prefetch_step step) noexcept {
  if (step == prefetch_step::list)
    return outgoing ? s.prefetch_out(i) : s.prefetch_in(i);
  const adjacency_list list = outgoing ? s.out(i) : s.in(i);
  return step == prefetch_step::targets ? list.prefetch() : list.prefetch_properties<false>();
}

/// Outgoing associations of a snapshot, all of them. Holds a reference.
class open_graph {
public:
  explicit open_graph(const graph_snapshot& s) noexcept
    : s_(s), placeholders_(s.placeholder_count() > 0) {}

  [[nodiscard]] std::uint32_t index_count() const noexcept { return s_.index_count(); }
  template <path_side Side>
  [[nodiscard]] std::uint32_t degree(std::uint32_t i) const noexcept {
    return list<Side>(i).size();
  }
  template <path_side Side, class F>
  bool any_target(std::uint32_t i, F&& f) const {
    return list<Side>(i).any_targets([&f](std::span<const std::uint32_t> all) {
      for (const std::uint32_t t : all)
        if (f(t))
          return true;
      return false;
    });
  }
  template <path_side Side, class F>
  void for_each_link(std::uint32_t i, F&& f) const {
    list<Side>(i).for_each_chunk([&f](const adjacency_chunk& c) {
      for (std::size_t j = 0; j < c.targets.size(); ++j)
        f(c.targets[j], c.confidence[j]);
    });
  }
  template <path_side Side>
  void prefetch(std::uint32_t i, prefetch_step step) const noexcept {
    prefetch_list(s_, i, Side == forward, step);
  }
  [[nodiscard]] bool may_enter(std::uint32_t i) const noexcept {
    return !placeholders_ || s_.is_learned(i);
  }
  [[nodiscard]] const concept_id& id(std::uint32_t i) const noexcept { return s_.node(i).id; }
  [[nodiscard]] path_step step(std::uint32_t from, std::uint32_t to) const;

private:
  template <path_side Side>
  [[nodiscard]] adjacency_list list(std::uint32_t i) const noexcept {
    if constexpr (Side == forward)
      return s_.out(i);
    else
      return s_.in(i);
  }

  const graph_snapshot& s_;
  bool placeholders_;
};

/// What of a snapshot passes a filter. Holds references to both.
class filtered_graph {
public:
  filtered_graph(const graph_snapshot& s, const traversal_filter& f) noexcept
    : s_(s),
      filter_(f),
      placeholders_(s.placeholder_count() > 0),
      by_kind_(!f.kinds.empty()),
      by_confidence_(f.confidence_min > 0.0F) {}

  [[nodiscard]] std::uint32_t index_count() const noexcept { return s_.index_count(); }
  template <path_side Side>
  [[nodiscard]] std::uint32_t degree(std::uint32_t i) const noexcept {
    return (uses_out<Side>() ? s_.out(i).size() : 0) + (uses_in<Side>() ? s_.in(i).size() : 0);
  }
  template <path_side Side, class F>
  bool any_target(std::uint32_t i, F&& f) const {
    return (uses_out<Side>() && any_target_of(s_.out(i), f))
           || (uses_in<Side>() && any_target_of(s_.in(i), f));
  }
  template <path_side Side, class F>
  void for_each_link(std::uint32_t i, F&& f) const {
    const auto visit = [&](const adjacency_chunk& c) {
      for (std::size_t j = 0; j < c.targets.size(); ++j)
        if (passes(c, j))
          f(c.targets[j], c.confidence[j]);
    };
    if (uses_out<Side>())
      s_.out(i).for_each_chunk(visit);
    if (uses_in<Side>())
      s_.in(i).for_each_chunk(visit);
  }
  template <path_side Side>
  void prefetch(std::uint32_t i, prefetch_step step) const noexcept {
    if (uses_out<Side>())
      prefetch_list(s_, i, true, step);
    if (uses_in<Side>())
      prefetch_list(s_, i, false, step);
  }
  [[nodiscard]] bool may_enter(std::uint32_t i) const noexcept {
    return (!placeholders_ || s_.is_learned(i))
           && (filter_.strength_min <= 0.0F || s_.at(i).strength() >= filter_.strength_min);
  }
  [[nodiscard]] const concept_id& id(std::uint32_t i) const noexcept { return s_.node(i).id; }
  [[nodiscard]] path_step step(std::uint32_t from, std::uint32_t to) const;

private:
  template <path_side Side>
  [[nodiscard]] bool uses_out() const noexcept {
    return filter_.along != (Side == forward ? direction::incoming : direction::outgoing);
  }
  template <path_side Side>
  [[nodiscard]] bool uses_in() const noexcept {
    return filter_.along != (Side == forward ? direction::outgoing : direction::incoming);
  }
  [[nodiscard]] bool passes(const adjacency_chunk& c, std::size_t j) const noexcept {
    return (!by_confidence_ || c.confidence[j] >= filter_.confidence_min)
           && (!by_kind_ || filter_.kinds.contains(c.kind[j]));
  }
  template <class F>
  bool any_target_of(const adjacency_list& list, F& f) const {
    if (!by_kind_ && !by_confidence_)
      return list.any_targets([&f](std::span<const std::uint32_t> all) {
        for (const std::uint32_t t : all)
          if (f(t))
            return true;
        return false;
      });
    return list.any_chunk([&](const adjacency_chunk& c) {
      for (std::size_t j = 0; j < c.targets.size(); ++j)
        if (passes(c, j) && f(c.targets[j]))
          return true;
      return false;
    });
  }

  const graph_snapshot& s_;
  const traversal_filter& filter_;
  bool placeholders_;
  bool by_kind_;
  bool by_confidence_;
};

} // namespace cmem
