#pragma once
// What lock-free code stands on, as a policy, so that a test can put its own underneath.

#include "storage/thread_slots.hpp"

#include <atomic>

namespace cmem {

/// The machine: std::atomic, thread-local slots, and an asymmetric pair of fences. In such a pair
/// the frequent side pays (almost) nothing and the rare side makes up for it: while a thread runs
/// heavy_fence(), every other thread of the process runs a full fence at some instruction of its
/// own (membarrier(2), PRIVATE_EXPEDITED). So of "store A; light; load B" and "store B; heavy;
/// load A" at least one load sees the other side's store, as with two sequentially consistent
/// fences. Measured: a seq_cst store 6.5 ns, the light side 0.5 ns.
struct real_sync {
  template <class U>
  using atomic = std::atomic<U>;
  template <class Slot>
  using slots = thread_slots<Slot>;

  /// Snapshots that one thread can hold at once without counting.
  static constexpr unsigned cells_per_thread = 32;

  /// Registers this process for the asymmetric pair. False where the kernel has none (or a sandbox
  /// forbids it): then both sides are full fences. Both sides must be told the same answer.
  [[nodiscard]] static bool enable_asymmetric_fences() noexcept;

  static void light_fence(bool asymmetric) noexcept {
    if (asymmetric) [[likely]]
      std::atomic_signal_fence(
        std::memory_order_seq_cst); // the compiler's order; heavy_fence() does the rest
    else
      full_fence();
  }
  /// False when the kernel refused: then nothing follows from what is read afterwards.
  [[nodiscard]] static bool heavy_fence(bool asymmetric) noexcept;

private:
  static void full_fence() noexcept {
#if defined(__SANITIZE_THREAD__)
    __sync_synchronize(); // the same, but ThreadSanitizer has no model of the other one
#else
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
  }
};

} // namespace cmem
