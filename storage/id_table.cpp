#include "storage/id_table.hpp"

#include "storage/prefetch.hpp"

#include <cassert>
#include <cmath>
#include <memory>

namespace cmem {

namespace {

constexpr std::size_t log2_capacity_min = 3;

std::uint64_t make_word(handle h, std::uint64_t tag, std::size_t log2_capacity) {
  return std::uint64_t{h} << 32 | (tag & 0x3FF'FFFF) << 6 | log2_capacity;
}

} // namespace

id_table::id_table(page_pool& pages, reclaimer& retired)
  : pages_(pages), retired_(retired), base_(pages.memory().base()) {
  for (auto& shard : shards_)
    shard.store(make_word(new_slots(log2_capacity_min), 0, log2_capacity_min),
                std::memory_order_relaxed);
}

id_table::~id_table() = default; // the slots go with the arena

handle id_table::new_slots(std::size_t log2_capacity) {
  const std::size_t n = std::size_t{1} << log2_capacity;
  handle h = 0;
  auto& recycled = free_slots_[log2_capacity];
  if (recycled.empty()) {
    h = pages_.allocate(n * sizeof(std::uint64_t), page_use::id_table);
    std::uninitialized_default_construct_n(
      reinterpret_cast<std::atomic<std::uint64_t>*>(base_ + std::size_t{h} * handle_unit), n);
  } else {
    h = recycled.back();
    recycled.pop_back();
  }
  auto* slot = reinterpret_cast<std::atomic<std::uint64_t>*>(base_ + std::size_t{h} * handle_unit);
  for (std::size_t i = 0; i < n; ++i)
    store(slot[i], 0);
  return h;
}

std::uint32_t id_table::limit(std::size_t shard, std::uint64_t word) const noexcept {
  // Random ids fill all shards alike: a limit of their own (0.5 to 0.75) keeps them from all
  // growing in one publish.
  const std::size_t spread = (shard * 0x9E37'79B1U >> 7) & 0xFF;
  return static_cast<std::uint32_t>(capacity(word) * (512 + spread) / 1024);
}

void id_table::grow(std::size_t shard) {
  const std::uint64_t old = shards_[shard].load(std::memory_order_relaxed);
  const std::size_t old_log2 = old & 0x3F;
  // Mostly tombstones: a fresh table of the same size will do.
  const std::size_t log2 = live_[shard] * 2 > used_[shard] ? old_log2 + 1 : old_log2;
  free_slots_[old_log2].reserve(free_slots_[old_log2].size() + 1);
  retired_.reserve_few(); // nothing throws once the table is replaced
  const std::uint64_t next = make_word(new_slots(log2), (old >> 6) + 1, log2);
  std::atomic<std::uint64_t>* from = slots(old);
  std::atomic<std::uint64_t>* to = slots(next);
  const std::size_t mask = capacity(next) - 1;
  for (std::size_t i = 0; i < capacity(old); ++i) {
    const std::uint64_t s = from[i].load(std::memory_order_relaxed);
    if (static_cast<std::uint32_t>(s) == empty || static_cast<std::uint32_t>(s) == tombstone)
      continue;
    std::size_t at = home(static_cast<std::uint32_t>(s >> 32), next);
    while (static_cast<std::uint32_t>(to[at].load(std::memory_order_relaxed)) != empty)
      at = (at + 1) & mask;
    store(to[at], s);
  }
  used_[shard] = live_[shard];
  shards_[shard].store(next, std::memory_order_release); // pairs with find()
  const auto outgrown = static_cast<handle>(old >> 32);
  if (log2 == old_log2)
    free_slots_[log2].push_back(outgrown);
  else // any snapshot from before may have a reader in it
    retired_.retire_page(0, outgrown, sizeof(std::uint64_t) << old_log2, page_use::id_table);
}

void id_table::reserve(std::uint64_t n) {
  const double mean = static_cast<double>(n) / static_cast<double>(shard_count);
  const double most = mean + 5 * std::sqrt(mean); // of all shards, but for one store in a thousand
  for (std::size_t s = 0; s != shard_count; ++s) {
    assert(used_[s] == 0);
    const std::uint64_t old = shards_[s].load(std::memory_order_relaxed);
    std::uint64_t log2 = old & 0x3F;
    while (limit(s, log2) < most)
      ++log2;
    if (log2 == (old & 0x3F))
      continue;
    retired_.reserve_few();
    shards_[s].store(make_word(new_slots(log2), (old >> 6) + 1, log2), std::memory_order_release);
    retired_.retire_page(0, static_cast<handle>(old >> 32), sizeof(std::uint64_t) << (old & 0x3F),
                         page_use::id_table);
  }
}

void id_table::insert(std::uint64_t hash, std::uint32_t index) {
  const std::size_t shard = shard_of(hash);
  std::uint64_t word = shards_[shard].load(std::memory_order_relaxed);
  if (used_[shard] + 1 > limit(shard, word)) {
    grow(shard);
    word = shards_[shard].load(std::memory_order_relaxed);
  }
  std::atomic<std::uint64_t>* slot = slots(word);
  const std::size_t mask = capacity(word) - 1;
  std::size_t i = home(static_cast<std::uint32_t>(hash), word);
  auto v = static_cast<std::uint32_t>(slot[i].load(std::memory_order_relaxed));
  while (v != empty && v != tombstone) {
    i = (i + 1) & mask;
    v = static_cast<std::uint32_t>(slot[i].load(std::memory_order_relaxed));
  }
  if (v == empty)
    ++used_[shard];
  ++live_[shard];
  store(slot[i], std::uint64_t{static_cast<std::uint32_t>(hash)} << 32 | (index + 1));
}

void id_table::erase(std::uint64_t hash, std::uint32_t index) noexcept {
  const std::size_t shard = shard_of(hash);
  const std::uint64_t word = shards_[shard].load(std::memory_order_relaxed);
  std::atomic<std::uint64_t>* slot = slots(word);
  const std::size_t mask = capacity(word) - 1;
  for (std::size_t i = home(static_cast<std::uint32_t>(hash), word);; i = (i + 1) & mask) {
    const std::uint64_t s = slot[i].load(std::memory_order_relaxed);
    if (static_cast<std::uint32_t>(s) == empty)
      return;
    if (static_cast<std::uint32_t>(s) == index + 1) {
      store(slot[i], tombstone);
      --live_[shard];
      return;
    }
  }
}

std::uint32_t id_table::candidate(std::uint64_t hash) const noexcept {
  return probe(shards_[shard_of(hash)].load(std::memory_order_relaxed), hash,
               [](std::uint32_t) { return true; });
}

void id_table::prefetch(std::uint64_t hash) const noexcept {
  const std::uint64_t word = shards_[shard_of(hash)].load(std::memory_order_relaxed);
  prefetch_line(slots(word) + home(static_cast<std::uint32_t>(hash), word));
}

} // namespace cmem
