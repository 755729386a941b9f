#pragma once
// A second thread for work that comes in halves.

#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>
#include <type_traits>

namespace cmem {

/// Runs the two halves of a task, one of them on a thread of its own where that one gets to run in
/// time: whoever is free takes the next half, so a helper that is late costs nothing. The thread is
/// started by the first task. After a task it looks for the next one for some 50 µs, then sleeps:
/// idle, it costs nothing. Where the system has no more threads, the caller does both halves.
/// Threads: run_both() from one thread at a time; the destructor ends and joins the thread.
class helper_thread {
public:
  helper_thread() = default;
  ~helper_thread();
  helper_thread(const helper_thread&) = delete;
  helper_thread& operator=(const helper_thread&) = delete;

  /// Calls half(0) and half(1), in any order or at once. Returns when both have ended. Throws what
  /// one of them threw, after the other has ended, and std::bad_alloc where the heap has nothing
  /// left to start a thread with: then neither was called.
  template <class Half>
  void run_both(Half&& half) {
    using plain = std::remove_reference_t<Half>;
    run({[](void* f, std::uint32_t which) { (*static_cast<plain*>(f))(which); },
         const_cast<std::remove_const_t<plain>*>(&half)});
  }

private:
  struct task {
    void (*call)(void* f, std::uint32_t half) = nullptr;
    void* f = nullptr;
  };
  // A turn: number of the task × 4 + halves taken. Two are all: the third value stands for "end".
  static constexpr std::uint32_t halves = 2;
  static constexpr std::uint32_t end = 3;

  void run(const task& t);
  void start();
  void help() noexcept;
  /// Takes a half of the task of that turn, if one is left.
  bool take_half() noexcept;

  task task_; // written before a turn begins, read by who took a half
  std::atomic<std::uint32_t> turn_{halves};
  std::atomic<std::uint32_t> ended_{0}; // halves of this turn
  std::exception_ptr thrown_[halves];   // by half; read when both have ended
  bool alone_ = false;                  // the system has no thread for us
  std::thread thread_;
};

} // namespace cmem
