#pragma once
// A versioned array: a snapshot's root names it, a publish copies only the parts it touches.

#include "storage/arena.hpp"

#include <cstddef>
#include <cstdint>

namespace cmem {

/// Reading side. top -> part (1024 leaf handles, 4 KiB) -> leaf (`LeafSize` elements). Two loads
/// that stay in cache and one that may miss, against the four of a deep radix tree.
template <class T, std::uint32_t LeafSize>
struct cow_array_view {
  static constexpr std::uint32_t leaf_size = LeafSize;
  static constexpr std::uint32_t part_leaves = 1024;
  static constexpr std::uint32_t part_size = LeafSize * part_leaves;

  const std::byte* base = nullptr; ///< of the arena
  const handle* top = nullptr;     ///< one handle a part

  [[nodiscard]] const handle& leaf_of(std::uint32_t i) const noexcept {
    const auto* part =
      reinterpret_cast<const handle*>(base + std::size_t{top[i / part_size]} * handle_unit);
    return part[(i % part_size) / LeafSize];
  }
  [[nodiscard]] const T* leaf(std::uint32_t i) const noexcept {
    return reinterpret_cast<const T*>(base + std::size_t{leaf_of(i)} * handle_unit);
  }
  [[nodiscard]] const T& operator[](std::uint32_t i) const noexcept {
    return leaf(i)[i % LeafSize];
  }
};

} // namespace cmem
