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

void page_pool::carve(side& s, std::size_t size_class) {
  free_list& list = s.free[size_class];
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
    s.list_bytes += (list.blocks.capacity() - before) * sizeof(handle);
  }
  if ((std::size_t{s.chunk_end} - s.chunk_next) * handle_unit < slab) {
    const handle span = memory_.allocate_spans(1);
    if (span == 0)
      throw std::bad_alloc();
    s.chunk_next = span;
    s.chunk_end = span + static_cast<handle>(span_bytes / handle_unit);
  }
  for (std::size_t i = count; i > 0; --i) // out in address order
    list.blocks.push_back(s.chunk_next + static_cast<handle>((i - 1) * (block / handle_unit)));
  CMEM_POISON(memory_.at(s.chunk_next), slab);
  list.carved += count;
  s.chunk_next += static_cast<handle>(slab / handle_unit);
}

handle page_pool::allocate(std::size_t bytes, page_use use) {
  constexpr std::size_t ahead = 8;
  const std::size_t c = class_of(bytes);
  side& s = side_of(use);
  std::vector<handle>& blocks = s.free[c].blocks;
  if (blocks.empty())
    carve(s, c);
  if (use != page_use::id_table)
    s.journal.push_back({blocks.back(), static_cast<std::uint32_t>(bytes), use});
  const handle h = blocks.back();
  blocks.pop_back();
  ++s.free[c].since;
  if (blocks.size() > ahead) {
    const std::byte* later = memory_.at(blocks[blocks.size() - ahead]);
    prefetch_line(later);
    prefetch_line(later + 64);
  }
  CMEM_UNPOISON(memory_.at(h), class_bytes(c));
  add_in_use(use, class_bytes(c));
  return h;
}

void page_pool::release(handle h, std::size_t bytes, page_use use) noexcept {
  const std::size_t c = class_of(bytes);
  side_of(use).free[c].blocks.push_back(h);
  CMEM_POISON(memory_.at(h), class_bytes(c));
  add_in_use(use, std::size_t{0} - class_bytes(c));
}

void page_pool::add_in_use(page_use use, std::size_t bytes) noexcept {
  auto& used = in_use_[static_cast<std::size_t>(use)].bytes;
  used.store(used.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
}

void page_pool::provision() noexcept {
  constexpr std::size_t page_bytes = 4096;
  std::size_t left = provision_bytes_max;
  for (std::size_t at = 0; at < 2 * exact_classes; ++at) {
    side& s = sides_[at % 2];
    const std::size_t c = at / 2;
    free_list& list = s.free[c];
    list.recent = std::max(list.since, list.recent - list.recent / 8);
    list.since = 0;
    while (list.blocks.size() < list.recent && left >= slab_bytes(c)) {
      const std::size_t before = list.blocks.size();
      try {
        carve(s, c);
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
  for (side& s : sides_) {
    for (const block& b : s.journal)
      release(b.at, b.bytes, b.use);
    s.journal.clear();
  }
}

void page_pool::keep_unmeasured() noexcept {
  keep();
  for (side& s : sides_)
    for (free_list& list : s.free)
      list.since = 0;
}

std::size_t page_pool::bytes_in_use(page_use use) const noexcept {
  return in_use_[static_cast<std::size_t>(use)].bytes.load(std::memory_order_relaxed);
}

std::size_t page_pool::bytes_in_use() const noexcept {
  std::size_t sum = 0;
  for (const auto& n : in_use_)
    sum += n.bytes.load(std::memory_order_relaxed);
  return sum;
}

} // namespace cmem
