#pragma once
// Open-loop pacing: when an operation is due is fixed beforehand, so that a stall delays nobody's
// clock and shows in the latency of everything that was due meanwhile ("coordinated omission").

#include <cstdint>

namespace cmem::tools {

/// Nanoseconds of CLOCK_MONOTONIC.
[[nodiscard]] std::int64_t monotonic_ns() noexcept;

/// Due times of one of several threads that share a rate; they take turns.
class pacer {
public:
  /// Preconditions: per_second > 0, thread < threads.
  pacer(std::int64_t start_ns, double per_second, unsigned threads, unsigned thread) noexcept
    : start_(start_ns), period_(1e9 / per_second), threads_(threads), thread_(thread) {}

  /// When this thread's i-th operation (0, 1, 2 …) is due.
  [[nodiscard]] std::int64_t due(std::uint64_t i) const noexcept {
    const double turn = static_cast<double>(i) * threads_ + thread_;
    return start_ + static_cast<std::int64_t>(turn * period_);
  }

private:
  std::int64_t start_;
  double period_;
  unsigned threads_;
  unsigned thread_;
};

/// Operations that all threads together have due in [start, start + seconds) at this rate.
[[nodiscard]] std::uint64_t operations_due(double per_second, double seconds) noexcept;

/// Lets sleeping threads wake on time: sets the calling thread's timer slack to 1 ns.
void wake_precisely() noexcept;

/// Returns at `due_ns` or at once if that has passed. Sleeps until `spin_ns` before it, then spins:
/// a bare sleep would add the scheduler's 50 µs and more to every latency, a bare spin would burn a
/// core.
void wait_until(std::int64_t due_ns, std::int64_t spin_ns = 40'000) noexcept;

} // namespace cmem::tools
