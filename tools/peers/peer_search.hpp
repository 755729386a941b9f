#pragma once
// Searches over the look-ups of a store that is not ours. They ask as little of it as they can.

#include "tools/found_edge.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace cmem::tools {

/// The most confident first; ties by id, then kind (R5).
[[nodiscard]] inline bool better(const found_edge& a, const found_edge& b) noexcept {
  if (a.confidence != b.confidence)
    return a.confidence > b.confidence;
  return a.id != b.id ? a.id < b.id : a.kind < b.kind;
}

/// Reorders `all`; the answer are the `limit` best of those whose end is learned, best first. Asks
/// `learned(id)` of no more ends than that takes.
template <class Learned>
std::span<const found_edge> take_best(std::vector<found_edge>& all, std::size_t limit,
                                      const Learned& learned) {
  const auto worse = [](const found_edge& a, const found_edge& b) { return better(b, a); };
  std::make_heap(all.begin(), all.end(), worse);
  std::size_t taken = 0;
  // The heap is at the front, and what was popped off it behind: taken ones go to the very end.
  std::vector<found_edge>::iterator end = all.end();
  while (taken < limit && end != all.begin()) {
    std::pop_heap(all.begin(), end, worse);
    --end;
    if (learned(end->id))
      std::swap(*end, *(all.end() - static_cast<std::ptrdiff_t>(++taken)));
  }
  std::reverse(all.end() - static_cast<std::ptrdiff_t>(taken), all.end());
  return {all.data() + (all.size() - taken), taken};
}

/// Which search saw an id, and from which side. Open addressing; forgets all at once.
class seen_ids {
public:
  enum class side : std::uint8_t { none, ahead, behind, not_learned };

  void clear() {
    if (slots_.empty())
      slots_.resize(1024);
    ++search_;
    count_ = 0;
  }
  /// Of an id, `none` at first. Valid until the next call.
  side& operator[](const concept_id& id) {
    if (2 * (count_ + 1) > slots_.size())
      grow();
    slot& s = slots_[place(id)];
    if (s.search != search_) {
      s = {id, search_, side::none};
      ++count_;
    }
    return s.where;
  }

private:
  struct slot {
    concept_id id;
    std::uint64_t search = 0; ///< other searches' are vacant
    side where = side::none;
  };

  [[nodiscard]] std::size_t place(const concept_id& id) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = hash_value(id) & mask;
    while (slots_[i].search == search_ && slots_[i].id != id)
      i = (i + 1) & mask;
    return i;
  }
  void grow() {
    std::vector<slot> before(2 * slots_.size());
    before.swap(slots_);
    for (const slot& s : before)
      if (s.search == search_)
        slots_[place(s.id)] = s;
  }

  std::vector<slot> slots_; // a power of two of them
  std::size_t count_ = 0;   // of this search
  std::uint64_t search_ = 0;
};

/// Fewest hops by breadth-first search from both ends, the smaller frontier first, as
/// mutable_graph_paths does it. `Graph` has
///   bool learned(id)
///   void outgoing(id, f), void incoming(id, f): f(other) for each, until it returns true
/// Whether an end is learned costs a look-up: it is asked when the search would go on from there,
/// or when both sides meet, and not at all of the last frontier. Threads: one.
template <class Graph>
class peer_paths {
public:
  std::optional<std::size_t> hops(Graph& g, const concept_id& from, const concept_id& to,
                                  std::uint32_t depth_max) {
    if (!g.learned(from) || (from != to && !g.learned(to)))
      return std::nullopt;
    if (from == to)
      return 0;
    seen_.clear();
    seen_[from] = side::ahead;
    seen_[to] = side::behind;
    ahead_.assign(1, from);
    behind_.assign(1, to);
    for (std::size_t depth = 1; depth <= depth_max; ++depth) {
      if (ahead_.empty() || behind_.empty())
        return std::nullopt;
      const bool forward = ahead_.size() <= behind_.size();
      if (forward ? expand(g, ahead_, side::ahead, side::behind, depth == 1)
                  : expand(g, behind_, side::behind, side::ahead, depth == 1))
        return depth;
    }
    return std::nullopt;
  }

private:
  using side = seen_ids::side;

  bool expand(Graph& g, std::vector<concept_id>& frontier, side mine, side other, bool is_end) {
    next_.clear();
    bool met = false;
    const auto meet = [&](const concept_id& id) {
      side& where = seen_[id];
      if (where == other) {
        met = g.learned(id);
        if (!met)
          where = side::not_learned;
      } else if (where == side::none) {
        where = mine;
        next_.push_back(id);
      }
      return met;
    };
    for (const concept_id& id : frontier) {
      if (!is_end && !g.learned(id)) {
        seen_[id] = side::not_learned;
        continue;
      }
      if (mine == side::ahead)
        g.outgoing(id, meet);
      else
        g.incoming(id, meet);
      if (met)
        return true;
    }
    frontier.swap(next_);
    return false;
  }

  seen_ids seen_;
  std::vector<concept_id> ahead_, behind_, next_;
};

} // namespace cmem::tools
