#pragma once
// One slot a thread, for objects that give every thread a place of its own.

#include <cstddef>

namespace cmem {

/// A growing table of `Slot`s, one for each thread that asked. A slot goes back when its thread ends and is
/// handed to a later one with what it holds (tickets go on counting); slots are never freed before
/// the table. `mine()` is a thread-local load in the fast path; a thread's first call may allocate.
/// The table lives as long as its owner or any thread that used it, so that a thread may end after
/// the owner did.
/// Threads: mine() and for_each() from any thread, lock-free after a thread's first mine().
/// Requires: Slot is default constructible; its address is stable.
template <class Slot>
class thread_slots {
public:
  explicit thread_slots(std::size_t slots_max); ///< beyond it mine() answers nullptr
  ~thread_slots();
  thread_slots(const thread_slots&) = delete;
  thread_slots& operator=(const thread_slots&) = delete;

  /// This thread's slot, nullptr when all are taken.
  [[nodiscard]] Slot* mine() noexcept;
  /// Every slot ever made, in order of its number (0, 1, 2 …).
  template <class F>
  void for_each(F&& f) const;
  [[nodiscard]] std::size_t size() const noexcept;
};

} // namespace cmem
