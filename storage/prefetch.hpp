#pragma once
// A hint to fetch a cache line ahead of its use.

namespace cmem {

/// Any address will do. Into L2: more fetches are under way at once than L1 has buffers for, and
/// what a batch needs is more than L1 holds.
inline void prefetch_line(const void* p) noexcept {
  __builtin_prefetch(p, 0, 2);
  // GCC 12 takes a function that does nothing but prefetch for one without effect, and drops the
  // calls of it.
  asm volatile("");
}

} // namespace cmem
