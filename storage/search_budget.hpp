#pragma once
// What is left of the limits of a query.

#include "storage/traversal.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

namespace cmem {

/// One for all searches of a query, however many. Threads: one.
class search_budget {
public:
  explicit search_budget(const traversal_limits& limits) noexcept
    : deadline_(limits.deadline), visited_max_(limits.visited_max) {
    (void) look();
  }

  /// Counts associations looked at. False when the deadline has passed, which it notices within
  /// some thousands of them.
  [[nodiscard]] bool spend(std::uint64_t associations) noexcept {
    if (associations < until_look_) {
      until_look_ -= associations;
      return true;
    }
    return look();
  }
  /// Counts concepts reached. False when they are too many: then visited() is the most allowed.
  [[nodiscard]] bool reach(std::uint64_t concepts) noexcept {
    if (concepts <= room()) {
      visited_ += concepts;
      return true;
    }
    visited_ = visited_max_;
    if (end_ == traversal_end::complete)
      end_ = traversal_end::visited_max;
    return false;
  }
  /// How many concepts may still be reached.
  [[nodiscard]] std::uint64_t room() const noexcept { return visited_max_ - visited_; }
  [[nodiscard]] std::uint64_t visited() const noexcept { return visited_; }
  /// What made a call above return false; stays.
  [[nodiscard]] traversal_end end() const noexcept { return end_; }
  [[nodiscard]] bool is_over() const noexcept { return end_ != traversal_end::complete; }

private:
  static constexpr std::uint64_t look_every = 4096; // associations: some 10 us

  bool look() noexcept {
    if (!deadline_) {
      until_look_ = std::numeric_limits<std::uint64_t>::max();
      return true;
    }
    until_look_ = look_every;
    if (end_ == traversal_end::complete && std::chrono::steady_clock::now() >= *deadline_)
      end_ = traversal_end::deadline;
    return end_ != traversal_end::deadline;
  }

  std::optional<std::chrono::steady_clock::time_point> deadline_;
  std::uint64_t visited_max_;
  std::uint64_t visited_ = 0;
  std::uint64_t until_look_ = 0; // associations
  traversal_end end_ = traversal_end::complete;
};

} // namespace cmem
