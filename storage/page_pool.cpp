#include "storage/page_pool.hpp"

#include "storage/sanitizers.hpp"

#include <algorithm>
#include <bit>
#include <new>

namespace cmem {

namespace {

/// Slabs are carved in this unit, so that a hundred classes do not take a span each.
constexpr std::size_t slab_unit = 4096;

constexpr std::size_t units(std::size_t bytes) { return (bytes + handle_unit - 1) / handle_unit; }

} // namespace

page_pool::~page_pool() {
  // The arena's next user (or munmap) finds no poison behind.
  CMEM_UNPOISON(memory_.base(), memory_.bytes_handed_out());
}

std::size_t page_pool::class_of(std::size_t bytes) noexcept {
  if (bytes <= exact_max)
    return units(std::max<std::size_t>(bytes, 1)) - 1;
  return exact_classes + static_cast<std::size_t>(std::bit_width(bytes - 1)) - 14;
}

std::size_t page_pool::class_bytes(std::size_t size_class) noexcept {
  return size_class < exact_classes ? (size_class + 1) * handle_unit
                                    : std::size_t{1} << (size_class - exact_classes + 14);
}

handle page_pool::carve(std::size_t size_class) {
  const std::size_t block = class_bytes(size_class);
  if (block > exact_max) {
    const handle h = memory_.allocate_spans((block + span_bytes - 1) / span_bytes);
    if (h == 0)
      throw std::bad_alloc();
    return h;
  }
  const std::size_t slab = (std::max(slab_unit, 4 * block) + slab_unit - 1) / slab_unit * slab_unit;
  if ((std::size_t{chunk_end_} - chunk_next_) * handle_unit < slab) {
    const handle span = memory_.allocate_spans(1);
    if (span == 0)
      throw std::bad_alloc();
    chunk_next_ = span;
    chunk_end_ = span + static_cast<handle>(span_bytes / handle_unit);
  }
  const handle first = chunk_next_;
  chunk_next_ += static_cast<handle>(slab / handle_unit);
  // The first block goes out; the others are linked in address order.
  const auto step = static_cast<handle>(block / handle_unit);
  const std::size_t count = slab / block;
  for (std::size_t i = count - 1; i > 0; --i) {
    const handle h = first + static_cast<handle>(i) * step;
    *memory_.as<handle>(h) = free_[size_class];
    free_[size_class] = h;
    CMEM_POISON(memory_.at(h) + sizeof(handle), block - sizeof(handle));
  }
  return first;
}

handle page_pool::allocate(std::size_t bytes, page_use use) {
  const std::size_t c = class_of(bytes);
  handle h = free_[c];
  if (h != 0)
    free_[c] = *memory_.as<handle>(h);
  else
    h = carve(c);
  CMEM_UNPOISON(memory_.at(h), class_bytes(c));
  if (use != page_use::id_table)
    journal_.push_back({h, static_cast<std::uint32_t>(bytes), use});
  auto& used = in_use_[static_cast<std::size_t>(use)];
  used.store(used.load(std::memory_order_relaxed) + class_bytes(c), std::memory_order_relaxed);
  return h;
}

void page_pool::release(handle h, std::size_t bytes, page_use use) noexcept {
  const std::size_t c = class_of(bytes);
  *memory_.as<handle>(h) = free_[c];
  free_[c] = h;
  CMEM_POISON(memory_.at(h) + sizeof(handle), class_bytes(c) - sizeof(handle));
  auto& used = in_use_[static_cast<std::size_t>(use)];
  used.store(used.load(std::memory_order_relaxed) - class_bytes(c), std::memory_order_relaxed);
}

void page_pool::discard_since_keep() noexcept {
  for (const block& b : journal_)
    release(b.at, b.bytes, b.use);
  journal_.clear();
}

std::size_t page_pool::bytes_in_use(page_use use) const noexcept {
  return in_use_[static_cast<std::size_t>(use)].load(std::memory_order_relaxed);
}

std::size_t page_pool::bytes_in_use() const noexcept {
  std::size_t sum = 0;
  for (const auto& n : in_use_)
    sum += n.load(std::memory_order_relaxed);
  return sum;
}

} // namespace cmem
