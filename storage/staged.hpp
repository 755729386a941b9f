#pragma once
// Work on many items in stages, each of which fetches what the next one reads.

#include <algorithm>
#include <cstddef>

namespace cmem {

/// Calls every stage for every i below n, in order. Items go through in windows: one is at the last
/// stage while those behind it are at earlier ones, so that their cache misses are under way
/// together.
template <std::size_t Window, class... Stages>
void run_staged(std::size_t n, Stages&&... stages) {
  const std::size_t windows = (n + Window - 1) / Window;
  for (std::size_t step = 0; step + 1 < windows + sizeof...(Stages); ++step) {
    std::size_t depth = 0;
    const auto advance = [&](auto& stage) {
      const std::size_t w = step - depth;
      if (depth++ <= step && w < windows)
        for (std::size_t i = w * Window; i < std::min(n, (w + 1) * Window); ++i)
          stage(i);
    };
    (advance(stages), ...);
  }
}

} // namespace cmem
