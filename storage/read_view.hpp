#pragma once
// How readers get the newest snapshot without ever waiting (R1).

#include "storage/seeded_bug.hpp"
#include "storage/view_guard.hpp"
#include "storage/view_handle.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace cmem {

/// The target that new readers start from, and who still uses which older one. Owns no target:
/// `keep_alive` owns them and all they stand on (it must not own the view).
///
/// Hazard pointers (Michael 2004) with an asymmetric fence, and three steps for the reconciler:
/// publish() a new target; scan() the ones not freed yet; free those that are not in use.
///
/// A reader stopped anywhere holds up nobody: its target just stays in use. A thread without a free
/// cell (more guards than cells, or more threads than slots) loads by a count: entrants are counted
/// by epoch as in sleepable RCU (McKenney 2006), so that a stream of them can't keep targets
/// forever. One that is stopped inside delays reclamation, but no thread.
///
/// An address that comes back (a target freed, a new one made in its place) does no harm: a reader
/// that read it before and finds it current again holds the new target, by the same cell. A cell
/// that shows an address which its reader then gives up for a newer one can only delay a free.
///
/// Threads: load() and share() from any thread, lock-free; publish() and scan() from one at a time.
/// The view must outlive calls on it, but not the guards and handles it gave out: each slot keeps
/// `keep_alive` until the view is gone and the slot's thread has released its last guard, and each
/// handle keeps it too.
template <class T, class Sync = real_sync>
class basic_read_view {
public:
  using guard = basic_guard<T, Sync>;
  using handle = shared_handle<T>;
  static constexpr std::size_t threads_default = 4096; ///< beyond it threads load by a count

  /// `first` may be nullptr: then guards and handles are empty until publish().
  basic_read_view(std::shared_ptr<void> keep_alive, T* first,
                  std::size_t threads_max = threads_default)
    : asymmetric_(Sync::enable_asymmetric_fences()),
      keep_alive_(std::move(keep_alive)),
      slots_(threads_max),
      current_(first) {}
  ~basic_read_view();
  basic_read_view(const basic_read_view&) = delete;
  basic_read_view& operator=(const basic_read_view&) = delete;

  /// The newest target, for use on this thread.
  [[nodiscard]] guard load() const noexcept {
    slot_type* slot = slots_.mine();
    if (slot == nullptr || slot->free_cells == 0) [[unlikely]]
      return load_slowly(slot);
    const auto cell = static_cast<unsigned>(std::countr_zero(slot->free_cells));
    slot->free_cells &= slot->free_cells - 1;
    const T* target = current_.load(std::memory_order_relaxed); // a guess; the check below acquires
    for (;;) {
      // Release, though it only announces: the scan that reads this value must also see that what
      // this cell held before is released (a store does not continue a release sequence).
      slot->cells[cell].store(target, std::memory_order_release);
      Sync::light_fence(slot->asymmetric); // pairs with scan()'s heavy fence: it sees the cell, or
                                           // we see what was published before it
      const T* again = current_.load(std::memory_order_acquire); // pairs with publish()
      if (again == target || seeded("pin_not_checked")) [[likely]]
        return guard(target, slot, cell);
      target = again;
    }
  }
  /// The newest target, counted.
  [[nodiscard]] handle share() const noexcept { return load().share(); }

  // -- for the reconciler

  /// Makes `next` current and hands back the one it replaced, for later scans.
  T* publish(T* next) noexcept {
    // Release: pairs with the check in load(), so that whoever gets `next` sees all of it.
    T* previous = current_.exchange(next, seeded("published_relaxed") ? std::memory_order_relaxed
                                                                      : std::memory_order_release);
    if (previous != nullptr)
      previous->replaced_in_ = epoch_.load(std::memory_order_relaxed);
    return previous;
  }
  /// Calls report(i, in_use) for every live[i], in order. A target reported not in use can be freed
  /// at once: nobody holds it, and nobody will. Throws std::bad_alloc before the first report.
  /// Precondition: all of `live` were published here and are not freed; each at most once.
  template <class F>
  void scan(std::span<T* const> live, F&& report);

private:
  template <class, class>
  friend struct read_view_probe; // tests that plant errors
  using slot_type = view_slot<T, Sync>;
  template <class U>
  using atomic = typename Sync::template atomic<U>;

  [[gnu::noinline]] guard load_slowly(slot_type* slot) const noexcept;
  handle load_counted() const noexcept;
  void collect_pins();
  void drain_entrants() noexcept;
  bool is_pinned(const T* t) const { return std::ranges::binary_search(pins_, t); }
  bool is_counted(
    const T* t) const { // acquire: pairs with ~shared_handle, so that we free after it
    return t->shares_.load(std::memory_order_acquire) != 0;
  }

  const bool asymmetric_;
  const std::shared_ptr<void> keep_alive_;
  mutable typename Sync::template slots<slot_type> slots_;
  alignas(64) atomic<T*> current_; // publish() writes
  alignas(
    64) mutable std::array<atomic<std::uint32_t>, 2> entrants_{}; // by epoch's last bit; any thread
  atomic<std::uint64_t> epoch_{1};                                // scan() writes
  std::vector<const T*> pins_;                                    // scan()'s: ascending
};

template <class T, class Sync>
basic_read_view<T, Sync>::~basic_read_view() {
  slots_.for_each([](slot_type& s) { s.flags.fetch_or(s.orphaned, std::memory_order_relaxed); });
  // Pairs with the light fence of unpin(): for each slot we see that its last guard is gone, or its
  // thread sees the flag. Where the kernel refuses, slots keep until their threads end.
  if (!Sync::heavy_fence(asymmetric_))
    return;
  slots_.for_each([](slot_type& s) {
    const auto is_free = [](const auto& cell) {
      return cell.load(std::memory_order_acquire) == nullptr; // pairs with unpin()
    };
    if (std::ranges::all_of(s.cells, is_free))
      s.drop_keep_alive();
  });
}

template <class T, class Sync>
auto basic_read_view<T, Sync>::load_slowly(slot_type* slot) const noexcept -> guard {
  if (slot == nullptr || slot->prepared)
    return guard(load_counted());
  slot->prepare(keep_alive_, asymmetric_);
  return load();
}

template <class T, class Sync>
auto basic_read_view<T, Sync>::load_counted() const noexcept -> handle {
  auto& entrants =
    entrants_[epoch_.load(std::memory_order_relaxed) & 1]; // an old epoch delays, no more
  entrants.fetch_add(1, std::memory_order_relaxed);
  Sync::light_fence(asymmetric_); // pairs with scan()'s heavy fence: it sees us inside, or we see
                                  // what was published before it
  handle h(current_.load(std::memory_order_acquire), keep_alive_); // pairs with publish()
  entrants.fetch_sub(1,
                     std::memory_order_release); // pairs with drain_entrants(): it sees our count
  return h;
}

template <class T, class Sync>
void basic_read_view<T, Sync>::collect_pins() {
  pins_.clear();
  slots_.for_each([this](slot_type& s) {
    for (const auto& cell : s.cells) // acquire: pairs with unpin() and with load()'s announcement
      if (const T* t = cell.load(std::memory_order_acquire); t != nullptr)
        pins_.push_back(t);
  });
  std::ranges::sort(pins_);
}

// A target replaced in epoch e is out of reach of entrants from epoch e + 2 on: both of their
// counters were seen at zero after it was replaced, not necessarily at once. New entrants do not
// use the counter that an epoch waits for, so that it gets there.
template <class T, class Sync>
void basic_read_view<T, Sync>::drain_entrants() noexcept {
  for (int phase = 0; phase != 2; ++phase) {
    const std::uint64_t epoch = epoch_.load(std::memory_order_relaxed);
    // Acquire: pairs with the end of load_counted(), so that its count is seen.
    if (entrants_[(epoch + 1) & 1].load(std::memory_order_acquire) != 0)
      return;
    epoch_.store(epoch + 1, std::memory_order_relaxed);
  }
}

template <class T, class Sync>
template <class F>
void basic_read_view<T, Sync>::scan(std::span<T* const> live, F&& report) {
  const bool fenced = Sync::heavy_fence(asymmetric_); // pairs with the light fences of the loads
  // Cells and entrants first, counts after: a reader pins, counts, unpins. Whoever is seen unpinned
  // has its count seen (acquire); read the other way round, a count could come up behind our back
  // and its pin be gone before we look.
  collect_pins();
  drain_entrants();
  const T* current = current_.load(std::memory_order_relaxed);
  const std::uint64_t epoch = epoch_.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i != live.size(); ++i) {
    const T* t = live[i];
    report(i,
           !fenced || t == current || t->replaced_in_ + 2 > epoch || is_pinned(t) || is_counted(t));
  }
}

class graph_snapshot;
using read_view = basic_read_view<graph_snapshot>;
using snapshot_guard = basic_guard<graph_snapshot, real_sync>;
using snapshot_handle = shared_handle<graph_snapshot>;

} // namespace cmem
