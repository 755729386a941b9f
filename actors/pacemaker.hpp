#pragma once
// A thread that says when the interval is over.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace cmem {

/// Calls `beat` at begin + interval, begin + 2 × interval, … until it is destroyed; beats that
/// would come late are skipped, and the rhythm stays. CAF's own clock takes three switches of
/// threads a tick (0.4 % of a core at 10 ms, measured), this one takes one and lets `beat` decide
/// whether the reconciler must know. Threads: construct and destroy from any one thread but the
/// pacemaker's. `beat` runs on its thread.
class pacemaker {
public:
  pacemaker(std::chrono::nanoseconds interval, std::function<void()> beat);
  ~pacemaker();
  pacemaker(const pacemaker&) = delete;
  pacemaker& operator=(const pacemaker&) = delete;

private:
  void run();

  const std::chrono::nanoseconds interval_;
  const std::function<void()> beat_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false; // guarded by mutex_
  std::thread thread_;    // last: starts with everything else in place
};

} // namespace cmem
