#pragma once
// The address range that one memory lives in. Everything in it is named by a 32-bit handle, which
// halves what pointers would cost.

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace cmem {

/// Offset from the arena's base in units of 16 bytes; 0 is "none".
using handle = std::uint32_t;

inline constexpr std::size_t handle_unit = 16;
inline constexpr std::size_t span_bytes = std::size_t{64} << 10;
inline constexpr std::size_t arena_bytes_max = (std::size_t{1} << 32) * handle_unit; // 64 GiB
inline constexpr std::size_t arena_bytes_min = std::size_t{4} << 20;

/// Reserves address space once and hands it out in spans of 64 KiB, never taking any back: the
/// pools above it (payload_pool, page_pool) recycle. Pages cost memory from their first touch.
/// Threads: allocate_spans() from any thread, lock-free. Destroying it unmaps everything.
class arena {
public:
  /// Throws std::bad_alloc when the range cannot be reserved (a ulimit on virtual memory).
  explicit arena(std::size_t reserve_bytes = arena_bytes_max);
  ~arena();
  arena(const arena&) = delete;
  arena& operator=(const arena&) = delete;

  /// The first of `count` contiguous spans, or 0 when the range is used up.
  [[nodiscard]] handle allocate_spans(std::size_t count) noexcept;

  [[nodiscard]] std::byte* base() const noexcept { return base_; }
  [[nodiscard]] std::byte* at(handle h) const noexcept {
    return base_ + std::size_t{h} * handle_unit;
  }
  template <class T>
  [[nodiscard]] T* as(handle h) const noexcept {
    return reinterpret_cast<T*>(at(h));
  }
  /// Bytes handed out so far; resident memory is at most this.
  [[nodiscard]] std::size_t bytes_handed_out() const noexcept {
    return next_span_.load(std::memory_order_relaxed) * span_bytes;
  }
  /// Bytes of address space reserved, rounded down to spans.
  [[nodiscard]] std::size_t bytes_reserved() const noexcept { return spans_ * span_bytes; }

private:
  std::byte* base_;                    // const
  std::size_t spans_;                  // const
  std::atomic<std::size_t> next_span_; // any thread; the first span is never handed out
};

} // namespace cmem
