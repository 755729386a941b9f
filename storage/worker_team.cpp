#include "storage/worker_team.hpp"

#include <algorithm>
#include <system_error>

namespace cmem {

worker_team::~worker_team() {
  {
    const std::lock_guard lock(mutex_);
    leaving_ = true;
  }
  begun_.notify_all();
  for (std::thread& t : threads_)
    t.join();
}

void worker_team::hire(unsigned helpers) {
  threads_.reserve(helpers);
  try {
    while (threads_.size() < helpers)
      threads_.emplace_back([this] { help(); });
  } catch (const std::system_error&) { // those that there are will do
  }
}

void worker_team::run_task(unsigned helpers, const task& t) {
  if (threads_.size() < helpers)
    hire(helpers);
  const auto places = std::min(helpers, static_cast<unsigned>(threads_.size()));
  {
    const std::lock_guard lock(mutex_);
    task_ = t;
    places_ = places;
  }
  for (unsigned i = 0; i < places; ++i)
    begun_.notify_one();
  t.call(t.f);
  std::unique_lock lock(mutex_);
  places_ = 0;
  ended_.wait(lock, [this] { return busy_ == 0; });
}

void worker_team::help() noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    begun_.wait(lock, [this] { return places_ > 0 || leaving_; });
    if (leaving_)
      return;
    --places_;
    ++busy_;
    const task t = task_;
    lock.unlock();
    t.call(t.f);
    lock.lock();
    if (--busy_ == 0)
      ended_.notify_one();
  }
}

} // namespace cmem
