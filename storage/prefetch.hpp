#pragma once
// Hints to fetch cache lines ahead of their use.

namespace cmem {

// The empty asm: GCC 12 takes a function that does nothing but prefetch for one without effect, and
// drops the calls of it.

/// Any address will do.
inline void prefetch_to_read(const void* p) noexcept {
  __builtin_prefetch(p);
  asm volatile("");
}

/// Any address will do.
inline void prefetch_to_write(const void* p) noexcept {
  __builtin_prefetch(p, 1);
  asm volatile("");
}

} // namespace cmem
