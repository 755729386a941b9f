#pragma once
// Lists of associations on their way through the caches.

#include "storage/adjacency.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace cmem {

/// What of lists is fetched ahead of those who look at it.
enum class list_part : std::uint8_t {
  targets,
  confidences, ///< and targets
  properties,  ///< and kinds
};

/// Fetches lists ahead of those who look at them: a list that is pushed is looked at `depth` pushes
/// later, first in, first out. (Software pipelining; Chen et al., "Improving hash join performance
/// through prefetching", 2004.) Holds what it is given and nothing else; as good as the snapshot.
/// Threads: one.
template <list_part Part>
class list_ring {
public:
  static constexpr std::size_t depth = 64;

  /// Takes a list in, and calls scan(index, list) for the one that leaves.
  template <class Scan>
  void push(std::uint32_t index, const adjacency_list& list, Scan&& scan) {
    list.prefetch();
    if (pushed_ >= depth) {
      const entry leaving = entries_[pushed_ % depth];
      entries_[pushed_ % depth] = {index, list};
      ++pushed_;
      fetch_properties(pushed_ - depth / 2);
      scan(leaving.index, leaving.list);
    } else {
      entries_[pushed_++] = {index, list};
      if (pushed_ > depth / 2)
        fetch_properties(pushed_ - depth / 2);
    }
  }
  /// Calls scan() for those that are left, and is empty then.
  template <class Scan>
  void drain(Scan&& scan) {
    const std::size_t first = pushed_ < depth ? 0 : pushed_ - depth;
    for (std::size_t i = first; i != pushed_; ++i) {
      if (i + depth / 2 < pushed_)
        fetch_properties(i + depth / 2);
      scan(entries_[i % depth].index, entries_[i % depth].list);
    }
    pushed_ = 0;
  }
  void drop() noexcept { pushed_ = 0; }

private:
  struct entry {
    std::uint32_t index = 0;
    adjacency_list list;
  };

  void fetch_properties([[maybe_unused]] std::size_t i) const noexcept {
    if constexpr (Part != list_part::targets)
      entries_[i % depth].list.template prefetch_properties<Part == list_part::properties>();
  }

  std::array<entry, depth> entries_{};
  std::size_t pushed_ = 0; // since it was empty
};

} // namespace cmem
