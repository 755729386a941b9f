#pragma once
// An array that only grows and never moves: what was written stays where it is, so that readers of
// its beginning need no lock while one thread appends.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

namespace cmem {

/// Zeroed pages of its own, in huge ones where that is worth it and the kernel has them. Pages cost
/// memory from their first touch. Throws std::bad_alloc.
class mapped_pages {
public:
  mapped_pages() = default;
  explicit mapped_pages(std::size_t bytes);
  ~mapped_pages();
  mapped_pages(mapped_pages&& other) noexcept;
  mapped_pages& operator=(mapped_pages&& other) noexcept;

  [[nodiscard]] std::byte* data() const noexcept { return data_; }

private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Items of `width` elements each. They lie in segments, each as large as all before it, so that
/// 32-bit positions need 21 of them; items of a segment follow one another, from a cache line on.
/// Elements are zero until they are written. Threads: one that grows it and writes; others read
/// items of which they know by an acquire that pairs with a release after the writing.
template <class T>
class growing_array {
public:
  static constexpr unsigned first_bits = 12;
  static constexpr std::uint32_t first_items = 1U << first_bits; ///< of the first segment
  static_assert(std::is_trivially_copyable_v<T>);

  explicit growing_array(std::size_t width = 1) noexcept : width_(width) {}

  /// Makes room for items [0, items). Throws std::bad_alloc, and then is as it was.
  void reserve(std::uint32_t items) {
    while (capacity_ < items) {
      const std::size_t more = capacity_ == 0 ? first_items : capacity_;
      mapped_pages pages(more * width_ * sizeof(T));
      const std::size_t k = segment_of(static_cast<std::uint32_t>(capacity_));
      segments_[k] = reinterpret_cast<T*>(pages.data());
      pages_[k] = std::move(pages);
      capacity_ += more;
    }
  }
  /// Precondition of all below: reserve() was called for more than `item`.
  [[nodiscard]] T* at(std::uint32_t item) const noexcept {
    const std::size_t k = segment_of(item);
    return segments_[k] + (item - first_of(k)) * width_;
  }
  [[nodiscard]] T& operator[](std::uint32_t item) const noexcept { return *at(item); }
  /// Items from this one on that lie behind one another.
  [[nodiscard]] static std::uint64_t run_of(std::uint32_t item) noexcept {
    return (std::uint64_t{first_items} << segment_of(item)) - item;
  }

private:
  static constexpr std::size_t segments = 32 - first_bits + 1;

  [[nodiscard]] static std::size_t segment_of(std::uint32_t item) noexcept {
    return static_cast<std::size_t>(std::bit_width(item >> first_bits));
  }
  [[nodiscard]] static std::size_t first_of(std::size_t segment) noexcept {
    return segment == 0 ? 0 : std::size_t{first_items} << (segment - 1);
  }

  std::size_t width_;                   // const
  std::size_t capacity_ = 0;            // the thread that grows it
  std::array<T*, segments> segments_{}; // each written once, before what it holds is made known
  std::array<mapped_pages, segments> pages_;
};

} // namespace cmem
