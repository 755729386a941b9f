#pragma once
// Time for tests of deadlines: it passes when a search looks at it, and not otherwise.

#include "storage/traversal.hpp"

#include <chrono>
#include <cstdint>

namespace cmem::test {

/// Threads: one. One time for all: start() it before each search.
class counting_clock {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// For the scratch memory of a search.
  static time_point now() noexcept { return at(++looks_); }
  /// Limits whose deadline has passed at the nth look.
  static traversal_limits start(std::uint64_t nth) noexcept {
    looks_ = 0;
    return {.deadline = at(nth)};
  }
  /// Limits whose deadline is never seen to pass.
  static traversal_limits start() noexcept { return start(std::uint64_t{1} << 40); }
  [[nodiscard]] static std::uint64_t looks() noexcept { return looks_; }

private:
  static time_point at(std::uint64_t look) noexcept {
    return time_point{} + std::chrono::steady_clock::duration(look);
  }
  static inline std::uint64_t looks_ = 0; // since start()
};

} // namespace cmem::test
