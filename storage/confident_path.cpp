#include "storage/confident_path.hpp"

#include "storage/limits.hpp"
#include "storage/path_search.hpp"

#include <algorithm>
#include <cassert>

namespace cmem {

namespace {

// Orders a heap: true when `a` is to be settled after `b`.
struct settled_later {
  bool operator()(const confident_label& a, const confident_label& b) const noexcept {
    return a.confidence != b.confidence ? a.confidence < b.confidence : a.hops > b.hops;
  }
};

// Labels are settled by falling confidence, of equal ones by hops. So one is worth keeping if and
// only if it has fewer hops than all that were settled before it at the same concept. Marks hold
// these fewest hops.
class confident_search {
public:
  confident_search(const graph_snapshot& s, path_scratch::impl& scratch)
    : s_(s), scratch_(scratch), marks_(scratch.marks), placeholders_(s.placeholder_count() > 0) {
    marks_.begin(s.index_count());
    if (scratch.last_label_capacity < marks_.capacity()) {
      scratch.last_label = std::make_unique_for_overwrite<std::uint32_t[]>(marks_.capacity());
      scratch.last_label_capacity = marks_.capacity();
    }
    scratch.queue.clear();
    scratch.settled.clear();
  }

  std::optional<path> run(std::uint32_t source, std::uint32_t target, std::uint32_t max_depth) {
    push({1.0, target, 0, no_label});
    while (!scratch_.queue.empty()) {
      const confident_label best = pop();
      if (!settle(best))
        continue;
      if (best.index == source)
        return walk(best);
      if (best.hops < max_depth)
        expand(best);
    }
    return std::nullopt;
  }

private:
  void push(const confident_label& l) {
    scratch_.queue.push_back(l);
    std::push_heap(scratch_.queue.begin(), scratch_.queue.end(), settled_later{});
  }

  confident_label pop() {
    std::pop_heap(scratch_.queue.begin(), scratch_.queue.end(), settled_later{});
    const confident_label best = scratch_.queue.back();
    scratch_.queue.pop_back();
    return best;
  }

  // Whether as few hops, or fewer, are settled at the concept already.
  [[nodiscard]] bool beaten(std::uint32_t index, std::uint32_t hops) noexcept {
    const std::uint32_t word = marks_[index].side[0];
    return marks_.reached(word) && (word & search_marks::level_mask) <= hops;
  }

  bool settle(confident_label l) {
    if (beaten(l.index, l.hops))
      return false;
    std::uint32_t& word = marks_[l.index].side[0];
    l.previous = marks_.reached(word) ? scratch_.last_label[l.index] : no_label;
    scratch_.settled.push_back(l);
    scratch_.last_label[l.index] = static_cast<std::uint32_t>(scratch_.settled.size() - 1);
    word = marks_.at_level(l.hops);
    return true;
  }

  void expand(const confident_label& l) {
    const adjacency_list list = s_.in(l.index);
    for (std::uint32_t i = 0; i < list.chunk_count(); ++i) {
      const adjacency_chunk c = list.chunk(i);
      for (std::size_t j = 0; j < c.targets.size(); ++j) {
        const std::uint32_t from = c.targets[j];
        if (!beaten(from, l.hops + 1) && (!placeholders_ || s_.is_learned(from)))
          push({static_cast<double>(c.confidence[j]) * l.confidence, from, l.hops + 1, no_label});
      }
    }
  }

  // The confidence of the one way of that many hops that was settled at the concept; -1 when none
  // was.
  [[nodiscard]] double settled_confidence(std::uint32_t index, std::uint32_t hops) noexcept {
    if (!marks_.reached(marks_[index].side[0]))
      return -1.0;
    for (std::uint32_t i = scratch_.last_label[index]; i != no_label;
         i = scratch_.settled[i].previous)
      if (scratch_.settled[i].hops == hops)
        return scratch_.settled[i].confidence;
    return -1.0;
  }

  path walk(const confident_label& found) {
    path p;
    p.source = found.index;
    p.steps.reserve(found.hops);
    confident_label at = found;
    while (at.hops > 0) {
      at = least_next(at);
      p.steps.push_back(
        step_between(s_, p.steps.empty() ? p.source : p.steps.back().index, at.index));
      p.confidence *= static_cast<double>(p.steps.back().confidence);
    }
    return p;
  }

  // The concept of least id that the way of `at` may go on to.
  [[nodiscard]] confident_label least_next(const confident_label& at) {
    confident_label least{-1.0, 0, at.hops - 1, no_label};
    const adjacency_list list = s_.out(at.index);
    for (std::uint32_t i = 0; i < list.chunk_count(); ++i) {
      const adjacency_chunk c = list.chunk(i);
      for (std::size_t j = 0; j < c.targets.size(); ++j) {
        const std::uint32_t to = c.targets[j];
        const double rest = settled_confidence(to, least.hops);
        if (rest < 0.0 || static_cast<double>(c.confidence[j]) * rest != at.confidence)
          continue;
        if (least.confidence < 0.0 || s_.node(to).id < s_.node(least.index).id)
          least = {rest, to, least.hops, no_label};
      }
    }
    assert(least.confidence >= 0.0);
    return least;
  }

  const graph_snapshot& s_;
  path_scratch::impl& scratch_;
  search_marks& marks_;
  bool placeholders_;
};

} // namespace

std::optional<path> most_confident_path(const graph_snapshot& s, std::uint32_t source,
                                        std::uint32_t target, std::uint32_t max_depth,
                                        path_scratch& scratch) {
  assert(source < s.index_count() && s.is_learned(source));
  assert(target < s.index_count() && s.is_learned(target));
  assert(max_depth <= path_depth_max);
  return confident_search(s, scratch.get()).run(source, target, max_depth);
}

} // namespace cmem
