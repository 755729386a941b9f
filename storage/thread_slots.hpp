#pragma once
// One slot a thread, for objects that give every thread a place of its own.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace cmem {

/// A growing table of `Slot`s, one for each thread that asked. A slot goes back when its thread
/// ends and is handed to a later one with what it holds (tickets go on counting); slots are never
/// freed before the table. `mine()` is a thread-local load in the fast path; a thread's first call
/// may allocate. The table lives as long as its owner or any thread that used it, so that a thread
/// may end after the owner did.
/// Threads: mine() and for_each() from any thread, lock-free after a thread's first mine().
/// Requires: Slot is nothrow default constructible; its address is stable. It may have
///   std::uint32_t number;   set once, before the slot is first handed out: 0, 1, 2 …
///   bool busy() const;      asked on the slot's thread: still needed though its table's owner is
///                           gone, or its thread is ending
///   void linger(std::shared_ptr<void> lease);
///                           called when its thread ends while busy(): the slot goes back (and the
///                           table may go) when `lease` is dropped, later on that thread
template <class Slot>
class thread_slots {
public:
  explicit thread_slots(std::size_t slots_max) ///< beyond it mine() answers nullptr
    : table_(std::make_shared<table>(slots_max)) {}
  ~thread_slots() { table_->owner_gone.store(true, std::memory_order_relaxed); }
  thread_slots(const thread_slots&) = delete;
  thread_slots& operator=(const thread_slots&) = delete;

  /// This thread's slot; nullptr when all are taken, memory is used up, or the thread is past the
  /// end of its thread_local variables.
  [[nodiscard]] Slot* mine() noexcept {
    const cached& hit = cache_;
    return hit.home == table_.get() ? hit.slot : find_or_claim();
  }
  /// Every slot that was ever handed out, in order of its number (0, 1, 2 …). A slot whose mine()
  /// happened before is among them.
  template <class F>
  void for_each(F&& f) const {
    std::size_t left = size();
    for (block* b = &table_->first; left != 0; b = b->next.load(std::memory_order_acquire))
      for (std::size_t i = 0; i != block_slots && left != 0; ++i, --left)
        f(b->slots[i]);
  }
  /// Slots ever handed out.
  [[nodiscard]] std::size_t size() const noexcept {
    return table_->made.load(std::memory_order_acquire); // pairs with claim()
  }
  /// For assertions: whether the calling thread holds `slot` (or is past telling).
  [[nodiscard]] static bool held_here(const Slot* slot) noexcept {
    return cache_.exited || cache_.slot == slot
           || std::ranges::any_of(leases(), [&](const lease& l) { return l.slot == slot; });
  }

private:
  static_assert(std::is_nothrow_default_constructible_v<Slot>);
  static constexpr std::size_t block_slots = 64;

  struct block {
    explicit block(std::size_t first_number) noexcept : first(first_number) {
      if constexpr (requires(Slot & s) { s.number = std::uint32_t{}; })
        for (std::size_t i = 0; i != block_slots; ++i)
          slots[i].number = static_cast<std::uint32_t>(first + i);
    }
    const std::size_t first;                                // number of slots[0]
    std::array<std::atomic<bool>, block_slots> in_use = {}; // whoever sets it owns the slot
    std::array<Slot, block_slots> slots;
    std::atomic<block*> next = nullptr; // set once
  };
  struct table {
    explicit table(std::size_t max) noexcept : slots_max(max), first(0) {}
    ~table() {
      for (block* b = first.next.load(std::memory_order_relaxed); b != nullptr;)
        delete std::exchange(b, b->next.load(std::memory_order_relaxed));
    }
    const std::size_t slots_max;
    std::atomic<std::size_t> taken = 0; // slots in use, or about to be
    std::atomic<std::size_t> made = 0;  // highest number ever handed out, plus 1
    std::atomic<bool> owner_gone = false;
    block first;
  };

  // A thread's right to one slot. Gives it back when destroyed.
  struct lease {
    lease(std::shared_ptr<table> t, Slot* s, std::atomic<bool>* u) noexcept
      : home(std::move(t)), slot(s), in_use(u) {}
    lease(lease&&) noexcept = default;
    lease& operator=(lease&& other) noexcept {
      lease(std::move(other)).swap(*this);
      return *this;
    }
    ~lease() {
      if (home == nullptr)
        return;
      // Release: pairs with the exchange in claim(), so that the slot's next thread sees what we
      // left.
      in_use->store(false, std::memory_order_release);
      home->taken.fetch_sub(1, std::memory_order_relaxed);
    }
    void swap(lease& other) noexcept {
      std::swap(home, other.home);
      std::swap(slot, other.slot);
      std::swap(in_use, other.in_use);
    }
    bool busy() const {
      if constexpr (requires(const Slot& s) { s.busy(); })
        return slot->busy();
      else
        return false;
    }
    std::shared_ptr<table> home;
    Slot* slot;
    std::atomic<bool>* in_use;
  };
  struct thread_leases : std::vector<lease> {
    ~thread_leases() {
      cache_ = {nullptr, nullptr, true};
      if constexpr (requires(Slot & s) { s.linger(std::shared_ptr<void>()); })
        for (lease& l : *this)
          if (l.busy()) {
            Slot* slot = l.slot;
            slot->linger(std::make_shared<lease>(std::move(l)));
          }
    }
  };
  struct cached {
    const table* home = nullptr; // kept alive by this thread's lease
    Slot* slot = nullptr;
    bool exited = false; // this thread's leases are destroyed
  };

  static thread_leases& leases() {
    thread_local thread_leases all;
    return all;
  }
  [[gnu::noinline]] Slot* find_or_claim() noexcept;
  static lease claim(const std::shared_ptr<table>& home);

  static constinit inline thread_local cached cache_ = {};
  std::shared_ptr<table> table_; // const; shared with the leases
};

template <class Slot>
Slot* thread_slots<Slot>::find_or_claim() noexcept {
  if (cache_.exited)
    return nullptr;
  thread_leases& all = leases();
  for (const lease& l : all)
    if (l.home == table_) {
      cache_ = {table_.get(), l.slot, false};
      return l.slot;
    }
  try {
    lease fresh = claim(table_);
    Slot* slot = fresh.slot;
    if (slot == nullptr)
      return nullptr;
    std::vector<lease> stale; // dropped last: a slot's destructor may come here again
    stale.reserve(all.size());
    all.reserve(all.size() + 1);
    for (lease& l : all)
      if (l.home->owner_gone.load(std::memory_order_relaxed) && !l.busy())
        stale.push_back(std::move(l));
    std::erase_if(all, [](const lease& l) { return l.home == nullptr; });
    all.push_back(std::move(fresh));
    cache_ = {table_.get(), slot, false}; // before the address of a stale table can come back
    return slot;
  } catch (const std::bad_alloc&) {
    return nullptr; // the same to the caller as a full table
  }
}

template <class Slot>
auto thread_slots<Slot>::claim(const std::shared_ptr<table>& home) -> lease {
  lease none(nullptr, nullptr, nullptr);
  if (home->taken.fetch_add(1, std::memory_order_relaxed) >= home->slots_max) {
    home->taken.fetch_sub(1, std::memory_order_relaxed);
    return none;
  }
  // `taken` says that one is free: should another thread snatch it, that thread has gone on.
  for (block* b = &home->first;;) {
    for (std::size_t i = 0; i != block_slots && b->first + i != home->slots_max; ++i) {
      // Acquire: pairs with ~lease, so that we see what the last thread left in the slot.
      if (b->in_use[i].load(std::memory_order_relaxed)
          || b->in_use[i].exchange(true, std::memory_order_acquire))
        continue;
      std::size_t made = home->made.load(std::memory_order_relaxed);
      while (made <= b->first + i // release: pairs with size()
             && !home->made.compare_exchange_weak(made, b->first + i + 1, std::memory_order_release,
                                                  std::memory_order_relaxed)) {}
      return lease(home, &b->slots[i], &b->in_use[i]);
    }
    block* next = b->next.load(std::memory_order_acquire);
    if (b->first + block_slots >= home->slots_max) {
      next = &home->first;
    } else if (next == nullptr) {
      auto* made = new (std::nothrow) block(b->first + block_slots);
      if (made == nullptr) {
        home->taken.fetch_sub(1, std::memory_order_relaxed);
        return none;
      }
      // Release: pairs with the acquire loads of `next`, so that whoever follows it sees the slots.
      if (b->next.compare_exchange_strong(next, made, std::memory_order_acq_rel,
                                          std::memory_order_acquire))
        next = made;
      else
        delete made;
    }
    b = next;
  }
}

} // namespace cmem
