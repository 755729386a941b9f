#include "bench/huge_pages.hpp"

#include <new>

#include <sys/mman.h>

namespace cmem::bench {
namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;

// Whole huge pages, so that the last part of an array lies in one as well.
std::size_t mapped(std::size_t bytes) noexcept {
  return (bytes + huge_page - 1) / huge_page * huge_page;
}

} // namespace

void* allocate_huge(std::size_t bytes) {
  if (bytes < huge_bytes_min)
    return ::operator new(bytes);
  // Not by the heap: that may give what was touched before, and is in small pages then.
  const std::size_t size = mapped(bytes);
  void* const all =
    ::mmap(nullptr, size + huge_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED)
    throw std::bad_alloc();
  auto* const first = static_cast<std::byte*>(all);
  const std::size_t before =
    (huge_page - reinterpret_cast<std::size_t>(first) % huge_page) % huge_page;
  if (before != 0)
    ::munmap(first, before);
  ::munmap(first + before + size, huge_page - before);
  // Advice only, as the arena has it.
  (void) ::madvise(first + before, size, MADV_HUGEPAGE);
  return first + before;
}

void free_huge(void* p, std::size_t bytes) noexcept {
  if (bytes < huge_bytes_min)
    ::operator delete(p);
  else
    ::munmap(p, mapped(bytes));
}

} // namespace cmem::bench
