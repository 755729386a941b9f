#pragma once
// How many entries a merge may take so that it lasts no longer than an interval (R4).

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace cmem {

/// Follows the time of a merged entry (exponentially weighted, the newest batch counts a quarter)
/// and answers how many fit the interval. Merges of a few entries say little and are not followed.
/// Threads: one at a time.
class batch_sizer {
public:
  static constexpr std::size_t entries_min = 256; ///< smaller batches are all overhead

  batch_sizer(std::chrono::nanoseconds interval, std::size_t entries_max)
    : interval_ns_(static_cast<double>(interval.count())), entries_max_(entries_max) {}

  void observe(std::size_t entries, std::chrono::nanoseconds took) noexcept {
    if (entries < std::min(entries_min, entries_max_))
      return;
    const auto now = static_cast<double>(took.count()) / static_cast<double>(entries);
    entry_ns_ = entry_ns_ == 0 ? now : entry_ns_ + (now - entry_ns_) / 4;
  }

  /// Within [entries_min, entries_max], or entries_max where that is smaller.
  [[nodiscard]] std::size_t limit() const noexcept {
    const double fitting =
      entry_ns_ > 0 ? interval_ns_ / entry_ns_ : static_cast<double>(entries_max_);
    if (fitting >= static_cast<double>(entries_max_))
      return entries_max_;
    return std::min(entries_max_, std::max(entries_min, static_cast<std::size_t>(fitting)));
  }

private:
  double interval_ns_;      // const
  std::size_t entries_max_; // const
  double entry_ns_ = 0;     // observe(); 0 before the first
};

} // namespace cmem
