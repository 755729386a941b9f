#pragma once
// The writing side of cow_array.hpp.

#include "storage/cow_array.hpp"
#include "storage/page_pool.hpp"
#include "storage/prefetch.hpp"
#include "storage/reclaimer.hpp"
#include "storage/span_array.hpp"

#include <cstdint>
#include <cstring>
#include <vector>

namespace cmem {

/// Copies a leaf, a part and the top the first time a version touches them, and writes in place
/// from then on. The version that made each of them is kept here, not in the arena, so that copies
/// are half the size and retiring touches nothing. Threads: one at a time (the reconciler, or its
/// helper); operator[] and prefetching from any while nothing changes.
template <class T, std::uint32_t LeafSize>
class cow_array_builder {
public:
  using view = cow_array_view<T, LeafSize>;

  cow_array_builder(page_pool& pages, reclaimer& retired, page_use use)
    : pages_(pages), retired_(retired), use_(use), leaf_version_(pages.memory()) {}

  /// Makes room for index i; new leaves are zero.
  void extend(std::uint32_t i, std::uint64_t version) {
    while (top_.size() <= i / view::part_size) {
      const handle part = pages_.allocate(part_bytes, use_);
      std::memset(pages_.memory().at(part), 0, part_bytes);
      top_.push_back(part);
      part_version_.push_back(version);
      leaf_version_.extend(top_.size() * view::part_leaves);
      top_dirty_ = true;
    }
    if (part_at(i)[leaf_slot(i)] != 0)
      return;
    const handle leaf = pages_.allocate(leaf_bytes, use_);
    std::memset(pages_.memory().at(leaf), 0, leaf_bytes);
    own_part(i, version)[leaf_slot(i)] = leaf;
    leaf_version_[i / LeafSize] = version;
  }

  [[nodiscard]] const T& operator[](std::uint32_t i) const noexcept {
    return leaf_at(part_at(i)[leaf_slot(i)])[i % LeafSize];
  }

  /// The element, in memory that no older snapshot sees. Precondition: extended to i.
  [[nodiscard]] T& own(std::uint32_t i, std::uint64_t version) {
    const std::uint32_t l = i / LeafSize;
    if (leaf_version_[l] != version) {
      handle& leaf = own_part(i, version)[leaf_slot(i)];
      const handle copy = pages_.allocate(leaf_bytes, use_);
      std::memcpy(pages_.memory().at(copy), pages_.memory().at(leaf), leaf_bytes);
      retired_.retire_page(leaf_version_[l], leaf, leaf_bytes, use_);
      leaf = copy;
      leaf_version_[l] = version;
    }
    return leaf_at(part_at(i)[leaf_slot(i)])[i % LeafSize];
  }

  /// The version in which own() last gave out the element or one of its leaf; 0: not known.
  [[nodiscard]] std::uint64_t touched_in(std::uint32_t i) const noexcept {
    return leaf_version_[i / LeafSize];
  }

  /// Fetches the element.
  void prefetch_element(std::uint32_t i) const noexcept {
    if (i / view::part_size < top_.size())
      prefetch_line(leaf_at(part_at(i)[leaf_slot(i)]) + i % LeafSize);
  }
  /// Fetches what own(i) reads and copies.
  void prefetch(std::uint32_t i) const noexcept {
    if (i / view::part_size < top_.size()) {
      const auto* leaf = reinterpret_cast<const char*>(leaf_at(part_at(i)[leaf_slot(i)]));
      for (std::size_t line = 0; line < leaf_bytes; line += 64)
        prefetch_line(leaf + line);
      prefetch_line(&leaf_version_[i / LeafSize]);
    }
  }

  /// Allocates what publish() needs. Throws std::bad_alloc.
  void prepare() {
    if (!top_dirty_ || next_top_ != 0)
      return;
    next_bytes_ = static_cast<std::uint32_t>(top_.size() * sizeof(handle));
    next_top_ = pages_.allocate(next_bytes_, use_);
    std::memcpy(pages_.memory().at(next_top_), top_.data(), next_bytes_);
    retired_.reserve_few();
  }
  /// What a snapshot of `version` reads from here on. Precondition: prepared.
  [[nodiscard]] view publish(std::uint64_t version) noexcept {
    if (top_dirty_) {
      if (published_top_ != 0)
        retired_.retire_page(top_version_, published_top_, published_bytes_, use_);
      published_top_ = next_top_;
      published_bytes_ = next_bytes_;
      next_top_ = 0;
      top_version_ = version;
      top_dirty_ = false;
    }
    return {pages_.memory().base(), pages_.memory().as<handle>(published_top_)};
  }

  /// Back to what was published last, as version `published`. Who made what the discarded version
  /// had replaced is not known any more: 0 stands for "any live snapshot may see it", which
  /// delays freeing and never hastens it.
  void roll_back(std::uint64_t published) {
    top_.assign(pages_.memory().as<handle>(published_top_),
                pages_.memory().as<handle>(published_top_) + published_bytes_ / sizeof(handle));
    part_version_.resize(top_.size());
    for (auto& v : part_version_)
      v = v > published ? 0 : v;
    for (std::size_t l = 0; l < leaf_version_.size(); ++l)
      leaf_version_[l] = leaf_version_[l] > published ? 0 : leaf_version_[l];
    top_dirty_ = false;
    next_top_ = 0;
  }

  /// Bytes of the versions kept here.
  [[nodiscard]] std::size_t bookkeeping_bytes() const noexcept {
    return (top_.capacity() * sizeof(handle)) + part_version_.capacity() * sizeof(std::uint64_t)
           + leaf_version_.bytes();
  }

private:
  static constexpr std::uint32_t leaf_bytes = LeafSize * sizeof(T);
  static constexpr std::uint32_t part_bytes = view::part_leaves * sizeof(handle);

  static std::uint32_t leaf_slot(std::uint32_t i) noexcept {
    return (i % view::part_size) / LeafSize;
  }
  handle* part_at(std::uint32_t i) const noexcept {
    return pages_.memory().template as<handle>(top_[i / view::part_size]);
  }
  T* leaf_at(handle h) const noexcept { return pages_.memory().template as<T>(h); }
  handle* own_part(std::uint32_t i, std::uint64_t version) {
    const std::uint32_t p = i / view::part_size;
    if (part_version_[p] != version) {
      const handle copy = pages_.allocate(part_bytes, use_);
      std::memcpy(pages_.memory().at(copy), pages_.memory().at(top_[p]), part_bytes);
      retired_.retire_page(part_version_[p], top_[p], part_bytes, use_);
      top_[p] = copy;
      part_version_[p] = version;
      top_dirty_ = true;
    }
    return part_at(i);
  }

  page_pool& pages_;
  reclaimer& retired_;
  page_use use_;                            // const
  std::vector<handle> top_;                 // working copy
  std::vector<std::uint64_t> part_version_; // version that made each part
  span_array<std::uint64_t> leaf_version_;  // version that made each leaf
  handle next_top_ = 0;                     // between prepare() and publish()
  std::uint32_t next_bytes_ = 0;
  handle published_top_ = 0;
  std::uint32_t published_bytes_ = 0;
  std::uint64_t top_version_ = 0;
  bool top_dirty_ = false;
};

} // namespace cmem
