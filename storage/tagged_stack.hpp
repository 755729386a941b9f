#pragma once
// A lock-free stack of handles, free of the ABA problem: the free lists of payload_pool.

#include "storage/arena.hpp"

#include <atomic>
#include <cstdint>

namespace cmem {

/// Treiber's stack (Treiber 1986) with a counter in the head. The counter is the number of pops,
/// which is enough: a handle can come back to the top only after it was popped, so a pop that
/// looked at an old top fails its exchange. It wraps after 2^32 pops: a thread would have to stop
/// for exactly that many.
/// Owns nothing: links live with the elements, and `link(handle)` gives the Atomic<handle>& of one.
/// A link is read while its element may be somebody else's by now, so links stay valid and atomic
/// for ever.
/// Threads: everything from any thread, lock-free. `Atomic` is std::atomic, or a test's that
/// explores interleavings.
template <template <class> class Atomic = std::atomic>
class tagged_stack {
public:
  /// The top, now the caller's alone, or 0.
  template <class LinkOf>
  [[nodiscard]] handle pop(LinkOf&& link) noexcept {
    std::uint64_t seen = head_.load(std::memory_order_acquire); // pairs with push()
    for (;;) {
      const auto top = static_cast<handle>(seen);
      if (top == 0)
        return 0;
      const handle next = link(top).load(std::memory_order_relaxed);
      const std::uint64_t after = ((seen >> 32) + 1) << 32 | next;
      // Acquire pairs with push(): what the last owner did to the element is seen. Pops in between
      // are read-modify-writes and so pass that release on.
      if (head_.compare_exchange_weak(seen, after, std::memory_order_acquire,
                                      std::memory_order_acquire))
        return top;
    }
  }

  /// Puts a chain on top: `first` … `last`, linked already up to `last`. They must be the caller's.
  template <class LinkOf>
  void push(handle first, handle last, LinkOf&& link) noexcept {
    std::uint64_t seen = head_.load(std::memory_order_relaxed);
    std::uint64_t after = 0;
    do {
      link(last).store(static_cast<handle>(seen), std::memory_order_relaxed);
      after = (seen & ~std::uint64_t{0xFFFF'FFFF}) | first;
      // Release pairs with pop().
    } while (!head_.compare_exchange_weak(seen, after, std::memory_order_release,
                                          std::memory_order_relaxed));
  }

  /// Successful pops so far, modulo 2^32.
  [[nodiscard]] std::uint32_t pops() const noexcept {
    return static_cast<std::uint32_t>(head_.load(std::memory_order_relaxed) >> 32);
  }

private:
  Atomic<std::uint64_t> head_{0}; // number of pops << 32 | top
};

} // namespace cmem
