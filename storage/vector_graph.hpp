#pragma once
// A graph of near neighbors over the slots of vector_columns: it leads to most of the slots nearest
// to a vector, without a scan. Approximate: scores come from codes, and some slots are missed.
//
// Source: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using
// hierarchical navigable small world graphs" (2018). The search keeps one sorted list, of what it
// found and of where it goes on, as in Fu et al., "Fast approximate nearest neighbor search with
// the navigating spreading-out graph" (2019).

#include "storage/growing_array.hpp"
#include "storage/vector_columns.hpp"
#include "storage/vector_scores.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

namespace cmem {

inline constexpr unsigned graph_level_max = 24;
/// The highest level at which the slot has a row: exponentially few have one at higher levels. By a
/// hash of the slot, in integers, so it is the same everywhere. Precondition: neighbors >= 2.
[[nodiscard]] unsigned graph_level_of(std::uint32_t slot, std::uint32_t neighbors) noexcept;
/// splitmix64.
[[nodiscard]] std::uint64_t graph_hash(std::uint64_t x) noexcept;

/// Slots by rows: each has one at level 0, and few have one at each level above. A row has the
/// neighbors, 1 + slot each, and ends with the first 0. Slots of one code are one place in the
/// graph: the first of them has the rows, the others are its twins. (What is learned again and
/// again with the same vector would else crowd out all that is near.)
struct graph_links {
  /// Slots must be below it.
  static constexpr std::uint32_t slots_max = 1U << 30;
  static constexpr std::uint32_t neighbors_max = 32;
  static constexpr std::uint32_t no_upper = 0xFFFF'FFFF;

  /// `neighbors` of a row above level 0, twice as many in that. Precondition: 2 to neighbors_max.
  explicit graph_links(std::uint32_t neighbors) noexcept;

  [[nodiscard]] std::size_t width(unsigned level) const noexcept {
    return level == 0 ? std::size_t{2} * neighbors : neighbors;
  }
  /// Precondition: the slot is in the graph, at that level.
  [[nodiscard]] std::uint32_t* row(std::uint32_t slot, unsigned level) const noexcept {
    return level == 0 ? base.at(slot) : upper.at(first_upper[slot] + level - 1);
  }
  [[nodiscard]] std::uint64_t memory_bytes() const noexcept;

  std::uint32_t neighbors;
  std::uint32_t slots = 0;                  ///< those below it have a row; 1 + the entry at least
  std::uint32_t upper_rows = 0;             ///< in use
  std::uint32_t entry = 0;                  ///< 1 + where searches begin; 0: there is nothing
  unsigned top = 0;                         ///< level of the entry
  growing_array<std::uint32_t> base;        ///< level 0
  growing_array<std::uint32_t> upper;       ///< those of one slot follow one another, from level 1
  growing_array<std::uint32_t> first_upper; ///< by slot; no_upper: it is no place of its own
  growing_array<std::uint32_t> twins;       ///< by slot: 1 + the next twin, newest first; 0: none
};

/// Higher is nearer: the cosine, the inner product, or the distance with a minus. Of codes, so it
/// is off by what they are. What does not fit a float is clamped.
struct graph_candidate {
  float score = 0.0F;
  std::uint32_t slot = 0;
};

/// The vector that neighbors are looked for of, as quantize() has it. Borrowed.
struct graph_target {
  const std::int8_t* codes;
  quantized_vector form;
};

/// Which slots may be found.
class slot_filter {
public:
  virtual ~slot_filter() = default;
  [[nodiscard]] virtual bool passes(std::uint32_t slot) const = 0;
  /// Fetches what passes() reads, for a call some time later.
  virtual void prefetch(std::uint32_t) const {}
};

struct graph_effort {
  /// How many of the nearest are kept while it goes on: the more, the fewer are missed.
  std::size_t breadth = 200;
  /// Neighborhoods looked at.
  std::size_t visits_max = std::numeric_limits<std::size_t>::max();
};

/// What a search writes. Its size goes by the search, not by the graph; reused, it saves
/// allocations. Threads: one.
class graph_scratch {
public:
  /// A word of the list: slot, or'ed with this.
  static constexpr std::uint32_t visited = 1U << 31;
  struct entry {
    float score;
    std::uint32_t word;
  };

  /// Forgets what was reached. Throws std::bad_alloc.
  void begin(std::size_t breadth);
  /// Makes room for `count` more calls of reach(). Throws std::bad_alloc.
  void reserve(std::size_t count) {
    if (2 * (reached_ + count) > table_.size())
      grow(reached_ + count);
  }
  /// Notes that the search reaches the slot. Whether it had not before.
  [[nodiscard]] bool reach(std::uint32_t slot) noexcept {
    std::size_t at = (slot * multiplier) >> shift_;
    while (table_[at] != slot + 1) {
      if (table_[at] == 0) {
        table_[at] = slot + 1;
        ++reached_;
        return true;
      }
      at = (at + 1) & (table_.size() - 1);
    }
    return false;
  }

  std::vector<entry> list;            ///< nearest first
  std::vector<graph_candidate> found; ///< of the last search

private:
  static constexpr std::uint32_t multiplier = 0x9E37'79B1; // 2^32 / golden ratio

  void grow(std::size_t reached);

  std::vector<std::uint32_t> table_; // 1 + slots reached, at their hashes or behind; 0: free
  std::size_t reached_ = 0;          // at most half of it
  unsigned shift_ = 0;
};

/// Immutable. Threads: any, each with a scratch of its own.
class vector_graph {
public:
  vector_graph(vector_metric metric, graph_links links) noexcept
    : metric_(metric), links_(std::move(links)) {}

  struct result {
    std::span<const graph_candidate> nearest; ///< in the scratch; ties in no order of use
    bool complete; ///< false: visits_max ended it, what is missing may be nearer
  };
  /// Up to effort.breadth slots, best first. `columns` has the lineage and at least the slots that
  /// the graph was made of. Those that were dead when it got to them (see vector_graph_builder) are
  /// never found; those that died later are: the caller tells them apart. Equal graphs give equal
  /// answers. Throws std::bad_alloc.
  [[nodiscard]] result search(const vector_columns& columns, const graph_target& target,
                              const graph_effort& effort, graph_scratch& scratch) const;
  /// The same of slots that pass, by ways that lead through such slots alone: what is near and does
  /// not pass keeps nobody up, but where few pass the ways end early. `from` pass: the search
  /// begins with the nearest of them. Some fewer than effort.breadth are found also where there are
  /// more: what does not pass takes a place until it is asked.
  [[nodiscard]] result search_among(const vector_columns& columns, const graph_target& target,
                                    const graph_effort& effort, const slot_filter& filter,
                                    std::span<const std::uint32_t> from,
                                    graph_scratch& scratch) const;

  [[nodiscard]] vector_metric metric() const noexcept { return metric_; }
  [[nodiscard]] const graph_links& links() const noexcept { return links_; }
  /// It knows of slots [0, slots()).
  [[nodiscard]] std::uint32_t slots() const noexcept { return links_.slots; }
  /// Bytes of its rows.
  [[nodiscard]] std::uint64_t memory_bytes() const noexcept { return links_.memory_bytes(); }

private:
  template <class Passes>
  void take_found(std::size_t breadth, graph_scratch& scratch, const Passes& passes) const;

  vector_metric metric_; // const
  graph_links links_;    // const
};

} // namespace cmem
