#include "storage/vector_graph.hpp"

#include "storage/vector_graph_walk.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

namespace cmem {

namespace {

using entry = graph_scratch::entry;

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
    return all_.size() < breadth_ || score > all_.back().score;
  }
  /// Where it is now.
  std::size_t insert(float score, std::uint32_t slot) {
    const auto at = std::upper_bound(all_.begin(), all_.end(), score,
                                     [](float s, const entry& e) { return s > e.score; });
    const std::size_t position = static_cast<std::size_t>(at - all_.begin());
    all_.insert(at, {score, slot});
    if (all_.size() > breadth_)
      all_.pop_back();
    return position;
  }
  void erase(std::size_t i) { all_.erase(all_.begin() + static_cast<std::ptrdiff_t>(i)); }
  /// The first from `i` on that was not visited, or size().
  [[nodiscard]] std::size_t next(std::size_t i) const noexcept {
    while (i < all_.size() && (all_[i].word & graph_scratch::visited) != 0)
      ++i;
    return i;
  }

private:
  std::vector<entry>& all_;
  std::size_t breadth_;
};

// A filter is asked for so many of those that are one place at most.
constexpr int twins_asked = 16;

/// Whether a place of the graph may be found, and lead on.
class asked_places {
public:
  asked_places(const graph_links& links, const slot_filter& filter) noexcept
    : links_(links), filter_(filter) {}

  [[nodiscard]] bool passes(std::uint32_t slot) const {
    if (filter_.passes(slot))
      return true;
    std::uint32_t twin = links_.twins[slot];
    for (int i = 0; i < twins_asked && twin != 0; ++i, twin = links_.twins[twin - 1])
      if (filter_.passes(twin - 1))
        return true;
    return false;
  }
  void prefetch(std::uint32_t slot) const { filter_.prefetch(slot); }

private:
  const graph_links& links_;
  const slot_filter& filter_;
};

struct all_places {
  [[nodiscard]] static bool passes(std::uint32_t) noexcept { return true; }
  static void prefetch(std::uint32_t) noexcept {}
};

/// Goes on from the best of the list that was not visited, until there is none. Places are asked
/// for when their turn comes: most never have one. False: visits_max ended it.
template <class Places>
bool visit_all(near_list& list, const graph_links& links, const graph_scorer& scorer,
               unsigned level, std::size_t visits_max, const Places& places,
               graph_scratch& scratch) {
  std::array<std::uint32_t, graph_scorer::together_max> slots;
  std::array<float, graph_scorer::together_max> scores;
  std::size_t visits = 0;
  for (std::size_t at = list.next(0); at < list.size();) {
    if (!places.passes(slot_of(list[at]))) {
      list.erase(at);
      at = list.next(at);
      continue;
    }
    if (visits++ == visits_max)
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
      places.prefetch(slots[i]);
      const std::size_t position = list.insert(scores[i], slots[i]);
      if (position <= next && position < list.size()) {
        next = position;
        prefetch_row(links, slots[i], level);
      }
    }
    at = next;
  }
  return true;
}

} // namespace

std::uint64_t graph_hash(std::uint64_t x) noexcept {
  std::uint64_t z = (x + 1) * 0x9E37'79B9'7F4A'7C15;
  z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9;
  z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EB;
  return z ^ (z >> 31);
}

unsigned graph_level_of(std::uint32_t slot, std::uint32_t neighbors) noexcept {
  std::uint64_t z = graph_hash(slot);
  unsigned level = 0;
  for (; level < graph_level_max && z % neighbors == 0; z /= neighbors)
    ++level;
  return level;
}

graph_links::graph_links(std::uint32_t each) noexcept
  : neighbors(each), base(std::size_t{2} * each), upper(each) {
  assert(each >= 2 && each <= neighbors_max);
}

std::uint64_t graph_links::memory_bytes() const noexcept {
  const std::uint64_t words =
    slots * std::uint64_t{width(0) + 2} + upper_rows * std::uint64_t{width(1)};
  return words * sizeof(std::uint32_t);
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
            const graph_candidate& start, const graph_effort& effort, graph_scratch& scratch) {
  scratch.begin(effort.breadth);
  near_list list(scratch.list, effort.breadth);
  (void) scratch.reach(start.slot);
  list.insert(start.score, start.slot);
  return visit_all(list, links, scorer, level, effort.visits_max, all_places(), scratch);
}

template <class Passes>
void vector_graph::take_found(std::size_t breadth, graph_scratch& scratch,
                              const Passes& passes) const {
  scratch.found.reserve(breadth);
  const auto add = [&](float score, std::uint32_t slot) {
    if (passes(slot))
      scratch.found.push_back({score, slot});
    return scratch.found.size() < breadth;
  };
  for (const entry& e : scratch.list) {
    bool more = add(e.score, slot_of(e));
    for (std::uint32_t t = links_.twins[slot_of(e)]; more && t != 0; t = links_.twins[t - 1])
      more = add(e.score, t - 1);
    if (!more)
      return;
  }
}

vector_graph::result vector_graph::search(const vector_columns& columns, const graph_target& target,
                                          const graph_effort& effort,
                                          graph_scratch& scratch) const {
  scratch.found.clear();
  if (links_.entry == 0 || effort.breadth == 0)
    return {{}, true};
  assert(columns.slots() >= links_.slots);
  const graph_scorer scorer(columns, metric_, target);
  graph_candidate at{0.0F, links_.entry - 1};
  at.score = scorer.of(at.slot);
  descend(links_, scorer, links_.top, 0, at);
  const bool complete = spread(links_, scorer, 0, at, effort, scratch);
  take_found(effort.breadth, scratch, [](std::uint32_t) { return true; });
  return {scratch.found, complete};
}

vector_graph::result vector_graph::search_among(
  const vector_columns& columns, const graph_target& target, const graph_effort& effort,
  const slot_filter& filter, std::span<const std::uint32_t> from, graph_scratch& scratch) const {
  // Several, for what passes may lie in parts that no way joins.
  constexpr std::size_t beginnings_max = 8;
  scratch.found.clear();
  if (links_.entry == 0 || effort.breadth == 0)
    return {{}, true};
  const graph_scorer scorer(columns, metric_, target);
  std::vector<graph_candidate> beginnings;
  for (const std::uint32_t slot : from)
    if (slot < links_.slots && *links_.row(slot, 0) != 0) // from twins no way leads on
      beginnings.push_back({scorer.of(slot), slot});
  std::sort(beginnings.begin(), beginnings.end(), [](const auto& a, const auto& b) {
    return a.score != b.score ? a.score > b.score : a.slot < b.slot;
  });
  beginnings.resize(std::min(beginnings.size(), beginnings_max));
  scratch.begin(effort.breadth);
  near_list list(scratch.list, effort.breadth);
  for (const graph_candidate& b : beginnings) {
    scratch.reserve(1);
    if (scratch.reach(b.slot) && list.would_take(b.score))
      list.insert(b.score, b.slot);
  }
  const bool complete =
    visit_all(list, links_, scorer, 0, effort.visits_max, asked_places(links_, filter), scratch);
  take_found(effort.breadth, scratch, [&](std::uint32_t slot) { return filter.passes(slot); });
  return {scratch.found, complete};
}

} // namespace cmem
