#include "storage/growing_array.hpp"

#include <sys/mman.h>

namespace cmem {

namespace {

constexpr std::size_t huge_bytes_min = std::size_t{8} << 20;

} // namespace

mapped_pages::mapped_pages(std::size_t bytes) : bytes_(bytes) {
  void* p = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED)
    throw std::bad_alloc();
  // Advice only, and not for small ones: most of a huge page would lie idle.
  if (bytes >= huge_bytes_min)
    (void) ::madvise(p, bytes, MADV_HUGEPAGE);
  data_ = static_cast<std::byte*>(p);
}

mapped_pages::~mapped_pages() {
  if (data_ != nullptr)
    ::munmap(data_, bytes_);
}

mapped_pages::mapped_pages(mapped_pages&& other) noexcept
  : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

mapped_pages& mapped_pages::operator=(mapped_pages&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

} // namespace cmem
