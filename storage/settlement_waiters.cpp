#include "storage/settlement_waiters.hpp"

#include <utility>

namespace cmem {

settlement_waiters::~settlement_waiters() {
  for (waiter* list : {taken_, arrived_.load(std::memory_order_acquire)}) // pairs with add()
    while (list != nullptr)
      delete std::exchange(list, list->next);
}

void settlement_waiters::add(std::unique_ptr<waiter> w) noexcept {
  waiter* one = w.release();
  one->next = arrived_.load(std::memory_order_relaxed);
  // Release: pairs with the exchange in collect().
  while (!arrived_.compare_exchange_weak(one->next, one, std::memory_order_release,
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
