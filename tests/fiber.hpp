#pragma once
// A function on a stack of its own, which can be left in the middle and gone on with.

#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#if defined(__has_feature)
#  if __has_feature(address_sanitizer)
#    define CMEM_FIBER_ASAN
#  elif __has_feature(thread_sanitizer)
#    define CMEM_FIBER_TSAN
#  endif
#elif defined(__SANITIZE_ADDRESS__)
#  define CMEM_FIBER_ASAN
#elif defined(__SANITIZE_THREAD__)
#  define CMEM_FIBER_TSAN
#endif
#ifdef CMEM_FIBER_ASAN
#  include <sanitizer/common_interface_defs.h>
#endif
#ifdef CMEM_FIBER_TSAN
#  include <sanitizer/tsan_interface.h>
#endif

namespace cmem::test {

/// Runs functions one after the other, each up to its end, on one stack that is kept.
/// Threads: all calls from one thread. resume() must not be called from within a fiber.
class fiber {
public:
  fiber() {
    getcontext(&inside_);
    inside_.uc_stack.ss_sp = stack_.get();
    inside_.uc_stack.ss_size = stack_bytes;
    inside_.uc_link = nullptr;
    const auto self = reinterpret_cast<std::uintptr_t>(this);
    makecontext(&inside_, reinterpret_cast<void (*)()>(&enter), 2, static_cast<unsigned>(self),
                static_cast<unsigned>(self >> 32));
#ifdef CMEM_FIBER_TSAN
    tsan_ = __tsan_create_fiber(0);
#endif
  }
  fiber(const fiber&) = delete;
  fiber& operator=(const fiber&) = delete;
  ~fiber() {
#ifdef CMEM_FIBER_TSAN
    __tsan_destroy_fiber(tsan_);
#endif
  }

  /// Sets what the next resume() starts. Precondition: the last function has ended.
  void start(std::function<void()> f) { body_ = std::move(f); }
  /// Goes on with the function until it leaves or ends.
  void resume() {
#ifdef CMEM_FIBER_ASAN
    void* fake = nullptr;
    __sanitizer_start_switch_fiber(&fake, stack_.get(), stack_bytes);
#elif defined(CMEM_FIBER_TSAN)
    tsan_outside_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(tsan_, 0);
#endif
    swapcontext(&outside_, &inside_);
#ifdef CMEM_FIBER_ASAN
    __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
  }
  /// From within the function: back to who resumed it.
  void leave() {
#ifdef CMEM_FIBER_ASAN
    void* fake = nullptr;
    __sanitizer_start_switch_fiber(&fake, outside_stack_, outside_bytes_);
#elif defined(CMEM_FIBER_TSAN)
    __tsan_switch_to_fiber(tsan_outside_, 0);
#endif
    swapcontext(&inside_, &outside_);
#ifdef CMEM_FIBER_ASAN
    __sanitizer_finish_switch_fiber(fake, &outside_stack_, &outside_bytes_);
#endif
  }
  [[nodiscard]] bool ended() const { return !body_; }

private:
  static constexpr std::size_t stack_bytes = std::size_t{256} << 10;

  static void enter(unsigned low, unsigned high) {
    auto* self = reinterpret_cast<fiber*>(std::uintptr_t{high} << 32 | low);
#ifdef CMEM_FIBER_ASAN
    __sanitizer_finish_switch_fiber(nullptr, &self->outside_stack_, &self->outside_bytes_);
#endif
    for (;;) { // never returns: ThreadSanitizer would miss the ends of what was called
      self->body_();
      self->body_ = nullptr;
      self->leave();
    }
  }

  std::function<void()> body_;
  std::unique_ptr<std::byte[]> stack_ = std::make_unique<std::byte[]>(stack_bytes);
  ucontext_t inside_ = {};
  ucontext_t outside_ = {};
#ifdef CMEM_FIBER_ASAN
  const void* outside_stack_ = nullptr;
  std::size_t outside_bytes_ = 0;
#elif defined(CMEM_FIBER_TSAN)
  void* tsan_ = nullptr;
  void* tsan_outside_ = nullptr;
#endif
};

} // namespace cmem::test
