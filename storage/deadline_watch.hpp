#pragma once
// The clock, as a search with a deadline looks at it.

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

namespace cmem {

/// Tells the time. The scratch memory of a search has one, for tests to put their own there.
using search_clock = std::chrono::steady_clock::time_point (*)() noexcept;

/// Looks at the clock when it is first asked, and then every few thousand associations. Without a
/// deadline it never does. Threads: one.
class deadline_watch {
public:
  static constexpr std::uint64_t look_every = 4096; ///< associations: some 10 us

  explicit deadline_watch(std::optional<std::chrono::steady_clock::time_point> deadline,
                          search_clock clock = &std::chrono::steady_clock::now) noexcept
    : deadline_(deadline), clock_(clock) {}

  /// After `work` more associations: whether it has passed. It stays so. What has no associations
  /// is work as well: give at least 1 for each concept looked at.
  [[nodiscard]] bool passed(std::uint64_t work) noexcept {
    if (work < until_look_) {
      until_look_ -= work;
      return false;
    }
    return look();
  }
  [[nodiscard]] bool passed() const noexcept { return passed_; }

private:
  bool look() noexcept {
    if (!deadline_) {
      until_look_ = std::numeric_limits<std::uint64_t>::max();
      return false;
    }
    passed_ = passed_ || clock_() >= *deadline_;
    until_look_ = passed_ ? 0 : look_every;
    return passed_;
  }

  std::optional<std::chrono::steady_clock::time_point> deadline_;
  search_clock clock_;
  std::uint64_t until_look_ = 0; // associations
  bool passed_ = false;
};

} // namespace cmem
