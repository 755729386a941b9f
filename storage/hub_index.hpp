#pragma once
// Finds an association of a hub without a scan.

#include "storage/concept_id.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace cmem {

/// Positions of a long adjacency list, hashed by target. Open addressing, positions only: who asks
/// tells what lies there, and whoever makes it grow walks over the list: walk(f) calls f(target)
/// for each position from 0 on. Belongs to the builder, not to a snapshot; made when a list first
/// exceeds hub_degree_min and made anew when it is missing.
/// Threads: one at a time (the reconciler, or its helper); find() from any while nothing changes.
class hub_index {
public:
  hub_index() = default;

  /// The first position under `target` for which matches(position) holds, or none.
  template <class Matches>
  [[nodiscard]] std::uint32_t find(std::uint32_t target, Matches&& matches) const {
    for (std::size_t i = slot_of(target);; i = next(i)) {
      if (slots_[i] == empty)
        return none;
      if (slots_[i] != tombstone && matches(slots_[i]))
        return slots_[i];
    }
  }
  /// Makes it anew for a list of `count`, with room for half as many more.
  template <class Walk>
  void assign(std::size_t count, Walk&& walk) {
    std::vector<std::uint32_t> fresh(std::max(slots_min, std::bit_ceil(2 * count)), empty);
    fresh.swap(slots_);
    live_ = used_ = 0;
    std::uint32_t position = 0;
    walk([&](std::uint32_t target) { place(target, position++); });
  }
  /// For what was appended to the list as its last, at `position`.
  template <class Walk>
  void insert(std::uint32_t target, std::uint32_t position, Walk&& walk) {
    if ((used_ + 1) * 4 > slots_.size() * 3)
      assign(live_ + 1, walk); // tombstones go
    else
      place(target, position);
  }
  /// Precondition: `position` is there under `target`.
  void erase(std::uint32_t target, std::uint32_t position) {
    slots_[slot_holding(target, position)] = tombstone;
    --live_;
  }
  /// What lay at `from` lies at `to`.
  void move(std::uint32_t target, std::uint32_t from, std::uint32_t to) {
    slots_[slot_holding(target, from)] = to;
  }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return slots_.capacity() * sizeof(std::uint32_t);
  }

  static constexpr std::uint32_t none = 0xFFFF'FFFF;

private:
  static constexpr std::uint32_t empty = 0xFFFF'FFFF;
  static constexpr std::uint32_t tombstone = 0xFFFF'FFFE;

  [[nodiscard]] std::size_t slot_of(std::uint32_t target) const noexcept {
    return (target * 0x9E37'79B9'7F4A'7C15ULL >> 20) & (slots_.size() - 1);
  }
  [[nodiscard]] std::size_t next(std::size_t i) const noexcept {
    return (i + 1) & (slots_.size() - 1);
  }
  [[nodiscard]] std::size_t slot_holding(std::uint32_t target,
                                         std::uint32_t position) const noexcept {
    std::size_t i = slot_of(target);
    while (slots_[i] != position)
      i = next(i);
    return i;
  }
  void place(std::uint32_t target, std::uint32_t position) noexcept {
    std::size_t i = slot_of(target);
    while (slots_[i] != empty)
      i = next(i);
    slots_[i] = position;
    ++used_;
    ++live_;
  }

  static constexpr std::size_t slots_min = 16;
  std::vector<std::uint32_t> slots_ =
    std::vector<std::uint32_t>(slots_min, empty); // a power of two
  std::size_t used_ = 0;                          // not empty, tombstones included
  std::size_t live_ = 0;
};

} // namespace cmem
