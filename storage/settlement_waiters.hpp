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

/// Threads: add() from any thread, lock-free; the rest from one thread at a time.
class settlement_waiters {
public:
  struct waiter {
    ticket of;
    std::uint64_t pushed = 0; ///< write_log::pushed() when it came: the entry has left the log once
                              ///< popped() is there
    waiter* next = nullptr;

    explicit waiter(const ticket& t) : of(t) {}
    virtual ~waiter() = default;
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;
    /// Called once. Must not throw.
    virtual void tell(settlement what) = 0;
  };
  struct callback final : waiter {
    std::function<void(settlement)> done;

    callback(const ticket& t, std::function<void(settlement)> f) : waiter(t), done(std::move(f)) {}
    void tell(settlement what) override { done(what); }
  };

  settlement_waiters() = default;
  ~settlement_waiters();
  settlement_waiters(const settlement_waiters&) = delete;
  settlement_waiters& operator=(const settlement_waiters&) = delete;

  void add(std::unique_ptr<waiter> w) noexcept;
  /// Takes over who came since the last call. Throws std::bad_alloc: nobody is lost, the next call
  /// goes on.
  const std::vector<std::unique_ptr<waiter>>& collect();
  /// Takes out those whose fate is known: `fate_of(waiter)` is not pending. Call tell() on them,
  /// holding no lock. Throws std::bad_alloc before it takes any. Precondition: `fate_of` answers
  /// the same during the call.
  struct known {
    std::unique_ptr<waiter> who;
    settlement what;
    void tell() const { who->tell(what); }
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
