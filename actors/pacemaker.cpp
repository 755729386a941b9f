#include "actors/pacemaker.hpp"

#include <utility>

namespace cmem {

pacemaker::pacemaker(std::chrono::nanoseconds interval, std::function<void()> beat)
  : interval_(interval), beat_(std::move(beat)), thread_([this] { run(); }) {}

pacemaker::~pacemaker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void pacemaker::run() {
  using clock = std::chrono::steady_clock;
  auto due = clock::now() + interval_;
  std::unique_lock lock(mutex_);
  while (!changed_.wait_until(lock, due, [this] { return stopping_; })) {
    lock.unlock();
    beat_();
    const auto late = clock::now() - due;
    due += interval_ * (late / interval_ + 1);
    lock.lock();
  }
}

} // namespace cmem
