#pragma once
// Frees what was replaced, once no live snapshot can see it.

#include "storage/arena.hpp"
#include "storage/page_pool.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <new>
#include <utility>
#include <vector>

namespace cmem {

/// What to do with a retired object when its time comes.
enum class retired_kind : std::uint8_t {
  page,    ///< a page_pool block of `size` bytes
  payload, ///< a payload_pool block
  index,   ///< a concept index (in `object`) to vacate; `size` is the token of its vacancy
};

/// An object that snapshots [created, replaced) see, with `replaced` the version it was retired in.
struct retired_object {
  std::uint64_t created : 48;
  std::uint64_t use : 8;  // page_use
  std::uint64_t kind : 8; // retired_kind
  std::uint32_t object;   // handle, or index
  std::uint32_t size;

  [[nodiscard]] std::uint64_t size_of_page() const noexcept {
    return static_cast<retired_kind>(kind) == retired_kind::page ? size : 0;
  }
};
static_assert(sizeof(retired_object) == 16);

/// Interval-based reclamation: an object is freed when no live snapshot's version lies in its
/// interval. What a live snapshot blocks waits in that snapshot's bucket and is looked at again
/// only when that one goes, so a snapshot held for hours costs nothing a tick.
/// Threads: one at a time (the reconciler).
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
    if (pending_.capacity() - pending_.size() < 8)
      pending_.reserve(2 * pending_.capacity() + 8);
  }
  void retire_index(std::uint64_t created, std::uint32_t index, std::uint32_t token) {
    retire(created, retired_kind::index, page_use::records, index, token);
  }

  /// Forgets what was retired since the last settle() (a merge that is discarded), but for tables
  /// of ids, which no merge takes back.
  void forget_pending() noexcept {
    std::erase_if(pending_, [](const retired_object& o) {
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
    recycled_.reserve(recycled_max);
    for (const std::uint64_t version : dead) {
      const auto older = std::lower_bound(live.begin(), live.end(), version);
      auto objects = take_objects(version);
      for (const retired_object& o : objects)
        page_bytes_waiting_ -= o.size_of_page();
      try {
        place(objects, older == live.begin() ? 0 : *std::prev(older), free,
              [](const retired_object&) {});
      } catch (...) {
        for (const retired_object& o : objects)
          page_bytes_waiting_ += o.size_of_page();
        put_back(version, std::move(objects));
        throw;
      }
      drop_bucket(version, std::move(objects));
    }
    place(pending_, live.empty() ? 0 : live.back(), free, prefetch);
  }

  /// Bytes of pages that wait for a snapshot to go (payloads are in their pool's figures).
  [[nodiscard]] std::uint64_t page_bytes_waiting() const noexcept { return page_bytes_waiting_; }
  [[nodiscard]] std::size_t bookkeeping_bytes() const noexcept;

private:
  struct bucket {
    std::uint64_t version;
    std::vector<retired_object> objects;
  };

  void retire(std::uint64_t created, retired_kind kind, page_use use, std::uint32_t object,
              std::uint32_t size) {
    retired_object o{};
    o.created = created & 0xFFFF'FFFF'FFFFU;
    o.use = static_cast<std::uint8_t>(use);
    o.kind = static_cast<std::uint8_t>(kind);
    o.object = object;
    o.size = size;
    pending_.push_back(o);
  }

  /// Frees each object unless version `blocker` (0: none) sees it, and empties the list. Throws
  /// with what is not placed yet in it.
  template <class Free, class Prefetch>
  void place(std::vector<retired_object>& objects, std::uint64_t blocker, Free&& free,
             Prefetch&& prefetch) {
    constexpr std::size_t ahead = 64;
    std::size_t i = 0;
    try {
      for (; i < objects.size(); ++i) {
        const retired_object& o = objects[i];
        if (i + ahead < objects.size())
          prefetch(objects[i + ahead]);
        if (blocker == 0 || blocker < o.created)
          free(o);
        else
          wait_for(blocker, o);
      }
    } catch (const std::bad_alloc&) {
      objects.erase(objects.begin(), objects.begin() + static_cast<std::ptrdiff_t>(i));
      throw;
    }
    objects.clear();
  }
  void wait_for(std::uint64_t version, const retired_object& o) {
    bucket_of(version).push_back(o);
    page_bytes_waiting_ += o.size_of_page();
  }
  std::vector<retired_object>& bucket_of(std::uint64_t version);
  [[nodiscard]] std::vector<bucket>::iterator find(std::uint64_t version) noexcept;
  /// The bucket stays, empty, until it is dropped: putting its objects back allocates nothing.
  [[nodiscard]] std::vector<retired_object> take_objects(std::uint64_t version) noexcept;
  void put_back(std::uint64_t version, std::vector<retired_object>&& objects) noexcept;
  void drop_bucket(std::uint64_t version, std::vector<retired_object>&& emptied) noexcept;

  static constexpr std::size_t recycled_max = 4;

  std::vector<retired_object> pending_;
  std::vector<bucket> buckets_; // ascending versions
  std::uint64_t page_bytes_waiting_ = 0;
  std::vector<std::vector<retired_object>> recycled_; // empty, capacity kept: no growth stalls
};

} // namespace cmem
