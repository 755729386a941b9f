#pragma once
// A growing array that never moves: the builder's own notes about every page and index.

#include "storage/arena.hpp"

#include <cstddef>
#include <new>
#include <type_traits>
#include <vector>

namespace cmem {

/// Elements lie in spans of the arena, zero at first. Growing takes a span and copies nothing, so
/// that no publish waits for a large array to move. Threads: one at a time. Throws std::bad_alloc
/// when the arena is used up.
template <class T>
class span_array {
public:
  explicit span_array(arena& memory) : memory_(memory) {}
  span_array(const span_array&) = delete;
  span_array& operator=(const span_array&) = delete;

  /// Makes room for elements below `n`.
  void extend(std::size_t n) {
    while (spans_.size() * per_span < n) {
      spans_.reserve(spans_.size() + 1);
      const handle h = memory_.allocate_spans(1); // fresh from the kernel, so zero
      if (h == 0)
        throw std::bad_alloc();
      spans_.push_back(memory_.as<T>(h));
    }
  }
  [[nodiscard]] T& operator[](std::size_t i) noexcept { return spans_[i / per_span][i % per_span]; }
  [[nodiscard]] const T& operator[](std::size_t i) const noexcept {
    return spans_[i / per_span][i % per_span];
  }
  /// Elements there is room for.
  [[nodiscard]] std::size_t size() const noexcept { return spans_.size() * per_span; }
  [[nodiscard]] std::size_t bytes() const noexcept { return spans_.size() * span_bytes; }

private:
  static_assert(std::is_trivially_copyable_v<T> && span_bytes % sizeof(T) == 0);
  static constexpr std::size_t per_span = span_bytes / sizeof(T);

  arena& memory_;
  std::vector<T*> spans_;
};

} // namespace cmem
