#pragma once
// Memory for the large arrays of baselines. The memory's own arena asks for huge pages (arena.cpp):
// what it is measured against has to have them too.

#include <cstddef>
#include <vector>

namespace cmem::bench {

/// From so many bytes on an array gets pages of its own; smaller ones come from the heap.
inline constexpr std::size_t huge_bytes_min = std::size_t{64} << 10;

/// Begins at a huge page and advises the kernel to use such. Throws std::bad_alloc. Threads: any.
[[nodiscard]] void* allocate_huge(std::size_t bytes);
/// Of what allocate_huge() gave, with the same number.
void free_huge(void* p, std::size_t bytes) noexcept;

/// For containers. All of them are equal.
template <class T>
struct huge_page_allocator {
  using value_type = T;

  huge_page_allocator() noexcept = default;
  template <class U>
  huge_page_allocator(const huge_page_allocator<U>&) noexcept {}

  [[nodiscard]] T* allocate(std::size_t n) { return static_cast<T*>(allocate_huge(n * sizeof(T))); }
  void deallocate(T* p, std::size_t n) noexcept { free_huge(p, n * sizeof(T)); }
  friend bool operator==(const huge_page_allocator&, const huge_page_allocator&) noexcept {
    return true;
  }
};

template <class T>
using huge_vector = std::vector<T, huge_page_allocator<T>>;

} // namespace cmem::bench
