#include "storage/helper_thread.hpp"

#include <system_error>
#include <utility>

namespace cmem {

namespace {

/// Looks, some 50 µs, before a wait makes a system call: waking a thread takes as long.
constexpr int looks = 2000;

void relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Until it is another than `seen`. Acquires what was written before that other was stored.
std::uint32_t await_other(const std::atomic<std::uint32_t>& a, std::uint32_t seen) noexcept {
  for (int i = 0; i < looks; ++i) {
    if (const std::uint32_t v = a.load(std::memory_order_acquire); v != seen)
      return v;
    relax();
  }
  a.wait(seen, std::memory_order_acquire);
  return a.load(std::memory_order_acquire);
}

} // namespace

helper_thread::~helper_thread() {
  if (!thread_.joinable())
    return;
  turn_.store(end, std::memory_order_release); // pairs with help()
  turn_.notify_one();
  thread_.join();
}

void helper_thread::start() {
  if (thread_.joinable() || alone_)
    return;
  try {
    thread_ = std::thread([this] { help(); });
  } catch (const std::system_error&) {
    alone_ = true;
  }
}

void helper_thread::run(const task& t) {
  start();
  task_ = t;
  ended_.store(0, std::memory_order_relaxed);
  // Release: pairs with take_half() of the helper, which then sees the task and all before it.
  const std::uint32_t turn = (turn_.load(std::memory_order_relaxed) & ~3U) + 4;
  turn_.store(turn, std::memory_order_release);
  if (!alone_)
    turn_.notify_one();
  while (take_half()) {}
  std::uint32_t n = ended_.load(std::memory_order_acquire);
  while (n != halves) // acquire: pairs with take_half() of the helper
    n = await_other(ended_, n);
  std::exception_ptr first;
  for (std::exception_ptr& e : thrown_)
    if (std::exception_ptr mine = std::exchange(e, nullptr); first == nullptr)
      first = std::move(mine);
  if (first != nullptr)
    std::rethrow_exception(first);
}

bool helper_thread::take_half() noexcept {
  std::uint32_t turn = turn_.load(std::memory_order_relaxed);
  do {
    if ((turn & 3U) >= halves)
      return false;
    // Acquire: pairs with run(). The exchange fails if the turn is another one meanwhile.
  } while (!turn_.compare_exchange_weak(turn, turn + 1, std::memory_order_acquire,
                                        std::memory_order_relaxed));
  const std::uint32_t half = turn & 3U;
  try {
    task_.call(task_.f, half);
  } catch (...) {
    thrown_[half] = std::current_exception();
  }
  ended_.fetch_add(1, std::memory_order_release); // pairs with run()
  ended_.notify_one();
  return true;
}

void helper_thread::help() noexcept {
  std::uint32_t turn = turn_.load(std::memory_order_acquire); // pairs with run() and the destructor
  while (turn != end) {
    if (!take_half())
      turn = await_other(turn_, turn);
    else
      turn = turn_.load(std::memory_order_acquire); // as above
  }
}

} // namespace cmem
