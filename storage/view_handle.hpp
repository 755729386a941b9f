#pragma once
// Snapshots held by a count: handles that may be kept, copied and mailed.

#include "storage/real_sync.hpp"

#include <cstdint>
#include <memory>
#include <utility>

namespace cmem {

/// Base of what a read view publishes. Frees nothing itself: the reconciler frees a target when
/// basic_read_view::scan() says that nobody uses it.
template <class Sync>
class basic_view_target {
public:
  basic_view_target() = default;
  basic_view_target(const basic_view_target&) = delete;
  basic_view_target& operator=(const basic_view_target&) = delete;

private:
  template <class, class>
  friend class basic_read_view;
  template <class>
  friend class shared_handle;
  mutable typename Sync::template atomic<std::uint32_t> shares_{0}; // handles out; any thread
  std::uint64_t replaced_in_ = 0; // the reconciler's: epoch in which another one was published
};
using view_target = basic_view_target<real_sync>;

/// One count on a target, and the life of everything the target stands on, also after the memory
/// is closed and destroyed (R1). Giving it up only marks (R3): the reconciler frees, later; but the
/// last handle on a memory that is already destroyed takes down what was kept.
/// Threads: like a shared_ptr: different handles from any threads, also when they name one target.
template <class T>
class shared_handle {
public:
  shared_handle() noexcept = default; ///< names nothing
  shared_handle(const shared_handle& other) noexcept
    : shared_handle(other.target_, other.keep_alive_) {}
  shared_handle(shared_handle&& other) noexcept
    : target_(std::exchange(other.target_, nullptr)), keep_alive_(std::move(other.keep_alive_)) {}
  shared_handle& operator=(shared_handle other) noexcept {
    std::swap(target_, other.target_);
    keep_alive_.swap(other.keep_alive_);
    return *this;
  }
  ~shared_handle() {
    if (target_ != nullptr)
      target_->shares_.fetch_sub(
        1, std::memory_order_release); // pairs with scan(): our reads are over
  }

  [[nodiscard]] const T* get() const noexcept { return target_; }
  const T* operator->() const noexcept { return target_; }
  const T& operator*() const noexcept { return *target_; }
  explicit operator bool() const noexcept { return target_ != nullptr; }
  /// The same target.
  friend bool operator==(const shared_handle& a, const shared_handle& b) noexcept {
    return a.target_ == b.target_;
  }

private:
  template <class, class>
  friend class basic_read_view;
  template <class, class>
  friend class basic_guard;
  // Precondition: something else holds the target during the call.
  shared_handle(const T* target, std::shared_ptr<void> keep_alive) noexcept
    : target_(target), keep_alive_(std::move(keep_alive)) {
    if (target_ != nullptr) // relaxed: what holds the target publishes the count when it lets go
      target_->shares_.fetch_add(1, std::memory_order_relaxed);
  }

  const T* target_ = nullptr;
  std::shared_ptr<void> keep_alive_; // dropped after the count: the target lies in it
};

} // namespace cmem
