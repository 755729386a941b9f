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
/// Memory of pools grows from the bottom, address space for mapped files (span_ranges) from the
/// top: so a handle tells which it is. Threads: allocate_spans() and allocate_top() from any
/// thread, lock-free. Destroying it unmaps everything.
class arena {
public:
  /// Throws std::bad_alloc when the range cannot be reserved (a ulimit on virtual memory).
  explicit arena(std::size_t reserve_bytes = arena_bytes_max);
  ~arena();
  arena(const arena&) = delete;
  arena& operator=(const arena&) = delete;

  /// The first of `count` contiguous spans, or 0 when the range is used up.
  [[nodiscard]] handle allocate_spans(std::size_t count) noexcept;
  /// The same from the top: for mapped files alone.
  [[nodiscard]] handle allocate_top(std::size_t count) noexcept;
  /// It lies in what allocate_top() gave out.
  [[nodiscard]] bool is_mapped(handle h) const noexcept {
    return std::size_t{h} / (span_bytes / handle_unit)
           >= top_of(ends_.load(std::memory_order_relaxed));
  }

  [[nodiscard]] std::byte* base() const noexcept { return base_; }
  [[nodiscard]] std::byte* at(handle h) const noexcept {
    return base_ + std::size_t{h} * handle_unit;
  }
  template <class T>
  [[nodiscard]] T* as(handle h) const noexcept {
    return reinterpret_cast<T*>(at(h));
  }
  /// Bytes handed out from the bottom so far; resident memory is at most this.
  [[nodiscard]] std::size_t bytes_handed_out() const noexcept {
    return bottom_of(ends_.load(std::memory_order_relaxed)) * span_bytes;
  }
  /// Bytes of address space reserved, rounded down to spans.
  [[nodiscard]] std::size_t bytes_reserved() const noexcept { return spans_ * span_bytes; }

private:
  // Both ends of what is free, in one word: span numbers in its upper and lower half.
  static constexpr std::size_t top_of(std::uint64_t ends) noexcept { return ends >> 32; }
  static constexpr std::size_t bottom_of(std::uint64_t ends) noexcept {
    return static_cast<std::uint32_t>(ends);
  }

  std::byte* base_;                 // const
  std::size_t spans_;               // const
  std::atomic<std::uint64_t> ends_; // any thread; the first span is never handed out
};

} // namespace cmem
