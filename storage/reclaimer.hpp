#pragma once
// Frees what was replaced, once no live snapshot can see it.

#include "storage/arena.hpp"
#include "storage/page_pool.hpp"
#include "storage/retired_list.hpp"
#include "storage/seeded_bug.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <new>
#include <utility>
#include <vector>

namespace cmem {

/// Interval-based reclamation: an object is freed when no live snapshot's version lies in its
/// interval. What a live snapshot blocks waits in that snapshot's bucket and is looked at again
/// only when that one goes, so a snapshot held for hours costs nothing a tick.
/// Threads: one at a time (the reconciler), but that pages of incoming lists may be retired beside
/// anything else: they are noted apart, as page_pool keeps them.
class reclaimer {
public:
  /// From the version that is being built on, nobody sees the object any more.
  void retire_page(std::uint64_t created, handle h, std::size_t bytes, page_use use) {
    retire(created, retired_kind::page, use, h, static_cast<std::uint32_t>(bytes));
  }
  /// `h` may be 0.
  void retire_payload(std::uint64_t created, handle h) {
    if (h != 0)
      retire(created, retired_kind::payload, page_use::records, h, 0);
  }
  /// Makes the next retirements not throw (a few: one for each array that is published).
  void reserve_few() {
    for (side& s : sides_)
      if (s.pending.capacity() - s.pending.size() < 8)
        s.pending.reserve(2 * s.pending.capacity() + 8);
  }
  void retire_index(std::uint64_t created, std::uint32_t index, std::uint32_t token) {
    retire(created, retired_kind::index, page_use::records, index, token);
  }

  /// Forgets what was retired since the last settle() (a merge that is discarded), but for tables
  /// of ids, which no merge takes back.
  void forget_pending() noexcept {
    for (side& s : sides_)
      std::erase_if(s.pending, [](const retired_object& o) {
        return static_cast<page_use>(o.use) != page_use::id_table;
      });
  }

  /// A version was published: what is pending was replaced in it. Hands to `free` (which must not
  /// throw) all objects that no version of `live` (ascending; those older than the one published
  /// that are in use) can see. `dead` are the versions that went out of use since the last call.
  /// `prefetch` is told of objects some time before. Throws std::bad_alloc (the heap's): every
  /// object is freed or kept then, and the same call finishes the work.
  template <class Free, class Prefetch>
  void settle(const std::vector<std::uint64_t>& live, const std::vector<std::uint64_t>& dead,
              Free&& free, Prefetch&& prefetch) {
    for (const std::uint64_t version : dead) {
      const auto older = std::lower_bound(live.begin(), live.end(), version);
      retired_list objects = take_objects(version);
      for (std::size_t i = 0; i < objects.size(); ++i)
        page_bytes_waiting_ -= objects[i].size_of_page();
      std::size_t placed = 0;
      try {
        place(objects, placed, older == live.begin() ? 0 : *std::prev(older), free,
              [](const retired_object&) {});
      } catch (const std::bad_alloc&) {
        objects.erase_front(placed);
        for (std::size_t i = 0; i < objects.size(); ++i)
          page_bytes_waiting_ += objects[i].size_of_page();
        put_back(version, std::move(objects));
        throw;
      }
      drop_bucket(version, std::move(objects));
    }
    for (side& s : sides_) {
      std::size_t placed = 0;
      try {
        place(s.pending, placed, live.empty() ? 0 : live.back(), free, prefetch);
      } catch (const std::bad_alloc&) {
        s.pending.erase(s.pending.begin(), s.pending.begin() + static_cast<std::ptrdiff_t>(placed));
        throw;
      }
      s.pending.clear();
    }
  }

  /// Makes room for what the next versions will retire if they are like the last. Never throws.
  void provision() noexcept { spare_.provision(); }

  /// Bytes of pages that wait for a snapshot to go (payloads are in their pool's figures).
  [[nodiscard]] std::uint64_t page_bytes_waiting() const noexcept { return page_bytes_waiting_; }
  [[nodiscard]] std::size_t bookkeeping_bytes() const noexcept;

private:
  struct bucket {
    std::uint64_t version;
    retired_list objects;
  };

  void retire(std::uint64_t created, retired_kind kind, page_use use, std::uint32_t object,
              std::uint32_t size) {
    retired_object o{};
    o.created = created & 0xFFFF'FFFF'FFFFU;
    o.use = static_cast<std::uint8_t>(use);
    o.kind = static_cast<std::uint8_t>(kind);
    o.object = object;
    o.size = size;
    sides_[use == page_use::incoming ? 1 : 0].pending.push_back(o);
  }

  /// Frees each object unless version `blocker` (0: none) sees it; `i` counts them.
  template <class Objects, class Free, class Prefetch>
  void place(const Objects& objects, std::size_t& i, std::uint64_t blocker, Free&& free,
             Prefetch&& prefetch) {
    constexpr std::size_t ahead = 64;
    const auto goes = [&](const retired_object& o) {
      return blocker == 0 || blocker < o.created
             || (blocker == o.created && seeded("freed_while_seen"));
    };
    retired_list* blocked = nullptr;
    for (; i < objects.size(); ++i) {
      const retired_object& o = objects[i];
      if (i + ahead < objects.size() && goes(objects[i + ahead]))
        prefetch(objects[i + ahead]);
      if (goes(o)) {
        free(o);
        continue;
      }
      if (blocked == nullptr)
        blocked = &bucket_of(blocker);
      blocked->push_back(o, spare_);
      page_bytes_waiting_ += o.size_of_page();
    }
  }
  /// Stays where it is until the next call or drop_bucket().
  retired_list& bucket_of(std::uint64_t version);
  [[nodiscard]] std::vector<bucket>::iterator find(std::uint64_t version) noexcept;
  /// The bucket stays, empty, until it is dropped: putting its objects back allocates nothing.
  [[nodiscard]] retired_list take_objects(std::uint64_t version) noexcept;
  void put_back(std::uint64_t version, retired_list&& objects) noexcept;
  void drop_bucket(std::uint64_t version, retired_list&& emptied) noexcept;

  struct alignas(64) side {
    std::vector<retired_object> pending;
  };
  std::array<side, 2> sides_;   // as page_pool's
  std::vector<bucket> buckets_; // ascending versions
  std::uint64_t page_bytes_waiting_ = 0;
  retired_list::stock spare_;
};

} // namespace cmem
