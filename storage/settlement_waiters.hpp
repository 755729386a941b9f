#pragma once
// Those who wait for what becomes of an entry (W4).

#include "storage/ticket.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace cmem {

/// Threads: add() from any thread, lock-free (it allocates); the rest from one thread at a time.
class settlement_waiters {
public:
  struct waiter {
    ticket of;
    std::uint64_t pushed; ///< write_log::pushed() when it came: the entry has left the log once
                          ///< popped() is there
    std::function<void(settlement)> done;
    waiter* next = nullptr;
  };

  settlement_waiters() = default;
  ~settlement_waiters();
  settlement_waiters(const settlement_waiters&) = delete;
  settlement_waiters& operator=(const settlement_waiters&) = delete;

  void add(const ticket& of, std::uint64_t pushed, std::function<void(settlement)> done);
  /// Takes over who came since the last call. Throws std::bad_alloc: nobody is lost, the next call
  /// goes on.
  const std::vector<std::unique_ptr<waiter>>& collect();
  /// Takes out those whose fate is known: `fate_of(waiter)` is not pending. Call tell() on them,
  /// holding no lock. Throws std::bad_alloc before it takes any. Precondition: `fate_of` answers
  /// the same during the call.
  struct known {
    std::unique_ptr<waiter> who;
    settlement what;
    void tell() const { who->done(what); }
  };
  template <class FateOf>
  [[nodiscard]] std::vector<known> take_known(FateOf&& fate_of) {
    const auto told = [&](const auto& w) { return fate_of(*w).what != fate::pending; };
    std::vector<known> out;
    out.reserve(static_cast<std::size_t>(std::count_if(waiting_.begin(), waiting_.end(), told)));
    std::erase_if(waiting_, [&](std::unique_ptr<waiter>& w) {
      const settlement s = fate_of(*w);
      if (s.what == fate::pending)
        return false;
      out.push_back({std::move(w), s});
      return true;
    });
    return out;
  }

private:
  std::atomic<waiter*> arrived_{nullptr}; // pushed by anyone, taken as a whole: no ABA
  waiter* taken_ = nullptr;               // taken over, and not in waiting_ yet
  std::vector<std::unique_ptr<waiter>> waiting_;
};

} // namespace cmem
