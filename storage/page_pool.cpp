#include "storage/page_pool.hpp"

#include "storage/prefetch.hpp"
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

std::size_t page_pool::slab_bytes(std::size_t size_class) noexcept {
  return (std::max(slab_unit, 4 * class_bytes(size_class)) + slab_unit - 1) / slab_unit * slab_unit;
}

void page_pool::carve(std::size_t size_class) {
  free_list& list = free_[size_class];
  const std::size_t block = class_bytes(size_class);
  if (block > exact_max) {
    list.blocks.reserve(list.carved + 1);
    const handle h = memory_.allocate_spans((block + span_bytes - 1) / span_bytes);
    if (h == 0)
      throw std::bad_alloc();
    list.blocks.push_back(h);
    ++list.carved;
    return;
  }
  const std::size_t slab = slab_bytes(size_class);
  const std::size_t count = slab / block;
  if (const std::size_t before = list.blocks.capacity(); before < list.carved + count) {
    list.blocks.reserve(2 * (list.carved + count)); // so that release() never allocates
    list_bytes_ += (list.blocks.capacity() - before) * sizeof(handle);
  }
  if ((std::size_t{chunk_end_} - chunk_next_) * handle_unit < slab) {
    const handle span = memory_.allocate_spans(1);
    if (span == 0)
      throw std::bad_alloc();
    chunk_next_ = span;
    chunk_end_ = span + static_cast<handle>(span_bytes / handle_unit);
  }
  for (std::size_t i = count; i > 0; --i) // out in address order
    list.blocks.push_back(chunk_next_ + static_cast<handle>((i - 1) * (block / handle_unit)));
  CMEM_POISON(memory_.at(chunk_next_), slab);
  list.carved += count;
  chunk_next_ += static_cast<handle>(slab / handle_unit);
}

handle page_pool::allocate(std::size_t bytes, page_use use) {
  constexpr std::size_t ahead = 8;
  const std::size_t c = class_of(bytes);
  std::vector<handle>& blocks = free_[c].blocks;
  if (blocks.empty())
    carve(c);
  if (use != page_use::id_table)
    journal_.push_back({blocks.back(), static_cast<std::uint32_t>(bytes), use});
  const handle h = blocks.back();
  blocks.pop_back();
  ++free_[c].since;
  if (blocks.size() > ahead) {
    const std::byte* later = memory_.at(blocks[blocks.size() - ahead]);
    prefetch_line(later);
    prefetch_line(later + 64);
  }
  CMEM_UNPOISON(memory_.at(h), class_bytes(c));
  auto& used = in_use_[static_cast<std::size_t>(use)];
  used.store(used.load(std::memory_order_relaxed) + class_bytes(c), std::memory_order_relaxed);
  return h;
}

void page_pool::release(handle h, std::size_t bytes, page_use use) noexcept {
  const std::size_t c = class_of(bytes);
  free_[c].blocks.push_back(h);
  CMEM_POISON(memory_.at(h), class_bytes(c));
  auto& used = in_use_[static_cast<std::size_t>(use)];
  used.store(used.load(std::memory_order_relaxed) - class_bytes(c), std::memory_order_relaxed);
}

void page_pool::provision() noexcept {
  constexpr std::size_t page_bytes = 4096;
  std::size_t left = provision_bytes_max;
  for (std::size_t c = 0; c < exact_classes; ++c) {
    free_list& list = free_[c];
    list.recent = std::max(list.since, list.recent - list.recent / 8);
    list.since = 0;
    while (list.blocks.size() < list.recent && left >= slab_bytes(c)) {
      const std::size_t before = list.blocks.size();
      try {
        carve(c);
      } catch (const std::bad_alloc&) {
        return;
      }
      left -= slab_bytes(c);
      for (std::size_t i = before; i < list.blocks.size();
           i += std::max<std::size_t>(1, page_bytes / class_bytes(c))) {
        std::byte* first = memory_.at(list.blocks[i]);
        CMEM_UNPOISON(first, 1);
        *first = std::byte{0};
        CMEM_POISON(first, 1);
      }
    }
  }
}

void page_pool::discard_since_keep() noexcept {
  for (const block& b : journal_)
    release(b.at, b.bytes, b.use);
  journal_.clear();
}

void page_pool::keep_loaded() noexcept {
  keep();
  for (free_list& list : free_)
    list.since = 0;
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
