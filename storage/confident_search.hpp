#pragma once
// The search for the most confident path.

#include "storage/confidence_cost.hpp"
#include "storage/hop_search.hpp"
#include "storage/label_queue.hpp"
#include "storage/path_graph.hpp"
#include "storage/path_search.hpp"
#include "storage/search_budget.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace cmem {

/// Bidirectional Dijkstra (1959; Nicholson 1966) on the lengths of confidence_cost.hpp, over
/// associations of some confidence. The side that has looked at fewer associations goes on, and
/// settles all its labels of one length. It ends when no path as short as the best one known can
/// still come; then every shortest one has a hop from a label that the forward side has settled to
/// one that the backward side has. Labels remember all labels that lead to them at their length, so
/// that of all shortest paths the one of least ids can be told.
///
/// Not Bounded: a concept has one label, its shortest. That is right unless max_depth comes in the
/// way, which run() then says. Bounded: a concept also has labels that are longer but of fewer
/// hops, so that the bound on hops is exact.
///
/// Whatever decides does so by length, never by the order of associations. When the budget is over
/// the best path known so far is returned. Used for one search.
template <class Graph, bool Bounded>
class confident_search {
public:
  struct outcome {
    std::optional<path> found;
    bool depth_matters = false; ///< not Bounded: something better may have been missed
    bool skipped_zeros = false; ///< there were associations of confidence 0
  };

  /// Precondition: source != target, neither barred. Holds references to all but the numbers.
  confident_search(const Graph& g, path_scratch::impl& scratch, search_budget& budget,
                   const path_restriction& restriction, std::uint32_t source, std::uint32_t target)
    : g_(g),
      scratch_(scratch),
      sides_(scratch.labels),
      budget_(budget),
      barred_firsts_(restriction.barred_firsts),
      source_(source) {
    assert(source != target);
    scratch.slots.begin(g.index_count());
    scratch.meetings.clear();
    scratch.pending.clear();
    for (search_label_side& side : sides_) {
      side.labels.clear();
      side.parents.clear();
      side.queue.clear();
    }
    for (const std::uint32_t index : restriction.barred_concepts) {
      bar<forward>(index);
      bar<backward>(index);
    }
    first_[forward] = add<forward>(source, 0, no_label);
    first_[backward] = add<backward>(target, 0, no_label);
  }

  outcome run(std::uint32_t max_depth) {
    max_depth_ = max_depth;
    if (budget_.is_over() || !budget_.reach(2))
      return {};
    settle<forward>(first_[forward]);
    settle<backward>(first_[backward]);
    while (!budget_.is_over() && next_length<forward>() != length_none
           && next_length<backward>() != length_none
           && next_length<forward>() + next_length<backward>() <= best_)
      if (work_[forward] <= work_[backward])
        settle_next<forward>();
      else
        settle_next<backward>();
    outcome o;
    o.depth_matters =
      !Bounded && (dropped_ || (best_ != length_none && hops_of(best_) > max_depth));
    o.skipped_zeros = skipped_zeros_;
    if (best_ != length_none && hops_of(best_) <= max_depth)
      o.found = walk();
    return o;
  }

private:
  template <path_side Side>
  static constexpr path_side other = Side == forward ? backward : forward;
  static constexpr std::uint64_t pop_cost = 8; // about what a label queue takes, in associations
  static constexpr std::uint32_t on_backward = 0x8000'0000U; // in `onward`: a label of that side

  // -- labels

  template <path_side Side>
  std::uint32_t add(std::uint32_t index, path_length length, std::uint32_t older) {
    std::vector<confident_label>& labels = sides_[Side].labels;
    const auto label = static_cast<std::uint32_t>(labels.size());
    labels.push_back({length, index, no_label, older, no_label, false, false});
    scratch_.slots[index].side[Side] = label;
    return label;
  }
  template <path_side Side>
  void bar(std::uint32_t index) {
    sides_[Side].labels[add<Side>(index, 0, no_label)].barred = true;
  }
  template <path_side Side>
  void add_parent(std::uint32_t label, std::uint32_t parent) {
    search_label_side& side = sides_[Side];
    side.parents.push_back({parent, side.labels[label].parents});
    side.labels[label].parents = static_cast<std::uint32_t>(side.parents.size() - 1);
  }

  // -- search

  // The length of the labels to be settled next; length_none when there are none. When the budget
  // is over it may be that of labels that are stale.
  template <path_side Side>
  path_length next_length() {
    std::vector<confident_entry>& queue = sides_[Side].queue;
    while (!queue.empty() && is_stale<Side>(queue.front()) && budget_.spend(pop_cost))
      label_queue::pop(queue);
    return queue.empty() ? length_none : queue.front().length;
  }

  template <path_side Side>
  [[nodiscard]] bool is_stale(const confident_entry& e) const {
    const std::vector<confident_label>& labels = sides_[Side].labels;
    const confident_label& l = labels[e.label];
    if constexpr (!Bounded)
      return l.settled || l.length != e.length;
    // What was settled before is no longer: of as few hops it leaves nothing to gain.
    for (std::uint32_t i = scratch_.slots[l.index].side[Side]; i != no_label; i = labels[i].older)
      if (labels[i].settled && hops_of(labels[i].length) <= hops_of(l.length))
        return true;
    return false;
  }

  // Settles all labels of the least length, unless the budget is over.
  template <path_side Side>
  void settle_next() {
    search_label_side& side = sides_[Side];
    std::vector<std::uint32_t>& group = scratch_.group;
    group.clear();
    for (const path_length length = next_length<Side>(); next_length<Side>() == length;
         label_queue::pop(side.queue)) {
      if (!budget_.spend(pop_cost))
        return;
      group.push_back(side.queue.front().label);
    }
    if (!budget_.reach(group.size()))
      return;
    const auto fetch = [&](std::size_t i, prefetch_step step) {
      if (i < group.size())
        g_.template prefetch<Side>(side.labels[group[i]].index, step);
    };
    for (std::size_t i = 0; i < 9; ++i)
      fetch(i, prefetch_step::list);
    for (std::size_t i = 0; i < 6; ++i)
      fetch(i, prefetch_step::targets);
    for (std::size_t i = 0; i < group.size(); ++i) {
      fetch(i + 9, prefetch_step::list);
      fetch(i + 6, prefetch_step::targets);
      fetch(i + 3, prefetch_step::properties);
      settle<Side>(group[i]);
      if (budget_.is_over())
        return;
    }
  }

  template <path_side Side>
  void settle(std::uint32_t label) {
    confident_label& l = sides_[Side].labels[label];
    l.settled = true;
    radius_[Side] = l.length;
    const std::uint32_t at = l.index; // labels move when one is added
    const path_length length = l.length;
    const std::uint64_t degree = g_.template degree<Side>(at);
    work_[Side] += degree;
    if (!budget_.spend(degree + 1))
      return;
    const bool restricted = !barred_firsts_.empty();
    g_.template for_each_link<Side>(at, [&](std::uint32_t to, float confidence) {
      if (restricted && barred_hop(Side == forward ? at : to, Side == forward ? to : at))
        return;
      if (confidence > 0.0F)
        relax<Side>(label, length + length_of(confidence), to);
      else
        skipped_zeros_ = true;
    });
  }

  [[nodiscard]] bool barred_hop(std::uint32_t from, std::uint32_t to) const noexcept {
    return from == source_ && is_barred(barred_firsts_, to);
  }

  // A way of that length leads from `label` to a concept.
  template <path_side Side>
  void relax(std::uint32_t label, path_length length, std::uint32_t to) {
    if (hops_of(length) > max_depth_) {
      dropped_ = dropped_ || length <= best_;
      return;
    }
    const label_slots::slot known = scratch_.slots[to];
    if (sides_[other<Side>].has(known.side[other<Side>], to))
      meet<Side>(label, length, known.side[other<Side>]);
    // Unless the other side has settled `to`, the rest of the way is as long as its radius.
    if (length + radius_[other<Side>] > best_)
      return;
    if (!sides_[Side].has(known.side[Side], to))
      discover<Side>(label, length, to);
    else
      improve<Side>(label, length, known.side[Side]);
  }

  template <path_side Side>
  void discover(std::uint32_t label, path_length length, std::uint32_t to) {
    if (g_.may_enter(to))
      enqueue<Side>(add<Side>(to, length, no_label), label);
    else
      bar<Side>(to);
  }

  // `newest` is a label of the concept that the way leads to.
  template <path_side Side>
  void improve(std::uint32_t label, path_length length, std::uint32_t newest) {
    std::vector<confident_label>& labels = sides_[Side].labels;
    if constexpr (Bounded) {
      for (std::uint32_t i = newest; i != no_label; i = labels[i].older)
        if (labels[i].length == length)
          return add_parent<Side>(i, label);
        else if (cost_of(labels[i].length) <= cost_of(length)
                 && hops_of(labels[i].length) <= hops_of(length))
          return;
      enqueue<Side>(add<Side>(labels[newest].index, length, newest), label);
    } else if (length == labels[newest].length) {
      add_parent<Side>(newest, label);
    } else if (length < labels[newest].length) {
      labels[newest].length = length;
      labels[newest].parents = no_label;
      enqueue<Side>(newest, label);
    }
  }

  template <path_side Side>
  void enqueue(std::uint32_t label, std::uint32_t parent) {
    add_parent<Side>(label, parent);
    label_queue::push(sides_[Side].queue, {sides_[Side].labels[label].length, label});
  }

  // A way from `label` reaches the concept of a label of the other side.
  template <path_side Side>
  void meet(std::uint32_t label, path_length length, std::uint32_t newest) {
    const std::vector<confident_label>& labels = sides_[other<Side>].labels;
    for (std::uint32_t i = newest; i != no_label; i = labels[i].older) {
      const path_length whole = length + labels[i].length;
      if (labels[i].barred || whole > best_ || (Bounded && hops_of(whole) > max_depth_))
        continue;
      if (whole < best_)
        scratch_.meetings.clear();
      best_ = whole;
      scratch_.meetings.push_back(Side == forward ? confident_meeting{label, i}
                                                  : confident_meeting{i, label});
    }
  }

  // -- the path

  // The least path of the best length: where the search was complete, of all there are, and of
  // those that it knows otherwise. Past the deadline, any of them.
  path walk() {
    if (budget_.end() == traversal_end::deadline || !offer_meetings())
      point_along_any();
    const search_label_side& f = sides_[forward];
    const search_label_side& b = sides_[backward];
    path p;
    p.source = source_;
    p.steps.reserve(hops_of(best_));
    std::uint32_t label = first_[forward];
    while ((label & on_backward) == 0) {
      label = f.labels[label].onward;
      assert(label != no_label);
      go(p, concept_of(label));
    }
    label &= ~on_backward;
    while (label != first_[backward]) {
      label = least_parent(b, label);
      go(p, b.labels[label].index);
    }
    assert(p.hops() == hops_of(best_));
    return p;
  }

  // Labels of the forward side on best paths get to know where the least of them goes on to, from
  // the meetings down to the source. False when the deadline passed first.
  bool offer_meetings() {
    const search_label_side& f = sides_[forward];
    const search_label_side& b = sides_[backward];
    const bool complete = !budget_.is_over();
    for (const confident_meeting& m : scratch_.meetings) {
      if (!budget_.spend(1))
        return false;
      // What is not settled may not know all that lead to it. Others lie on the same paths.
      if (!complete || (f.labels[m.forward].settled && b.labels[m.backward].settled))
        offer(m.forward, m.backward | on_backward);
    }
    while (!scratch_.pending.empty()) {
      const std::uint32_t label = scratch_.pending.back();
      scratch_.pending.pop_back();
      for (std::uint32_t i = f.labels[label].parents; i != no_label; i = f.parents[i].next) {
        if (!budget_.spend(1))
          return false;
        offer(f.parents[i].label, label);
      }
    }
    return true;
  }

  // The same for the labels of one best path, whichever.
  void point_along_any() {
    search_label_side& f = sides_[forward];
    const confident_meeting& m = scratch_.meetings.back();
    f.labels[m.forward].onward = m.backward | on_backward;
    for (std::uint32_t label = m.forward; label != first_[forward];) {
      const std::uint32_t before = f.parents[f.labels[label].parents].label;
      f.labels[before].onward = label;
      label = before;
    }
  }

  void go(path& p, std::uint32_t to) const {
    const std::uint32_t from = p.steps.empty() ? p.source : p.steps.back().index;
    p.steps.push_back(g_.step(from, to));
    p.confidence *= static_cast<double>(p.steps.back().confidence);
  }

  [[nodiscard]] std::uint32_t concept_of(std::uint32_t onward) const {
    return (onward & on_backward) != 0 ? sides_[backward].labels[onward & ~on_backward].index
                                       : sides_[forward].labels[onward].index;
  }

  // Some best path goes from a label of the forward side on to `onward`.
  void offer(std::uint32_t label, std::uint32_t onward) {
    std::uint32_t& known = sides_[forward].labels[label].onward;
    if (known == no_label) {
      known = onward;
      scratch_.pending.push_back(label);
      return;
    }
    const std::uint32_t old_concept = concept_of(known);
    const std::uint32_t new_concept = concept_of(onward);
    if (old_concept == new_concept)
      known = std::max(known, onward); // the backward side, if it is either
    else if (g_.id(new_concept) < g_.id(old_concept))
      known = onward;
  }

  [[nodiscard]] std::uint32_t least_parent(const search_label_side& side,
                                           std::uint32_t label) const {
    std::uint32_t i = side.labels[label].parents;
    std::uint32_t least = side.parents[i].label;
    for (i = side.parents[i].next; i != no_label; i = side.parents[i].next) {
      const std::uint32_t index = side.labels[side.parents[i].label].index;
      if (index != side.labels[least].index && g_.id(index) < g_.id(side.labels[least].index))
        least = side.parents[i].label;
    }
    return least;
  }

  const Graph& g_;
  path_scratch::impl& scratch_;
  std::array<search_label_side, 2>& sides_;
  search_budget& budget_;
  std::span<const std::uint32_t> barred_firsts_;
  std::uint32_t source_;
  std::uint32_t max_depth_ = 0;
  std::array<std::uint32_t, 2> first_{}; // label that a side began with
  std::array<path_length, 2> radius_{};  // of what a side has settled
  std::array<std::uint64_t, 2> work_{};  // associations that a side has looked at
  path_length best_ = length_none;       // of the meetings
  bool dropped_ = false; // a way that max_depth forbids, and that may have been best
  bool skipped_zeros_ = false;
};

} // namespace cmem
