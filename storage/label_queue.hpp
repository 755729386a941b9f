#pragma once
// A heap of labels, the shortest first, in a vector that keeps its memory.

#include "storage/path_search.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <vector>

namespace cmem::label_queue {

/// Children of an element: four, which lie in one or two cache lines, and half as many levels as
/// with two.
inline constexpr std::size_t fan_out = 4;

inline void push(std::vector<confident_entry>& queue, const confident_entry& e) {
  queue.push_back(e);
  std::size_t i = queue.size() - 1;
  while (i > 0) {
    const std::size_t above = (i - 1) / fan_out;
    if (queue[above].length <= e.length)
      break;
    queue[i] = queue[above];
    i = above;
  }
  queue[i] = e;
}

/// Removes the front. Precondition: not empty.
inline void pop(std::vector<confident_entry>& queue) {
  assert(!queue.empty());
  const confident_entry moved = queue.back();
  queue.pop_back();
  const std::size_t size = queue.size();
  if (size == 0)
    return;
  std::size_t i = 0;
  for (;;) {
    const std::size_t first = i * fan_out + 1;
    if (first >= size)
      break;
    std::size_t least = first;
    const std::size_t end = std::min(first + fan_out, size);
    for (std::size_t child = first + 1; child < end; ++child)
      if (queue[child].length < queue[least].length)
        least = child;
    if (queue[least].length >= moved.length)
      break;
    queue[i] = queue[least];
    i = least;
  }
  queue[i] = moved;
}

} // namespace cmem::label_queue
