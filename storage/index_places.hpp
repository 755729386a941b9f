#pragma once
// Where a search has put what it knows of a concept.

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace cmem {

/// From a concept's index to its place in a list that the search keeps. Nothing is cleared between
/// searches: a place that was left behind counts for nothing, because what lies there, if anything,
/// names another index. The caller checks that. Threads: one.
/// Algorithm: sparse sets (Briggs and Torczon 1993).
class index_places {
public:
  /// Makes room for indices below `index_count`, whose places may be any. Strong guarantee.
  void reserve(std::uint32_t index_count) {
    if (index_count <= capacity_)
      return;
    // Half as much again: a graph that is being learned grows every time.
    const std::size_t capacity =
      std::max<std::size_t>(1024, std::size_t{index_count} + index_count / 2);
    std::unique_ptr<std::uint32_t[], release> fresh(
      static_cast<std::uint32_t*>(std::calloc(capacity, sizeof(std::uint32_t))));
    if (!fresh)
      throw std::bad_alloc();
    places_ = std::move(fresh);
    capacity_ = capacity;
  }
  [[nodiscard]] std::uint32_t& operator[](std::uint32_t index) noexcept {
    assert(index < capacity_);
    return places_[index];
  }
  /// Whether list[(*this)[index]] is of that index.
  template <class List>
  [[nodiscard]] bool in(const List& list, std::uint32_t index) noexcept {
    const std::size_t place = (*this)[index];
    return place < list.size() && list[place].index == index;
  }

private:
  struct release {
    void operator()(std::uint32_t* p) const noexcept { std::free(p); }
  };
  std::unique_ptr<std::uint32_t[], release> places_; // from calloc: untouched pages cost nothing
  std::size_t capacity_ = 0;
};

} // namespace cmem
