#include "tools/pacer.hpp"

#include <cmath>
#include <ctime>
#include <sys/prctl.h>

namespace cmem::tools {

std::int64_t monotonic_ns() noexcept {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

std::uint64_t operations_due(double per_second, double seconds) noexcept {
  // Operation k is due at k / per_second: those with k < per_second * seconds. The tiny step back
  // keeps 0.1 * 10 from counting as a little more than 1.
  return static_cast<std::uint64_t>(std::ceil(per_second * seconds - 1e-6));
}

void wake_precisely() noexcept { ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); }

void wait_until(std::int64_t due_ns, std::int64_t spin_ns) noexcept {
  const std::int64_t sleep_until = due_ns - spin_ns;
  if (monotonic_ns() < sleep_until) {
    timespec t{};
    t.tv_sec = static_cast<std::time_t>(sleep_until / 1'000'000'000);
    t.tv_nsec = static_cast<long>(sleep_until % 1'000'000'000);
    while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr) != 0) {
    } // only EINTR ends it early: the time is absolute, so sleeping again is exact
  }
  while (monotonic_ns() < due_ns) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
}

} // namespace cmem::tools
