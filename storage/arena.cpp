#include "storage/arena.hpp"

#include <algorithm>
#include <new>

#include <sys/mman.h>

namespace cmem {

arena::arena(std::size_t reserve_bytes)
  : base_(nullptr),
    spans_(std::clamp(reserve_bytes, 2 * span_bytes, arena_bytes_max) / span_bytes),
    ends_(std::uint64_t{spans_} << 32 | 1U) {
  void* p = ::mmap(nullptr, spans_ * span_bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED)
    throw std::bad_alloc();
  // Advice only: fewer TLB misses where the kernel has huge pages to give.
  (void) ::madvise(p, spans_ * span_bytes, MADV_HUGEPAGE);
  base_ = static_cast<std::byte*>(p);
}

arena::~arena() { ::munmap(base_, spans_ * span_bytes); }

handle arena::allocate_spans(std::size_t count) noexcept {
  std::uint64_t ends = ends_.load(std::memory_order_relaxed);
  do {
    if (count > top_of(ends) - bottom_of(ends))
      return 0;
  } while (!ends_.compare_exchange_weak(ends, ends + count, std::memory_order_relaxed));
  return static_cast<handle>(bottom_of(ends) * (span_bytes / handle_unit));
}

handle arena::allocate_top(std::size_t count) noexcept {
  std::uint64_t ends = ends_.load(std::memory_order_relaxed);
  do {
    if (count > top_of(ends) - bottom_of(ends))
      return 0;
  } while (!ends_.compare_exchange_weak(ends, ends - (std::uint64_t{count} << 32),
                                        std::memory_order_relaxed));
  return static_cast<handle>((top_of(ends) - count) * (span_bytes / handle_unit));
}

} // namespace cmem
