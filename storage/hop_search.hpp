#pragma once
// The search for a path of fewest hops.

#include "storage/path_graph.hpp"
#include "storage/path_search.hpp"
#include "storage/search_budget.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace cmem {

/// Least of the concepts offered, by id.
template <class Graph>
class least_id {
public:
  explicit least_id(const Graph& g) noexcept : g_(g) {}

  void offer(std::uint32_t index) noexcept {
    if (index_ == no_label || (index != index_ && g_.id(index) < g_.id(index_)))
      index_ = index;
  }
  [[nodiscard]] std::uint32_t index() const noexcept { return index_; } ///< no_label: none was

private:
  const Graph& g_;
  std::uint32_t index_ = no_label;
};

/// Bidirectional breadth-first search that expands the side whose frontier has fewer associations
/// (Pohl 1971). Both sides go whole levels at a time. When an expansion first reaches a concept of
/// the other side, that one is of the other side's last level: were it of an earlier one, the sides
/// would have met before. So the marks to look for are known exactly. Finding the path of least ids
/// costs at most about as much again as finding that there is one.
///
/// A level that has more concepts than the budget allows is searched for meetings all the same, so
/// that the answer does not depend on the order of associations. Used for one search.
template <class Graph>
class hop_search {
public:
  /// Precondition: source != target, neither barred. Holds references to all but the numbers.
  hop_search(const Graph& g, path_scratch::impl& scratch, search_budget& budget,
             const path_restriction& restriction, std::uint32_t source, std::uint32_t target)
    : g_(g),
      marks_(scratch.marks),
      sides_(scratch.levels),
      on_path_(scratch.on_path),
      budget_(budget),
      barred_firsts_(restriction.barred_firsts),
      source_(source) {
    assert(source != target);
    marks_.begin(g.index_count());
    for (const std::uint32_t index : restriction.barred_concepts)
      marks_[index].side = {marks_.at_level(search_marks::barred),
                            marks_.at_level(search_marks::barred)};
    start<forward>(source);
    start<backward>(target);
    on_path_[0].clear();
  }

  /// The path; nullopt when there is none, or the budget was over first.
  std::optional<path> run(std::uint32_t max_depth) {
    const search_level_side& f = sides_[forward];
    const search_level_side& b = sides_[backward];
    if (budget_.is_over() || !budget_.reach(2))
      return std::nullopt;
    while (on_path_[0].empty()) {
      const std::uint32_t depth = f.depth() + b.depth();
      if (depth >= max_depth || f.level(f.depth()).empty() || b.level(b.depth()).empty())
        return std::nullopt;
      only_meetings_ = depth + 1 == max_depth;
      const bool goes_on =
        f.level_cost.back() <= b.level_cost.back() ? expand<forward>() : expand<backward>();
      if (!goes_on)
        return std::nullopt;
    }
    if (!mark_down())
      return std::nullopt;
    return walk();
  }

private:
  template <path_side Side>
  static constexpr path_side other = Side == forward ? backward : forward;
  static constexpr std::size_t fetched_at_once = 64; // lists of a new level
  static constexpr std::size_t paid_at_once = 64;    // concepts of a new level
  static constexpr std::size_t ahead = 8;            // the others, before they are read

  template <path_side Side>
  void start(std::uint32_t index) {
    search_level_side& side = sides_[Side];
    side.reached.assign(1, index);
    side.level_begin.assign(1, 0);
    side.level_cost.assign(1, g_.template degree<Side>(index));
    marks_[index].side[Side] = marks_.at_level(0);
  }

  // Expands the last level of a side and adds the next one, which is empty when only_meetings_ said
  // so. If it meets the other side it adds none: on_path_[0] then has those of the forward side's
  // last level that lie on shortest paths. False when the budget is over.
  template <path_side Side>
  bool expand() {
    search_level_side& side = sides_[Side];
    const std::size_t end = side.reached.size();
    meeting_ = marks_.at_level(sides_[other<Side>].depth());
    next_ = marks_.at_level(side.depth() + 1);
    for (std::size_t i = side.level_begin.back(); i < end; ++i) {
      if (i + ahead < end && i + ahead - side.level_begin.back() >= fetched_at_once)
        g_.template prefetch<Side>(side.reached[i + ahead], prefetch_step::targets);
      if (!pay<Side>(side.reached[i]))
        return false;
      visit<Side>(side.reached[i]);
      only_meetings_ = only_meetings_ || side.reached.size() - end > budget_.room();
    }
    if (!on_path_[0].empty()) {
      side.reached.resize(end); // part of a level, of no use
      return true;
    }
    std::uint64_t cost = 0;
    for (std::size_t i = end; i < side.reached.size(); ++i) {
      if ((i - end) % paid_at_once == 0 && !budget_.spend(paid_at_once))
        return false;
      cost += g_.template degree<Side>(side.reached[i]);
      if (i - end < fetched_at_once)
        g_.template prefetch<Side>(side.reached[i], prefetch_step::targets);
    }
    side.level_begin.push_back(end);
    side.level_cost.push_back(cost);
    return budget_.reach(side.reached.size() - end);
  }

  // For a look at all associations of a concept, and at itself: it may have none.
  template <path_side Side>
  bool pay(std::uint32_t index) {
    return budget_.spend(std::uint64_t{1} + g_.template degree<Side>(index));
  }

  template <path_side Side>
  void visit(std::uint32_t from) {
    const bool restricted = !barred_firsts_.empty();
    g_.template any_target<Side>(from, [&](std::uint32_t to) {
      if (restricted && barred_hop(Side == forward ? from : to, Side == forward ? to : from))
        return false;
      search_marks::mark& m = marks_[to];
      if (m.side[other<Side>] == meeting_) {
        only_meetings_ = true;
        std::uint32_t& met = Side == forward ? marks_[from].side[forward] : m.side[forward];
        if ((met & search_marks::on_path) == 0) {
          met |= search_marks::on_path;
          on_path_[0].push_back(Side == forward ? from : to);
        }
        return Side == forward; // `from` is on a shortest path: that was the question
      }
      if (!only_meetings_ && !marks_.reached(m.side[Side]))
        reach<Side>(to, m);
      return false;
    });
  }

  [[nodiscard]] bool barred_hop(std::uint32_t from, std::uint32_t to) const noexcept {
    return from == source_ && is_barred(barred_firsts_, to);
  }

  template <path_side Side>
  void reach(std::uint32_t index, search_marks::mark& m) {
    if (!g_.may_enter(index)) {
      m.side[Side] = marks_.at_level(search_marks::barred);
      return;
    }
    m.side[Side] = next_;
    sides_[Side].reached.push_back(index);
    g_.template prefetch<Side>(index, prefetch_step::list); // its degree is asked for soon
  }

  // Marks what lies on shortest paths, from the forward side's last level down to level 1. Either
  // way of looking at a level would do: the one with fewer associations is taken, so that this
  // costs no more than the search did. False when the budget is over.
  bool mark_down() {
    const search_level_side& side = sides_[forward];
    for (std::uint32_t level = side.depth(); level > 1; --level) {
      std::vector<std::uint32_t>& above = on_path_[1];
      above.clear();
      const std::uint32_t wanted = marks_.at_level(level - 1);
      const auto take = [&](std::uint32_t index) {
        marks_[index].side[forward] |= search_marks::on_path;
        above.push_back(index);
      };
      std::uint64_t cost = 0;
      for (const std::uint32_t index : on_path_[0]) {
        if (!budget_.spend(1))
          return false;
        cost += g_.template degree<backward>(index);
      }
      if (cost <= side.level_cost[level - 1]) {
        for (const std::uint32_t index : on_path_[0]) {
          if (!pay<backward>(index))
            return false;
          g_.template any_target<backward>(index, [&](std::uint32_t t) {
            if (marks_[t].side[forward] == wanted)
              take(t);
            return false;
          });
        }
      } else {
        const std::uint32_t marked = marks_.at_level(level) | search_marks::on_path;
        for (const std::uint32_t index : side.level(level - 1)) {
          if (!pay<forward>(index))
            return false;
          if (g_.template any_target<forward>(
                index, [&](std::uint32_t t) { return marks_[t].side[forward] == marked; }))
            take(index);
        }
      }
      std::swap(on_path_[0], on_path_[1]);
    }
    return true;
  }

  // From the source on, always to the least id: up the forward side's marked levels, then down the
  // backward side's. nullopt when the budget is over.
  std::optional<path> walk() {
    const std::uint32_t forward_hops = sides_[forward].depth();
    const std::uint32_t hops = forward_hops + 1 + sides_[backward].depth();
    path p;
    p.source = source_;
    p.steps.reserve(hops);
    std::uint32_t at = source_;
    for (std::uint32_t hop = 1; hop <= hops; ++hop) {
      const std::uint32_t next =
        hop <= forward_hops ? least_marked(at, hop) : least_backward(at, hops - hop);
      if (budget_.is_over())
        return std::nullopt;
      assert(next != no_label);
      p.steps.push_back(g_.step(at, next));
      p.confidence *= static_cast<double>(p.steps.back().confidence);
      at = next;
    }
    return p;
  }

  [[nodiscard]] std::uint32_t least_marked(std::uint32_t at, std::uint32_t level) {
    const std::uint32_t wanted = marks_.at_level(level) | search_marks::on_path;
    least_id<Graph> least{g_};
    (void) pay<forward>(at);
    g_.template any_target<forward>(at, [&](std::uint32_t t) {
      if (marks_[t].side[forward] == wanted)
        least.offer(t);
      return false;
    });
    return least.index();
  }

  // The associations of `at` were not looked at by the search, and may be many: those of the level
  // were.
  [[nodiscard]] std::uint32_t least_backward(std::uint32_t at, std::uint32_t level) {
    const search_level_side& side = sides_[backward];
    const std::uint32_t wanted = marks_.at_level(level);
    least_id<Graph> least{g_};
    if (g_.template degree<forward>(at) <= side.level_cost[level]) {
      (void) pay<forward>(at);
      g_.template any_target<forward>(at, [&](std::uint32_t t) {
        if (marks_[t].side[backward] == wanted && !barred_hop(at, t))
          least.offer(t);
        return false;
      });
    } else {
      for (const std::uint32_t index : side.level(level)) {
        if (!pay<backward>(index))
          break;
        if (!barred_hop(at, index)
            && g_.template any_target<backward>(index, [&](std::uint32_t t) { return t == at; }))
          least.offer(index);
      }
    }
    return least.index();
  }

  const Graph& g_;
  search_marks& marks_;
  std::array<search_level_side, 2>& sides_;
  std::array<std::vector<std::uint32_t>, 2>& on_path_;
  search_budget& budget_;
  std::span<const std::uint32_t> barred_firsts_;
  std::uint32_t source_;
  // of the running expansion
  std::uint32_t meeting_ = 0;  // word of what the other side reached last
  std::uint32_t next_ = 0;     // word of what this side reaches now
  bool only_meetings_ = false; // nothing else is of interest any more
};

} // namespace cmem
