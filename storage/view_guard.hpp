#pragma once
// Snapshots held by a mark in the thread's own slot: a few nanoseconds, for use on that thread.

#include "storage/view_handle.hpp"

#include <array>
#include <atomic>
#include <cassert>
#include <cstdint>
#include <memory>
#include <utility>

namespace cmem {

/// What a thread shows of the targets it holds. Hazard pointers (Michael 2004): the cells hold the
/// pointers themselves. A slot outlives its view as long as its thread lives or has guards in it.
template <class T, class Sync>
struct alignas(128) view_slot { // two lines: the prefetcher fetches pairs
  static constexpr unsigned cell_count = Sync::cells_per_thread;
  static constexpr std::uint64_t all_cells = ~std::uint64_t{0} >> (64 - cell_count);
  static constexpr std::uint32_t orphaned =
    1; // in `flags`: the view is gone, `keep_alive` is to be dropped
  static constexpr std::uint32_t lingering = 2; // in `flags`: the thread's other slots are gone

  std::uint64_t free_cells = 0; // its thread; all taken until prepare()
  typename Sync::template atomic<std::uint32_t> flags{0};
  std::uint32_t number = 0;         // const
  bool asymmetric = false;          // its thread; which light fence to use
  bool prepared = false;            // its thread
  std::shared_ptr<void> keep_alive; // its thread; when `orphaned`: whoever clears that flag
  std::shared_ptr<void> lease;      // its thread; set when `lingering`
  alignas(64)
    std::array<typename Sync::template atomic<const T*>, cell_count> cells{}; // its thread writes

  void prepare(const std::shared_ptr<void>& keep, bool use_asymmetric) noexcept {
    keep_alive = keep;
    asymmetric = use_asymmetric;
    free_cells = all_cells;
    prepared = true;
  }
  void unpin(unsigned cell) noexcept {
    assert(Sync::template slots<view_slot>::held_here(this)); // a guard stays on its thread
    // Release: pairs with the scan's (and ~basic_read_view's) loads of cells; our reads are over.
    cells[cell].store(nullptr, std::memory_order_release);
    free_cells |= std::uint64_t{1} << cell;
    // Pairs with the heavy fence of ~basic_read_view: it sees the cell empty, or we see the flag.
    Sync::light_fence(asymmetric);
    if (flags.load(std::memory_order_relaxed) != 0) [[unlikely]]
      leave();
  }
  /// Drops what an orphaned slot kept. Both sides may come here: who clears the flag does it.
  void drop_keep_alive() noexcept {
    // Relaxed: who comes here second does nothing, and the first one has seen every cell empty.
    if ((flags.fetch_and(~orphaned, std::memory_order_relaxed) & orphaned) != 0)
      keep_alive.reset();
  }

  // For thread_slots.
  [[nodiscard]] bool busy() const noexcept { return prepared && free_cells != all_cells; }
  void linger(std::shared_ptr<void> l) noexcept {
    lease = std::move(l);
    flags.fetch_or(lingering, std::memory_order_relaxed);
  }

private:
  void leave() noexcept {
    if (busy())
      return;
    drop_keep_alive();
    if ((flags.fetch_and(~lingering, std::memory_order_relaxed) & lingering) != 0) {
      const auto last = std::move(lease); // may destroy this slot
    }
  }
};

/// Holds a target as long as it lives, also after the memory is closed and destroyed (R1).
/// Move-only. Guards may be released in any order, but on the thread that loaded them: share()
/// what is to travel.
template <class T, class Sync>
class basic_guard {
public:
  basic_guard() noexcept = default; ///< holds nothing
  basic_guard(basic_guard&& other) noexcept
    : target_(std::exchange(other.target_, nullptr)),
      slot_(std::exchange(other.slot_, nullptr)),
      cell_(other.cell_),
      counted_(std::move(other.counted_)) {}
  basic_guard& operator=(basic_guard&& other) noexcept {
    basic_guard old(std::move(*this));
    target_ = std::exchange(other.target_, nullptr);
    slot_ = std::exchange(other.slot_, nullptr);
    cell_ = other.cell_;
    counted_ = std::move(other.counted_);
    return *this;
  }
  ~basic_guard() {
    if (slot_ != nullptr) [[likely]]
      slot_->unpin(cell_);
  }

  [[nodiscard]] const T* get() const noexcept { return target_; }
  const T* operator->() const noexcept { return target_; }
  const T& operator*() const noexcept { return *target_; }
  explicit operator bool() const noexcept { return target_ != nullptr; }
  /// A counted handle on the same target, which may travel and stay.
  [[nodiscard]] shared_handle<T> share() const noexcept {
    return slot_ != nullptr ? shared_handle<T>(target_, slot_->keep_alive) : counted_;
  }
  /// Whether it holds by a count, because the thread had no cell left.
  [[nodiscard]] bool counted() const noexcept { return counted_.get() != nullptr; }

private:
  template <class, class>
  friend class basic_read_view;
  using slot_type = view_slot<T, Sync>;
  basic_guard(const T* target, slot_type* slot, unsigned cell) noexcept
    : target_(target), slot_(slot), cell_(cell) {}
  explicit basic_guard(shared_handle<T> counted) noexcept
    : target_(counted.get()), counted_(std::move(counted)) {}

  const T* target_ = nullptr;
  slot_type* slot_ = nullptr; // holds by a cell of it; else by `counted_`
  unsigned cell_ = 0;
  shared_handle<T> counted_;
};

} // namespace cmem
