#include "storage/vector_graph.hpp"

#include "storage/vector_graph_walk.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

namespace cmem {

namespace {

using entry = graph_scratch::entry;

void prefetch_row(const graph_links& links, std::uint32_t slot, unsigned level) noexcept {
  const std::uint32_t* row = links.row(slot, level);
  for (std::size_t i = 0; i < links.width(level); i += 64 / sizeof(*row))
    prefetch_line(row + i);
}

std::uint32_t slot_of(const entry& e) noexcept {
  return e.word & ~(graph_scratch::visited | graph_scratch::refused);
}

// A filter is asked for so many of those that are one place at most.
constexpr int twins_asked = 16;

bool any_passes(const graph_links& links, const slot_filter* filter, std::uint32_t slot) {
  if (filter == nullptr || filter->passes(slot))
    return true;
  std::uint32_t twin = links.twins[slot];
  for (int i = 0; i < twins_asked && twin != 0; ++i, twin = links.twins[twin - 1])
    if (filter->passes(twin - 1))
      return true;
  return false;
}

/// The sorted list of a search at one level.
class near_list {
public:
  near_list(std::vector<entry>& entries, std::size_t breadth) : all_(entries), breadth_(breadth) {
    all_.clear();
    all_.reserve(breadth + 1);
  }

  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
  [[nodiscard]] entry& operator[](std::size_t i) noexcept { return all_[i]; }
  /// There is room, or it is better than the worst.
  [[nodiscard]] bool would_take(float score) const noexcept {
    return passed_ < breadth_ || score > all_.back().score;
  }
  /// Where it is now.
  std::size_t insert(float score, std::uint32_t slot, bool passes) {
    const auto at = std::upper_bound(all_.begin(), all_.end(), score,
                                     [](float s, const entry& e) { return s > e.score; });
    const std::size_t position = static_cast<std::size_t>(at - all_.begin());
    all_.insert(at, {score, slot | (passes ? 0 : graph_scratch::refused)});
    passed_ += passes ? 1U : 0U;
    while (passed_ > breadth_ || (passed_ == breadth_ && is_refused(all_.back()))) {
      passed_ -= is_refused(all_.back()) ? 0U : 1U;
      all_.pop_back();
    }
    return position;
  }
  /// The first from `i` on that was not visited, or size().
  [[nodiscard]] std::size_t next(std::size_t i) const noexcept {
    while (i < all_.size() && (all_[i].word & graph_scratch::visited) != 0)
      ++i;
    return i;
  }

private:
  static bool is_refused(const entry& e) noexcept { return (e.word & graph_scratch::refused) != 0; }

  std::vector<entry>& all_;
  std::size_t breadth_;
  std::size_t passed_ = 0; // the last of these is the last of all, once there are breadth_
};

} // namespace

graph_links::graph_links(std::uint32_t each) noexcept
  : neighbors(each), base(std::size_t{2} * each), upper(each) {
  assert(each >= 2 && each <= neighbors_max);
}

void graph_scratch::begin(std::size_t breadth) {
  // On word vectors a search reaches 15 to 20 slots for each that it keeps.
  const std::size_t size = std::bit_ceil(std::max<std::size_t>(1024, 40 * breadth));
  table_.assign(size, 0);
  shift_ = 32 - static_cast<unsigned>(std::countr_zero(size));
  reached_ = 0;
}

void graph_scratch::grow(std::size_t reached) {
  const std::vector<std::uint32_t> old = std::exchange(table_, std::vector<std::uint32_t>());
  begin(reached);
  for (const std::uint32_t word : old)
    if (word != 0)
      (void) reach(word - 1);
}

void descend(const graph_links& links, const graph_scorer& scorer, unsigned from, unsigned to,
             graph_candidate& at) noexcept {
  std::array<std::uint32_t, graph_scorer::together_max> slots;
  std::array<float, graph_scorer::together_max> scores;
  for (unsigned level = from; level > to; --level)
    for (bool closer = true; closer;) {
      const std::uint32_t* row = links.row(at.slot, level);
      std::size_t count = 0;
      for (; count < links.width(level) && row[count] != 0; ++count) {
        slots[count] = row[count] - 1;
        scorer.prefetch(slots[count]);
      }
      scorer.of_each({slots.data(), count}, scores.data());
      closer = false;
      for (std::size_t i = 0; i < count; ++i)
        if (scores[i] > at.score) {
          at = {scores[i], slots[i]};
          closer = true;
        }
    }
}

bool spread(const graph_links& links, const graph_scorer& scorer, unsigned level,
            const graph_candidate& start, const graph_effort& effort, const slot_filter* filter,
            graph_scratch& scratch) {
  scratch.begin(effort.breadth);
  near_list list(scratch.list, effort.breadth);
  const auto passes = [&](std::uint32_t slot) { return any_passes(links, filter, slot); };
  (void) scratch.reach(start.slot);
  list.insert(start.score, start.slot, passes(start.slot));
  std::array<std::uint32_t, graph_scorer::together_max> slots;
  std::array<float, graph_scorer::together_max> scores;
  std::size_t visits = 0;
  for (std::size_t at = 0; at < list.size();) {
    if (visits++ == effort.visits_max)
      return false;
    const std::uint32_t* row = links.row(slot_of(list[at]), level);
    list[at].word |= graph_scratch::visited;
    std::size_t count = 0;
    scratch.reserve(links.width(level));
    for (std::size_t i = 0; i < links.width(level) && row[i] != 0; ++i)
      if (scratch.reach(row[i] - 1)) {
        slots[count] = row[i] - 1;
        scorer.prefetch(slots[count]);
        ++count;
      }
    std::size_t next = list.next(at + 1); // the best to go on with; a better one may come now
    if (next < list.size())
      prefetch_row(links, slot_of(list[next]), level);
    scorer.of_each({slots.data(), count}, scores.data());
    for (std::size_t i = 0; i < count; ++i) {
      if (!list.would_take(scores[i]))
        continue;
      const std::size_t position = list.insert(scores[i], slots[i], passes(slots[i]));
      if (position <= next && position < list.size()) {
        next = position;
        prefetch_row(links, slots[i], level);
      }
    }
    at = next;
  }
  return true;
}

vector_graph::result vector_graph::search(const vector_columns& columns, const graph_target& target,
                                          const graph_effort& effort, const slot_filter* filter,
                                          graph_scratch& scratch) const {
  scratch.found.clear();
  if (links_.entry == 0 || effort.breadth == 0)
    return {{}, true};
  assert(columns.slots() >= links_.slots);
  const graph_scorer scorer(columns, metric_, target);
  graph_candidate at{0.0F, links_.entry - 1};
  at.score = scorer.of(at.slot);
  descend(links_, scorer, links_.top, 0, at);
  const bool complete = spread(links_, scorer, 0, at, effort, filter, scratch);
  scratch.found.reserve(effort.breadth);
  const auto add = [&](float score, std::uint32_t slot) {
    if (filter == nullptr || filter->passes(slot))
      scratch.found.push_back({score, slot});
    return scratch.found.size() < effort.breadth;
  };
  for (const entry& e : scratch.list) {
    if ((e.word & graph_scratch::refused) != 0)
      continue;
    bool more = add(e.score, slot_of(e));
    for (std::uint32_t t = links_.twins[slot_of(e)]; more && t != 0; t = links_.twins[t - 1])
      more = add(e.score, t - 1);
    if (!more)
      break;
  }
  return {scratch.found, complete};
}

std::size_t vector_graph::memory_bytes() const noexcept {
  const std::size_t words =
    links_.slots * (links_.width(0) + 2) + std::size_t{links_.upper_rows} * links_.width(1);
  return words * sizeof(std::uint32_t);
}

} // namespace cmem
