#pragma once
// How long things took: counts in logarithmic buckets, as HdrHistogram keeps them (Tene 2012).

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace cmem::tools {

/// What a table shows of a histogram, in nanoseconds. All 0 when nothing was recorded.
struct latency_summary {
  std::uint64_t count = 0;
  std::int64_t p50 = 0;
  std::int64_t p99 = 0;
  std::int64_t p999 = 0;
  std::int64_t max = 0; ///< exact

  friend bool operator==(const latency_summary&, const latency_summary&) = default;
};

/// Durations from 0 to 2^43 ns (2.4 hours; longer ones count as that, `max` stays exact). 2^SubBits
/// buckets an octave: quantiles are at most 2^-SubBits too high and never too low.
/// All memory is taken and touched at construction: record() never faults a page in.
/// Threads: one at a time. Each thread has its own and merge() brings them together afterwards.
template <int SubBits>
class log_histogram {
public:
  static constexpr int octaves = 43;
  static constexpr std::size_t per_octave = std::size_t{1} << SubBits;
  static constexpr std::size_t buckets =
    per_octave * static_cast<std::size_t>(octaves - SubBits + 1);

  log_histogram() : counts_(buckets, 0) {}

  void record(std::int64_t ns) noexcept {
    ns = std::max<std::int64_t>(ns, 0);
    ++counts_[bucket_of(ns)];
    ++count_;
    max_ = std::max(max_, ns);
  }
  void merge(const log_histogram& other) noexcept {
    for (std::size_t i = 0; i < buckets; ++i)
      counts_[i] += other.counts_[i];
    count_ += other.count_;
    max_ = std::max(max_, other.max_);
  }
  void clear() noexcept {
    std::fill(counts_.begin(), counts_.end(), 0);
    count_ = 0;
    max_ = 0;
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::int64_t max() const noexcept { return max_; }
  /// The least bucket edge that at least `q` of all values do not exceed; 0 when empty. q in [0,1].
  [[nodiscard]] std::int64_t quantile(double q) const noexcept {
    if (count_ == 0)
      return 0;
    const auto exact = std::ceil(q * static_cast<double>(count_));
    const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(exact), 1, count_);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets; ++i) {
      seen += counts_[i];
      if (seen >= rank)
        return i + 1 == buckets ? max_ : std::min(upper_edge(i), max_);
    }
    return max_;
  }
  [[nodiscard]] latency_summary summary() const noexcept {
    return {count_, quantile(0.5), quantile(0.99), quantile(0.999), max_};
  }

  [[nodiscard]] static std::size_t bucket_of(std::int64_t ns) noexcept {
    const auto v =
      static_cast<std::uint64_t>(std::clamp<std::int64_t>(ns, 0, (std::int64_t{1} << octaves) - 1));
    if (v < per_octave)
      return static_cast<std::size_t>(v);
    const int shift = static_cast<int>(std::bit_width(v)) - 1 - SubBits;
    return (static_cast<std::size_t>(shift + 1) << SubBits)
           + static_cast<std::size_t>((v >> shift) & (per_octave - 1));
  }
  /// The largest value that falls into a bucket.
  [[nodiscard]] static std::int64_t upper_edge(std::size_t bucket) noexcept {
    if (bucket < per_octave)
      return static_cast<std::int64_t>(bucket);
    const int shift = static_cast<int>(bucket >> SubBits) - 1;
    const auto low = static_cast<std::uint64_t>(per_octave + (bucket & (per_octave - 1))) << shift;
    return static_cast<std::int64_t>(low + (std::uint64_t{1} << shift) - 1);
  }

private:
  std::vector<std::uint32_t> counts_;
  std::uint64_t count_ = 0;
  std::int64_t max_ = 0;
};

using histogram = log_histogram<6>;        ///< for figures: 1.6 %, 10 KB
using coarse_histogram = log_histogram<3>; ///< for points of a plot: 12.5 %, 1.3 KB

} // namespace cmem::tools
