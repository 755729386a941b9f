#pragma once
// What is left of the limits of a query.

#include "storage/deadline_watch.hpp"
#include "storage/traversal.hpp"

#include <chrono>
#include <cstdint>

namespace cmem {

/// One for all searches of a query, however many. Threads: one.
class search_budget {
public:
  explicit search_budget(const traversal_limits& limits,
                         search_clock clock = &std::chrono::steady_clock::now) noexcept
    : watch_(limits.deadline, clock), visited_max_(limits.visited_max) {
    (void) spend(0);
  }

  /// Counts associations looked at, and concepts: at least 1 for each. False when the deadline has
  /// passed, which it notices within some thousands of them.
  [[nodiscard]] bool spend(std::uint64_t work) noexcept { return !watch_.passed(work) || !late(); }
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
  // The deadline has passed: whether that was the end, and not another limit before it.
  bool late() noexcept {
    if (end_ == traversal_end::complete)
      end_ = traversal_end::deadline;
    return end_ == traversal_end::deadline;
  }

  deadline_watch watch_;
  std::uint64_t visited_max_;
  std::uint64_t visited_ = 0;
  traversal_end end_ = traversal_end::complete;
};

} // namespace cmem
