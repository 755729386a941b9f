#pragma once
// Inside of the path searches: their scratch memory, and find_path with things to avoid.

#include "storage/graph_snapshot.hpp"
#include "storage/paths.hpp"
#include "storage/search_marks.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace cmem {

/// What one side of a bidirectional search has reached, level by level.
struct search_side {
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

/// A way that most_confident_path has settled: from a concept to the target.
struct confident_label {
  double confidence; // product, multiplied from the target on
  std::uint32_t index;
  std::uint32_t hops;
  std::uint32_t previous; // the label settled before it at this concept, or no_label
};
inline constexpr std::uint32_t no_label = 0xFFFF'FFFFU;

struct path_scratch::impl {
  search_marks marks;
  std::array<search_side, 2> sides;
  std::array<std::vector<std::uint32_t>, 2> on_path; // of a level, and of the one before it
  std::vector<confident_label> queue;                // a heap
  std::vector<confident_label> settled;
  std::unique_ptr<std::uint32_t[]>
    last_label; // by index; means something where marks say "reached"
  std::size_t last_label_capacity = 0;
};

/// What a path must avoid.
struct path_restriction {
  std::span<const std::uint32_t> barred_concepts = {}; ///< neither end among them
  std::span<const std::uint32_t> barred_firsts =
    {}; ///< concepts that the first hop must not lead to
};

/// find_path without what is barred; its preconditions and answers.
std::optional<path> search_path(const graph_snapshot& s, std::uint32_t source, std::uint32_t target,
                                std::uint32_t max_depth, path_scratch& scratch,
                                const path_restriction& restriction = {});

/// The step from one concept to an adjacent one: of parallel kinds the most confident, then the
/// least. Time: the shorter of out(from) and in(to). Precondition: an association leads there.
path_step step_between(const graph_snapshot& s, std::uint32_t from, std::uint32_t to) noexcept;

} // namespace cmem
