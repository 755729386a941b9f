#pragma once
// Inside of the path searches: their scratch memory, and what a search is told.

#include "storage/deadline_watch.hpp"
#include "storage/paths.hpp"
#include "storage/search_marks.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cmem {

/// What one side of a breadth-first search has reached, level by level.
struct search_level_side {
  std::vector<std::uint32_t> reached;    // indices, by level
  std::vector<std::size_t> level_begin;  // of each level, in `reached`
  std::vector<std::uint64_t> level_cost; // associations that its expansion looks at

  [[nodiscard]] std::uint32_t depth() const noexcept {
    return static_cast<std::uint32_t>(level_begin.size()) - 1;
  }
  [[nodiscard]] std::span<const std::uint32_t> level(std::uint32_t l) const noexcept {
    const std::size_t end = l == depth() ? reached.size() : level_begin[l + 1];
    return std::span(reached).subspan(level_begin[l], end - level_begin[l]);
  }
};

inline constexpr std::uint32_t no_label = 0xFFFF'FFFFU;

/// A way that a search for the most confident path knows, from where its side began to a concept.
struct confident_label {
  std::uint64_t length;  // confidence_cost.hpp
  std::uint32_t index;   // of the concept
  std::uint32_t parents; // the first of those that lead here, in `parents`; or no_label
  std::uint32_t older;   // label made before it at this concept, or no_label
  std::uint32_t onward;  // forward side: where the path goes on to
  bool settled;
  bool barred; // not a way: the concept must not be entered
};
struct confident_parent {
  std::uint32_t label;
  std::uint32_t next; // in `parents`, or no_label
};
struct confident_entry {
  std::uint64_t length;
  std::uint32_t label;
};
/// Where a label of one side goes on to one of the other.
struct confident_meeting {
  std::uint32_t forward;
  std::uint32_t backward;
};

/// What one side of a search for the most confident path knows.
struct search_label_side {
  std::vector<confident_label> labels;
  std::vector<confident_parent> parents;
  std::vector<confident_entry> queue; // a heap

  /// Whether `label` is one of this concept. Any number may be asked for.
  [[nodiscard]] bool has(std::uint32_t label, std::uint32_t index) const noexcept {
    return label < labels.size() && labels[label].index == index;
  }
};

struct path_scratch::impl {
  search_marks marks;
  std::array<search_level_side, 2> levels;
  std::array<std::vector<std::uint32_t>, 2> on_path; // of a level, and of the one before it
  label_slots slots;
  std::array<search_label_side, 2> labels;
  std::vector<confident_meeting> meetings;
  std::vector<std::uint32_t> pending; // labels whose parents are to be told of them
  std::vector<std::uint32_t> group;   // labels of one length
  search_clock clock = &std::chrono::steady_clock::now;
};

/// What a path must avoid.
struct path_restriction {
  std::span<const std::uint32_t> barred_concepts = {}; ///< neither end among them
  /// Concepts that the first hop must not lead to, ascending by index.
  std::span<const std::uint32_t> barred_firsts = {};
};

[[nodiscard]] inline bool is_barred(std::span<const std::uint32_t> firsts, std::uint32_t index) {
  return std::binary_search(firsts.begin(), firsts.end(), index);
}

} // namespace cmem
