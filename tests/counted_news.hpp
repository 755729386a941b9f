#pragma once
// Counts what a test program allocates: included by its one source.

#include "storage/sanitizers.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace cmem::test {

inline std::atomic<std::uint64_t> news{0}; // of all threads

} // namespace cmem::test

// Sanitizers bring their own: there nothing is counted. Not inline: g++ would take malloc's memory
// for mismatched.
#if !defined(CMEM_ASAN) && !defined(CMEM_TSAN)
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++cmem::test::news;
  if (void* p = std::malloc(bytes == 0 ? 1 : bytes))
    return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
#endif
