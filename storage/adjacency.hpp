#pragma once
// Associations of one concept in one direction, as a snapshot sees them.
//
// Up to 256 lie in one leaf; more hang in a tree of leaves of 256 (inner nodes of fan-out 256). A
// plain leaf keeps the targets apart from the properties, so that traversal touches targets only,
// and is appended to in place, beyond the count that older snapshots see. A packed leaf
// (packed_adjacency.hpp) takes less, a third or a half as a rule, and never changes.

#include "storage/adjacency_chunk.hpp"
#include "storage/arena.hpp"
#include "storage/concept_id.hpp"
#include "storage/packed_adjacency.hpp"
#include "storage/prefetch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace cmem {

/// Root of the tree and number of associations: one a concept and direction.
struct adjacency_ref {
  handle root = 0;
  std::uint32_t count = 0;
};
static_assert(sizeof(adjacency_ref) == 8);

/// Head of a leaf; of a plain one, `capacity` targets follow at once.
struct adjacency_leaf {
  static constexpr std::uint16_t packed_mark = 0x8000;

  std::uint32_t created_low;  // version that made it, low half …
  std::uint16_t created_high; // … and bits 32–47
  std::uint16_t capacity;     // packed: packed_mark, and how many associations it has
  handle properties;          // packed: the codes of its columns

  [[nodiscard]] bool is_packed() const noexcept { return (capacity & packed_mark) != 0; }
  /// Precondition: is_packed().
  [[nodiscard]] packed_leaf packed() const noexcept {
    return {this, static_cast<std::uint32_t>(capacity & ~packed_mark)};
  }

  [[nodiscard]] std::uint64_t created() const noexcept {
    return std::uint64_t{created_high} << 32 | created_low;
  }
  void set_created(std::uint64_t version) noexcept {
    created_low = static_cast<std::uint32_t>(version);
    created_high = static_cast<std::uint16_t>(version >> 32);
  }
  [[nodiscard]] std::uint32_t* targets() noexcept {
    return reinterpret_cast<std::uint32_t*>(this + 1);
  }
  [[nodiscard]] const std::uint32_t* targets() const noexcept {
    return reinterpret_cast<const std::uint32_t*>(this + 1);
  }
};
static_assert(sizeof(adjacency_leaf) == 12);

/// Head of an inner node; `capacity` child handles follow at once. Same head as a leaf.
using adjacency_inner = adjacency_leaf;

/// Where the parallel property arrays of a leaf of some capacity start. Outgoing associations
/// also keep times, if the memory keeps any.
struct property_layout {
  std::size_t times, confidence, weight, kind, bytes;

  static constexpr property_layout of(std::uint32_t capacity, bool with_times) noexcept {
    const std::size_t n = capacity;
    const std::size_t t = with_times ? sizeof(association_times) * n : 0;
    return {0, t, t + 4 * n, t + 8 * n, t + 10 * n};
  }
};

/// View of all associations of a concept in one direction, in storage order.
class adjacency_list {
public:
  adjacency_list() noexcept = default; ///< empty
  adjacency_list(const std::byte* base, adjacency_ref ref, bool with_times) noexcept
    : base_(base), ref_(ref), with_times_(with_times) {}

  [[nodiscard]] std::uint32_t size() const noexcept { return ref_.count; }
  /// Calls f(std::span<const std::uint32_t> targets) for parts of the list until it returns true;
  /// whether it did. The span is good during that call only.
  template <class F>
  bool any_targets(F&& f) const {
    if (ref_.count == 0)
      return false;
    if (ref_.count > chunk_size)
      return any_targets_of_tree(f);
    const adjacency_leaf* l = node(ref_.root);
    return l->is_packed() ? any_packed_targets(l, f) : f(targets(l, 0));
  }
  /// The same with the properties: f(const adjacency_chunk&).
  template <class F>
  bool any_chunk(F&& f) const {
    if (ref_.count == 0)
      return false;
    if (ref_.count > chunk_size)
      return any_chunk_of_tree(f);
    const adjacency_leaf* l = node(ref_.root);
    return l->is_packed() ? any_unpacked(l->packed(), f) : f(chunk(l, 0));
  }
  /// Fetches the first targets for a look at them some time later. Reads nothing.
  void prefetch() const noexcept {
    const auto* first = reinterpret_cast<const std::byte*>(node(ref_.root));
    prefetch_line(first);
    prefetch_line(first + std::min(sizeof(adjacency_leaf) + 4 * std::size_t{ref_.count}, line) - 1);
  }
  /// Fetches the first confidences, and kinds, in the same way. Reads what prefetch() fetched.
  template <bool Kinds>
  void prefetch_properties() const noexcept {
    if (ref_.count == 0 || ref_.count > chunk_size)
      return;
    const adjacency_leaf* l = node(ref_.root);
    if (l->is_packed()) { // in the same block
      prefetch_line(reinterpret_cast<const std::byte*>(l) + line);
      return;
    }
    const adjacency_chunk c = chunk(l, 0);
    prefetch_line(c.confidence);
    prefetch_line(c.confidence + std::min<std::size_t>(ref_.count, line / 4) - 1);
    if constexpr (Kinds)
      prefetch_line(c.kind);
  }
  template <class F>
  void for_each_target(F&& f) const {
    any_targets([&f](std::span<const std::uint32_t> all) {
      for (const std::uint32_t t : all)
        f(t);
      return false;
    });
  }
  template <class F>
  void for_each_chunk(F&& f) const {
    any_chunk([&f](const adjacency_chunk& c) {
      f(c);
      return false;
    });
  }

private:
  [[nodiscard]] std::uint32_t leaf_count() const noexcept {
    return (ref_.count + chunk_size - 1) / chunk_size;
  }
  [[nodiscard]] adjacency_chunk chunk(const adjacency_leaf* l, std::uint32_t i) const noexcept {
    const auto at = property_layout::of(l->capacity, with_times_);
    const std::byte* p = base_ + std::size_t{l->properties} * handle_unit;
    const auto array = [p]<class T>(std::size_t offset, const T*) {
      return reinterpret_cast<const T*>(p + offset);
    };
    return {targets(l, i), array(at.confidence, static_cast<const float*>(nullptr)),
            array(at.weight, static_cast<const float*>(nullptr)),
            array(at.kind, static_cast<const kind_id*>(nullptr)),
            with_times_ ? array(at.times, static_cast<const association_times*>(nullptr))
                        : nullptr};
  }
  template <class F>
  [[gnu::noinline]] bool any_targets_of_tree(F& f) const {
    const std::uint32_t leaves = leaf_count();
    const adjacency_leaf* after = leaf(0);
    for (std::uint32_t i = 0; i < leaves; ++i) {
      const adjacency_leaf* l = after;
      if (i + 1 < leaves) {
        after = leaf(i + 1);
        fetch_block(after);
      }
      if (l->is_packed() ? any_packed_targets(l, f) : f(targets(l, i)))
        return true;
    }
    return false;
  }
  template <class F>
  [[gnu::noinline]] bool any_chunk_of_tree(F& f) const {
    const std::uint32_t leaves = leaf_count();
    const adjacency_leaf* next = leaf(0); // its head is fetched, as it says where properties lie
    const adjacency_leaf* after = leaf(1);
    fetch_block(after);
    for (std::uint32_t i = 0; i < leaves; ++i) {
      const adjacency_leaf* l = next;
      next = after;
      if (i + 2 < leaves) {
        after = leaf(i + 2);
        fetch_block(after);
      }
      if (i + 1 < leaves && !next->is_packed())
        fetch_block(chunk(next, i + 1).confidence);
      if (l->is_packed() ? any_unpacked(l->packed(), f) : f(chunk(l, i)))
        return true;
    }
    return false;
  }
  // A leaf of a tree is a block of its own, whose first lines would be waited for; the rest comes
  // by itself.
  static void fetch_block(const void* at) noexcept {
    for (std::size_t offset = 0; offset < 8 * line; offset += line)
      prefetch_line(static_cast<const std::byte*>(at) + offset);
  }
  template <class F>
  [[gnu::noinline]] static bool any_packed_targets(const adjacency_leaf* l, F& f) {
    return l->packed().any_targets(f);
  }
  // A frame of its own: 8 KB that those who meet no packed leaf do not touch.
  template <class F>
  [[gnu::noinline]] bool any_unpacked(const packed_leaf& l, F& f) const {
    unpacked_leaf to;
    return f(l.unpack(to, with_times_));
  }
  [[nodiscard]] std::span<const std::uint32_t> targets(const adjacency_leaf* l,
                                                       std::uint32_t i) const noexcept {
    return {l->targets(), std::min(chunk_size, ref_.count - i * chunk_size)};
  }
  [[nodiscard]] const adjacency_leaf* leaf(std::uint32_t i) const noexcept {
    handle h = ref_.root;
    if (ref_.count > chunk_size) {
      const std::uint32_t last = (ref_.count - 1) / chunk_size;
      int shift = 0;
      while (last >> (shift + 8) != 0)
        shift += 8;
      for (; shift >= 0; shift -= 8)
        h = node(h)->targets()[(i >> shift) & 0xFF];
    }
    return node(h);
  }
  [[nodiscard]] const adjacency_leaf* node(handle h) const noexcept {
    return reinterpret_cast<const adjacency_leaf*>(base_ + std::size_t{h} * handle_unit);
  }

  static constexpr std::size_t line = 64;

  const std::byte* base_ = nullptr;
  adjacency_ref ref_;
  bool with_times_ = false;
};

} // namespace cmem
