#include "storage/settlement_waiters.hpp"

#include <utility>

namespace cmem {

settlement_waiters::~settlement_waiters() {
  for (waiter* list : {taken_, arrived_.load(std::memory_order_acquire)}) // pairs with add()
    while (list != nullptr)
      delete std::exchange(list, list->next);
}

void settlement_waiters::add(const ticket& of, std::uint64_t pushed,
                             std::function<void(settlement)> done) {
  auto* w = new waiter{of, pushed, std::move(done), arrived_.load(std::memory_order_relaxed)};
  // Release: pairs with the exchange in collect().
  while (!arrived_.compare_exchange_weak(w->next, w, std::memory_order_release,
                                         std::memory_order_relaxed)) {}
}

const std::vector<std::unique_ptr<settlement_waiters::waiter>>& settlement_waiters::collect() {
  do {
    while (taken_ != nullptr) {
      waiter* next = taken_->next;
      waiting_.emplace_back(taken_); // throws before it owns
      taken_ = next;
    }
    taken_ = arrived_.exchange(nullptr, std::memory_order_acquire); // pairs with add()
  } while (taken_ != nullptr);
  return waiting_;
}

} // namespace cmem
