#include "storage/payload_pool.hpp"

#include "storage/prefetch.hpp"
#include "storage/sanitizers.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <new>
#include <utility>

namespace cmem {

namespace {

constexpr std::size_t small_block_max = 256;
constexpr std::size_t small_classes = small_block_max / handle_unit;
constexpr std::size_t page_bytes = 4096;
constexpr std::size_t cache_line = 64;
/// Free blocks of each small class, in bytes: enough for the first burst until provision() follows.
constexpr std::size_t small_ready_bytes = std::size_t{128} << 10;

} // namespace

payload_pool::payload_pool(arena& memory) : memory_(memory) {
  // A small arena (tests, tiny memories) is left to those who allocate.
  if (memory.bytes_handed_out() + 4 * small_classes * small_ready_bytes > memory.bytes_reserved())
    return;
  for (std::size_t i = 0; i < small_classes; ++i)
    keep_ready(class_bytes(i) - sizeof(header),
               static_cast<std::uint32_t>(small_ready_bytes / class_bytes(i)));
}

payload_pool::~payload_pool() {
  // The arena's range goes back to the system, and whoever maps it next must not find it poisoned.
  CMEM_UNPOISON(memory_.base(), memory_.bytes_handed_out());
}

std::size_t payload_pool::class_of(std::size_t block) noexcept {
  assert(block >= handle_unit);
  if (block <= small_block_max)
    return block / handle_unit - 1;
  const auto width = static_cast<std::size_t>(std::bit_width(block - 1));
  const std::size_t quarter = ((block - 1) >> (width - 3)) & 3;
  return small_classes + (width - 9) * 4 + quarter;
}

std::size_t payload_pool::class_bytes(std::size_t index) noexcept {
  assert(index < class_count);
  if (index < small_classes)
    return (index + 1) * handle_unit;
  const std::size_t doubling = (index - small_classes) / 4;
  const std::size_t quarter = (index - small_classes) % 4;
  return (5 + quarter) << (doubling + 6);
}

std::size_t payload_pool::spans_of(std::size_t block) noexcept {
  std::size_t spans = (block + span_bytes - 1) / span_bytes;
  // Sizes are 4 to 7 times a power of two: within 7 spans more, hardly anything is left over.
  while (spans * span_bytes % block * 8 > spans * span_bytes)
    ++spans;
  return spans;
}

std::size_t payload_pool::block_bytes(std::size_t bytes) noexcept {
  assert(bytes <= payload_bytes_max);
  const std::size_t block = (bytes + sizeof(header) + handle_unit - 1) & ~(handle_unit - 1);
  return class_bytes(class_of(block));
}

handle payload_pool::allocate(std::size_t bytes) noexcept {
  const std::size_t index = class_of(block_bytes(bytes));
  size_class& c = classes_[index];
  handle h = c.free.pop(links());
  while (h == 0) {
    if (!carve(index, false))
      return 0;
    h = c.free.pop(links());
  }
  header& head = head_of(h);
  prefetch(head.bytes, class_bytes(index));
  head.bytes = static_cast<std::uint32_t>(bytes);
  CMEM_UNPOISON(data(h), bytes);
  return h;
}

// Free blocks were last written by the reconciler's core, and a list can't be fetched ahead. So
// each names one that comes a few takes later.
void payload_pool::prefetch(handle h, std::size_t block) const noexcept {
  const std::byte* first = memory_.at(h);
  const std::size_t last = std::min(block, small_block_max) - 1;
  for (std::size_t at = 0; at < last; at += cache_line)
    prefetch_line(first + at);
  prefetch_line(first + last);
}

void payload_pool::release(handle h) noexcept {
  if (h == 0 || memory_.is_mapped(h))
    return;
  const std::size_t block = block_bytes(size(h));
  CMEM_POISON(data(h), block - sizeof(header));
  head_of(h).bytes = 0;
  push(class_of(block), h, h, 1);
}

void payload_pool::push(std::size_t index, handle first, handle last,
                        std::uint32_t count) noexcept {
  size_class& c = classes_[index];
  // Before the push: whoever counts this release has seen the pops before it (see in_use()).
  c.released.fetch_add(count, std::memory_order_release);
  c.free.push(first, last, links());
}

bool payload_pool::carve(std::size_t index, bool touch) noexcept {
  const std::size_t block = class_bytes(index);
  std::size_t spans = spans_of(block);
  handle first = memory_.allocate_spans(spans);
  if (first == 0) { // nearly used up: perhaps one block still fits
    spans = (block + span_bytes - 1) / span_bytes;
    first = memory_.allocate_spans(spans);
    if (first == 0)
      return false;
  }
  const std::size_t bytes = spans * span_bytes;
  const auto count = static_cast<std::uint32_t>(bytes / block);
  if (touch)
    for (std::size_t at = 0; at < count * block; at += page_bytes)
      *reinterpret_cast<volatile std::byte*>(memory_.at(first) + at) = std::byte{0};
  const auto step = static_cast<handle>(block / handle_unit);
  handle h = first;
  for (std::uint32_t i = 0; i < count; ++i, h += step) {
    new (memory_.at(h)) header{{i + 1 < count ? h + step : 0},
                               i + prefetch_ahead < count ? h + prefetch_ahead * step : 0};
    CMEM_POISON(data(h), block - sizeof(header));
  }
  classes_[index].carved.fetch_add(count, std::memory_order_relaxed);
  classes_[index].free.push(first, h - step, links());
  return true;
}

void payload_pool::make_ready(std::size_t index, std::uint32_t blocks,
                              std::size_t& bytes_left) noexcept {
  size_class& c = classes_[index];
  const std::size_t chunk = spans_of(class_bytes(index)) * span_bytes;
  while (c.carved.load(std::memory_order_relaxed) - in_use(c) < blocks) {
    if (chunk > bytes_left || !carve(index, true))
      return;
    bytes_left -= chunk;
  }
}

void payload_pool::provision() noexcept {
  std::size_t bytes_left = provision_bytes_max;
  for (std::size_t i = 0; i < class_count; ++i) {
    size_class& c = classes_[i];
    const std::uint32_t pops = c.free.pops();
    c.recent = std::max(pops - c.pops_seen, c.recent - c.recent / 8);
    c.pops_seen = pops;
    make_ready(i, std::max(2 * c.recent, c.ready_min), bytes_left);
  }
}

void payload_pool::keep_ready(std::size_t bytes, std::uint32_t blocks) noexcept {
  const std::size_t index = class_of(block_bytes(bytes));
  classes_[index].ready_min = std::max(classes_[index].ready_min, blocks);
  std::size_t no_limit = arena_bytes_max;
  make_ready(index, blocks, no_limit);
}

std::uint32_t payload_pool::in_use(const size_class& c) noexcept {
  // In this order: a release that is counted has its pop counted too, so this is never negative.
  const std::uint32_t released = c.released.load(std::memory_order_acquire); // pairs with push()
  return c.free.pops() - released;
}

std::size_t payload_pool::bytes_in_use() const noexcept {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < class_count; ++i)
    sum += in_use(classes_[i]) * class_bytes(i);
  return sum;
}

std::size_t payload_pool::bytes_carved() const noexcept {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < class_count; ++i)
    sum += classes_[i].carved.load(std::memory_order_relaxed) * class_bytes(i);
  return sum;
}

void payload_pool::returns::add(handle h) noexcept {
  if (h == 0 || pool_.memory_.is_mapped(h))
    return;
  const std::size_t block = block_bytes(pool_.size(h));
  CMEM_POISON(pool_.data(h), block - sizeof(header));
  chain& c = chains_[class_of(block)];
  pool_.head_of(h).bytes = std::exchange(c.newest[c.count % prefetch_ahead], h);
  pool_.head_of(h).next.store(c.first, std::memory_order_relaxed); // published by push()
  c.first = h;
  if (c.count++ == 0)
    c.last = h;
}

void payload_pool::returns::flush() noexcept {
  for (std::size_t i = 0; i < class_count; ++i) {
    if (chains_[i].count != 0)
      pool_.push(i, chains_[i].first, chains_[i].last, chains_[i].count);
    chains_[i] = {};
  }
}

} // namespace cmem
