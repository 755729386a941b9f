#pragma once
// id -> index, shared by all snapshots.

#include "storage/arena.hpp"
#include "storage/concept_id.hpp"
#include "storage/page_pool.hpp"
#include "storage/reclaimer.hpp"
#include "storage/sanitizers.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#if defined(__SSE2__)
#  include <emmintrin.h>
#endif

namespace cmem {

/// 4,096 open-addressing tables of 8-byte slots {32-bit fingerprint, 32-bit index}, in buckets of
/// one cache line that are looked through without a branch a slot; the ids themselves stay in the
/// records, and a caller's `matches(index)` compares them.
///
/// It is not versioned. A reader checks what it finds against its own snapshot, so what it finds is
/// always right; what it does not find is right if the table was not replaced meanwhile, which a
/// tag in the table's word tells. A table that was outgrown is freed when no snapshot from before
/// is left; one replaced to be rid of tombstones is reused for tables of its size only, so that a
/// late reader reads slots, never something else. Threads: find() from any thread, lock-free (again
/// only when the writer replaced the table); insert(), erase() from the reconciler alone.
class id_table {
public:
  id_table(page_pool& pages, reclaimer& retired);
  ~id_table();
  id_table(const id_table&) = delete;
  id_table& operator=(const id_table&) = delete;

  /// The index under `hash` for which matches(index) holds; index_none if there is none.
  template <class Matches>
  [[nodiscard]] std::uint32_t find(std::uint64_t hash, const Matches& matches) const noexcept {
    const std::atomic<std::uint64_t>& shard = shards_[shard_of(hash)];
    std::uint64_t word = shard.load(std::memory_order_acquire); // pairs with the release in grow()
    for (;;) {
      if (const std::uint32_t found = probe(word, hash, matches); found != index_none)
        return found;
      // Who read a slot of another life of the table acquired that it was replaced (see store()).
      const std::uint64_t again = shard.load(std::memory_order_acquire);
      if (again == word)
        return index_none;
      word = again;
    }
  }
  /// The first index with the fingerprint of `hash`, unverified, for prefetching; index_none if
  /// there is none.
  [[nodiscard]] std::uint32_t candidate(std::uint64_t hash) const noexcept;
  void prefetch(std::uint64_t hash) const noexcept;

  /// Makes an empty table large enough for `n` random ids, so that inserting them moves nothing.
  void reserve(std::uint64_t n);
  /// Precondition: not in the table. Throws std::bad_alloc, and then has changed nothing.
  void insert(std::uint64_t hash, std::uint32_t index);
  /// Removes the slot with this hash and index, if it is there.
  void erase(std::uint64_t hash, std::uint32_t index) noexcept;

  static constexpr std::uint32_t index_none = 0xFFFF'FFFF;

private:
  static constexpr std::size_t shard_count = 4096;
  static constexpr std::size_t bucket_slots = 8;          // a cache line
  static constexpr std::uint32_t empty = 0;               // low half of a slot: index + 1
  static constexpr std::uint32_t tombstone = 0xFFFF'FFFF; // keeps probe chains whole

  // A shard's word: handle of its slots (32 bits), tag (26 bits), log2 of its capacity (6 bits).
  static std::size_t shard_of(std::uint64_t hash) noexcept { return hash >> 52; }
  static std::size_t capacity(std::uint64_t word) noexcept {
    return std::size_t{1} << (word & 0x3F);
  }
  // First slot of the bucket. From the fingerprint, so that a table grows without a look at the
  // records.
  static std::size_t home(std::uint32_t fingerprint, std::uint64_t word) noexcept {
    return fingerprint & (capacity(word) - 1) & ~(bucket_slots - 1);
  }
  std::atomic<std::uint64_t>* slots(std::uint64_t word) const noexcept {
    return reinterpret_cast<std::atomic<std::uint64_t>*>(base_ + (word >> 32) * handle_unit);
  }
  // Release: pairs with the acquire loads of probe() and probe_on(). The record behind an index is
  // seen by who finds it; and a late reader in a table that serves again sees, with anything that
  // was written for its new life, that it left its shard.
  static void store(std::atomic<std::uint64_t>& slot, std::uint64_t value) noexcept {
    slot.store(value, std::memory_order_release);
  }
  // One bit for each slot of the bucket that seems to have this fingerprint. A hint: the slot
  // itself is then loaded and looked at. On x86-64 four loads of two slots each, where
  // ThreadSanitizer does not look.
  static unsigned fingerprints_like(const std::atomic<std::uint64_t>* bucket,
                                    std::uint32_t fingerprint) noexcept {
#if defined(__SSE2__) && !defined(CMEM_TSAN)
    const auto* pairs = reinterpret_cast<const float*>(bucket);
    const auto four = [&](int first) { // the high halves of four slots
      const __m128 high =
        _mm_shuffle_ps(_mm_load_ps(pairs + first), _mm_load_ps(pairs + first + 4), 0xDD);
      return _mm_cmpeq_epi32(_mm_castps_si128(high), _mm_set1_epi32(static_cast<int>(fingerprint)));
    };
    const __m128i eight = _mm_packs_epi32(four(0), four(8));
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_packs_epi16(eight, _mm_setzero_si128())));
#else
    unsigned hits = 0;
    for (unsigned i = 0; i < bucket_slots; ++i)
      hits |= (bucket[i].load(std::memory_order_relaxed) >> 32 == fingerprint ? 1U : 0U) << i;
    return hits;
#endif
  }
  template <class Matches>
  std::uint32_t probe(std::uint64_t word, std::uint64_t hash,
                      const Matches& matches) const noexcept {
    // Nearly always in its first bucket, and alone with its fingerprint.
    const std::atomic<std::uint64_t>* bucket =
      slots(word) + home(static_cast<std::uint32_t>(hash), word);
    if (const unsigned hits = fingerprints_like(bucket, static_cast<std::uint32_t>(hash));
        hits != 0) [[likely]] {
      const std::uint64_t s =
        bucket[std::countr_zero(hits)].load(std::memory_order_acquire); // pairs with insert()
      const auto v = static_cast<std::uint32_t>(s);
      if (v != empty && v != tombstone && matches(v - 1)) [[likely]]
        return v - 1;
    }
    return probe_on(word, hash, matches);
  }
  template <class Matches>
  [[gnu::noinline]] std::uint32_t probe_on(std::uint64_t word, std::uint64_t hash,
                                           const Matches& matches) const noexcept {
    const std::size_t mask = capacity(word) - 1;
    const auto fingerprint = static_cast<std::uint32_t>(hash);
    std::size_t at = home(fingerprint, word);
    for (std::size_t n = 0; n <= mask;
         n += bucket_slots) { // bounded: a late reader may find no end
      const std::atomic<std::uint64_t>* bucket = slots(word) + at;
      bool full = true;
      for (std::size_t i = 0; i < bucket_slots; ++i) {
        const std::uint64_t s = bucket[i].load(std::memory_order_acquire); // pairs with insert()
        const auto v = static_cast<std::uint32_t>(s);
        full = full && v != empty;
        if (s >> 32 == fingerprint && v != empty && v != tombstone && matches(v - 1))
          return v - 1;
      }
      if (!full) // an insert goes on to the next bucket only from one that was full
        return index_none;
      at = (at + bucket_slots) & mask;
    }
    return index_none;
  }
  [[nodiscard]] handle new_slots(std::size_t log2_capacity);
  void grow(std::size_t shard);
  [[nodiscard]] std::uint32_t limit(std::size_t shard, std::uint64_t word) const noexcept;

  page_pool& pages_;
  reclaimer& retired_;
  std::byte* base_;                                              // const: of the arena
  std::array<std::atomic<std::uint64_t>, shard_count> shards_{}; // written by the reconciler
  std::array<std::uint32_t, shard_count> used_{};  // slots not empty, tombstones included
  std::array<std::uint32_t, shard_count> live_{};  // slots with an index
  std::array<std::vector<handle>, 32> free_slots_; // cleaned tables, by log2 of capacity
};

} // namespace cmem
