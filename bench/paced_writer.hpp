#pragma once
// A steady stream of writes beside what a benchmark measures.

#include "tools/pacer.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <pthread.h>
#include <sched.h>
#include <thread>

namespace cmem::bench {

/// Binds the calling thread, and those it will start, to one core. Without that core: no effect.
inline void pin_to_core(int core) noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(core), &set);
  (void) ::pthread_setaffinity_np(::pthread_self(), sizeof(set), &set);
}

/// Undoes pin_to_core() when it goes.
class core_pin {
public:
  explicit core_pin(int core) noexcept {
    (void) ::pthread_getaffinity_np(::pthread_self(), sizeof(before_), &before_);
    pin_to_core(core);
  }
  ~core_pin() { (void) ::pthread_setaffinity_np(::pthread_self(), sizeof(before_), &before_); }
  core_pin(const core_pin&) = delete;
  core_pin& operator=(const core_pin&) = delete;

private:
  cpu_set_t before_;
};

/// Calls `write(i)` at a rate, a millisecond's worth at a time, on a thread of its own on one core.
class paced_writer {
public:
  paced_writer(double per_second, int core, std::function<void(std::uint64_t)> write)
    : thread_([this, per_second, core, write = std::move(write)] {
        pin_to_core(core);
        tools::wake_precisely();
        const std::int64_t start = tools::monotonic_ns();
        std::uint64_t written = 0;
        for (std::int64_t tick = 1; !stop_.load(std::memory_order_relaxed); ++tick) {
          const auto due =
            static_cast<std::uint64_t>(per_second * static_cast<double>(tick) / 1000);
          for (; written < due; ++written)
            write(written);
          tools::wait_until(start + tick * 1'000'000, 0);
        }
      }) {}
  ~paced_writer() {
    stop_ = true;
    thread_.join();
  }
  paced_writer(const paced_writer&) = delete;
  paced_writer& operator=(const paced_writer&) = delete;

private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

} // namespace cmem::bench
