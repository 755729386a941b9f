#include "storage/path_search.hpp"

#include "storage/limits.hpp"

#include <algorithm>
#include <cassert>

namespace cmem {

namespace {

constexpr std::size_t forward = 0;  // from the source, along out()
constexpr std::size_t backward = 1; // from the target, along in()

template <std::size_t Side>
adjacency_list associations(const graph_snapshot& s, std::uint32_t index) noexcept {
  if constexpr (Side == forward)
    return s.out(index);
  else
    return s.in(index);
}

template <class F>
bool any_target(const adjacency_list& list, F&& f) {
  for (std::uint32_t i = 0; i < list.chunk_count(); ++i)
    for (const std::uint32_t t : list.targets(i))
      if (f(t))
        return true;
  return false;
}

bool contains(std::span<const std::uint32_t> all, std::uint32_t index) noexcept {
  return std::find(all.begin(), all.end(), index) != all.end();
}

class least_id {
public:
  explicit least_id(const graph_snapshot& s) noexcept : s_(s) {}

  void offer(std::uint32_t index) noexcept {
    if (index_ == none || s_.node(index).id < s_.node(index_).id)
      index_ = index;
  }
  [[nodiscard]] std::uint32_t index() const noexcept {
    assert(index_ != none);
    return index_;
  }

private:
  static constexpr std::uint32_t none = 0xFFFF'FFFFU;
  static_assert(none >= concepts_max);

  const graph_snapshot& s_;
  std::uint32_t index_ = none;
};

// One search. Both sides go whole levels at a time. When an expansion first reaches a concept of
// the other side, that one is of the other side's last level: were it of an earlier one, the sides
// would have met before. So the marks to look for are known exactly.
class bidirectional_search {
public:
  bidirectional_search(const graph_snapshot& s, path_scratch::impl& scratch,
                       const path_restriction& restriction, std::uint32_t source,
                       std::uint32_t target)
    : s_(s),
      marks_(scratch.marks),
      sides_(scratch.sides),
      on_path_(scratch.on_path),
      barred_firsts_(restriction.barred_firsts),
      placeholders_(s.placeholder_count() > 0),
      source_(source) {
    marks_.begin(s.index_count());
    for (const std::uint32_t index : restriction.barred_concepts)
      marks_[index].side = {marks_.at_level(search_marks::barred),
                            marks_.at_level(search_marks::barred)};
    start<forward>(source);
    start<backward>(target);
    on_path_[0].clear();
  }

  std::optional<path> run(std::uint32_t max_depth) {
    const search_side& f = sides_[forward];
    const search_side& b = sides_[backward];
    while (on_path_[0].empty()) {
      const std::uint32_t depth = f.depth() + b.depth();
      if (depth >= max_depth || f.level(f.depth()).empty() || b.level(b.depth()).empty())
        return std::nullopt;
      only_meetings_ = depth + 1 == max_depth;
      if (f.level_cost.back() <= b.level_cost.back())
        expand<forward>();
      else
        expand<backward>();
    }
    mark_down();
    return walk();
  }

private:
  template <std::size_t Side>
  void start(std::uint32_t index) {
    search_side& side = sides_[Side];
    side.reached.assign(1, index);
    side.level_begin.assign(1, 0);
    side.level_cost.assign(1, associations<Side>(s_, index).size());
    marks_[index].side[Side] = marks_.at_level(0);
  }

  // Expands the last level of a side and adds the next one, which is empty when only_meetings_ said
  // so. If it meets the other side it adds none: on_path_[0] then has those of the forward side's
  // last level that lie on shortest paths.
  template <std::size_t Side>
  void expand() {
    search_side& side = sides_[Side];
    const std::size_t end = side.reached.size();
    meeting_ = marks_.at_level(sides_[1 - Side].depth());
    next_ = marks_.at_level(side.depth() + 1);
    for (std::size_t i = side.level_begin.back(); i < end; ++i)
      visit<Side>(side.reached[i]);
    if (!on_path_[0].empty()) {
      side.reached.resize(end); // part of a level, of no use
      return;
    }
    std::uint64_t cost = 0;
    for (std::size_t i = end; i < side.reached.size(); ++i)
      cost += associations<Side>(s_, side.reached[i]).size();
    side.level_begin.push_back(end);
    side.level_cost.push_back(cost);
  }

  template <std::size_t Side>
  void visit(std::uint32_t from) {
    const bool restricted = !barred_firsts_.empty();
    const adjacency_list list = associations<Side>(s_, from);
    for (std::uint32_t c = 0; c < list.chunk_count(); ++c)
      for (const std::uint32_t to : list.targets(c)) {
        if (restricted && barred_hop(Side == forward ? from : to, Side == forward ? to : from))
          continue;
        search_marks::mark& m = marks_[to];
        if (m.side[1 - Side] == meeting_) {
          only_meetings_ = true;
          const std::uint32_t met = Side == forward ? from : to; // the one on the forward side
          marks_[met].side[forward] |= search_marks::on_path;
          on_path_[0].push_back(met);
          if (Side == forward)
            return; // `from` is on a shortest path: that was the question
        } else if (!only_meetings_ && !marks_.reached(m.side[Side])) {
          reach<Side>(to, m);
        }
      }
  }

  [[nodiscard]] bool barred_hop(std::uint32_t from, std::uint32_t to) const noexcept {
    return from == source_ && contains(barred_firsts_, to);
  }

  template <std::size_t Side>
  void reach(std::uint32_t index, search_marks::mark& m) {
    if (placeholders_ && !s_.is_learned(index)) {
      m.side[Side] = marks_.at_level(search_marks::barred);
      return;
    }
    m.side[Side] = next_;
    sides_[Side].reached.push_back(index);
  }

  // Marks what lies on shortest paths, from the forward side's last level down to level 1. Either
  // way of looking at a level would do: the one with fewer associations is taken, so that this
  // costs no more than the search did.
  void mark_down() {
    const search_side& side = sides_[forward];
    for (std::uint32_t level = side.depth(); level > 1; --level) {
      std::vector<std::uint32_t>& above = on_path_[1];
      above.clear();
      const std::uint32_t wanted = marks_.at_level(level - 1);
      const auto take = [&](std::uint32_t index) {
        marks_[index].side[forward] |= search_marks::on_path;
        above.push_back(index);
      };
      std::uint64_t cost = 0;
      for (const std::uint32_t index : on_path_[0])
        cost += s_.in(index).size();
      if (cost <= side.level_cost[level - 1]) {
        for (const std::uint32_t index : on_path_[0])
          s_.in(index).for_each_target([&](std::uint32_t t) {
            if (marks_[t].side[forward] == wanted)
              take(t);
          });
      } else {
        const std::uint32_t marked = marks_.at_level(level) | search_marks::on_path;
        for (const std::uint32_t index : side.level(level - 1))
          if (any_target(s_.out(index),
                         [&](std::uint32_t t) { return marks_[t].side[forward] == marked; }))
            take(index);
      }
      std::swap(on_path_[0], on_path_[1]);
    }
  }

  // From the source on, always to the least id: up the forward side's marked levels, then down the
  // backward side's.
  path walk() {
    const std::uint32_t forward_hops = sides_[forward].depth();
    const std::uint32_t hops = forward_hops + 1 + sides_[backward].depth();
    path p;
    p.source = source_;
    p.steps.reserve(hops);
    std::uint32_t at = source_;
    for (std::uint32_t hop = 1; hop <= hops; ++hop) {
      const std::uint32_t next =
        hop <= forward_hops ? least_marked(at, hop) : least_backward(at, hops - hop);
      p.steps.push_back(step_between(s_, at, next));
      p.confidence *= static_cast<double>(p.steps.back().confidence);
      at = next;
    }
    return p;
  }

  [[nodiscard]] std::uint32_t least_marked(std::uint32_t at, std::uint32_t level) {
    const std::uint32_t wanted = marks_.at_level(level) | search_marks::on_path;
    least_id least{s_};
    s_.out(at).for_each_target([&](std::uint32_t t) {
      if (marks_[t].side[forward] == wanted)
        least.offer(t);
    });
    return least.index();
  }

  // The associations of `at` were not looked at by the search, and may be many: those of the level
  // were.
  [[nodiscard]] std::uint32_t least_backward(std::uint32_t at, std::uint32_t level) {
    const search_side& side = sides_[backward];
    const std::uint32_t wanted = marks_.at_level(level);
    least_id least{s_};
    if (s_.out(at).size() <= side.level_cost[level]) {
      s_.out(at).for_each_target([&](std::uint32_t t) {
        if (marks_[t].side[backward] == wanted && !barred_hop(at, t))
          least.offer(t);
      });
    } else {
      for (const std::uint32_t index : side.level(level))
        if (!barred_hop(at, index)
            && any_target(s_.in(index), [&](std::uint32_t t) { return t == at; }))
          least.offer(index);
    }
    return least.index();
  }

  const graph_snapshot& s_;
  search_marks& marks_;
  std::array<search_side, 2>& sides_;
  std::array<std::vector<std::uint32_t>, 2>& on_path_;
  std::span<const std::uint32_t> barred_firsts_;
  bool placeholders_;
  std::uint32_t source_;
  // of the running expansion
  std::uint32_t meeting_ = 0;  // word of what the other side reached last
  std::uint32_t next_ = 0;     // word of what this side reaches now
  bool only_meetings_ = false; // nothing else is of interest any more
};

} // namespace

std::optional<path> search_path(const graph_snapshot& s, std::uint32_t source, std::uint32_t target,
                                std::uint32_t max_depth, path_scratch& scratch,
                                const path_restriction& restriction) {
  assert(source < s.index_count() && s.is_learned(source));
  assert(target < s.index_count() && s.is_learned(target));
  assert(max_depth <= path_depth_max);
  assert(!contains(restriction.barred_concepts, source));
  assert(!contains(restriction.barred_concepts, target));
  if (source == target)
    return path{source, {}, 1.0};
  return bidirectional_search(s, scratch.get(), restriction, source, target).run(max_depth);
}

} // namespace cmem
