#pragma once
// Threads that help one other with work that can be shared.

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace cmem {

/// Helpers wait, at no cost, between the tasks of the thread that owns the team. Who is late for a
/// task stays away from it: the owner never waits for a thread that has not begun.
/// Threads: run() and the destructor on one thread at a time.
class worker_team {
public:
  worker_team() = default;
  ~worker_team();
  worker_team(const worker_team&) = delete;
  worker_team& operator=(const worker_team&) = delete;

  /// Calls work() on this thread and, at the same time, on up to `helpers` others: each is to take
  /// its share until nothing is left, and must not throw. Returns when all have returned. Threads
  /// are started when they are first asked for; where the system has no more, fewer help.
  template <class Work>
  void run(unsigned helpers, Work&& work) {
    run_task(helpers, task{[](void* f) { (*static_cast<std::remove_reference_t<Work>*>(f))(); },
                           const_cast<void*>(static_cast<const void*>(&work))});
  }

private:
  struct task {
    void (*call)(void* f) = nullptr;
    void* f = nullptr;
  };
  void run_task(unsigned helpers, const task& t);
  void hire(unsigned helpers);
  void help() noexcept;

  std::mutex mutex_; // of all below but threads_
  std::condition_variable begun_;
  std::condition_variable ended_;
  task task_;
  unsigned places_ = 0; // of the task, for helpers that may still join it
  unsigned busy_ = 0;   // helpers in it
  bool leaving_ = false;
  std::vector<std::thread> threads_; // owner
};

} // namespace cmem
