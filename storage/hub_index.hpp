#pragma once
// Finds an association of a hub without a scan.

#include "storage/concept_id.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cmem {

/// Positions of a long adjacency list, hashed by target. Open addressing, positions only: the
/// caller's `target_at(position)` tells what lies there. Belongs to the builder, not to a snapshot;
/// made when a list first exceeds hub_degree_min and made anew when it is missing. Threads: the
/// reconciler alone.
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
  template <class TargetAt>
  void insert(std::uint32_t target, std::uint32_t position, TargetAt&& target_at) {
    if ((used_ + 1) * 4 > slots_.size() * 3)
      grow(target_at);
    std::size_t i = slot_of(target);
    while (slots_[i] != empty)
      i = next(i);
    slots_[i] = position;
    ++used_;
    ++live_;
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
  template <class TargetAt>
  void grow(TargetAt&& target_at) {
    std::vector<std::uint32_t> old(live_ * 2 >= slots_.size() ? slots_.size() * 2 : slots_.size(),
                                   empty);
    old.swap(slots_);
    for (const std::uint32_t position : old)
      if (position != empty && position != tombstone) {
        std::size_t i = slot_of(target_at(position));
        while (slots_[i] != empty)
          i = next(i);
        slots_[i] = position;
      }
    used_ = live_;
  }

  std::vector<std::uint32_t> slots_ = std::vector<std::uint32_t>(16, empty); // a power of two
  std::size_t used_ = 0; // not empty, tombstones included
  std::size_t live_ = 0;
};

} // namespace cmem
