#pragma once
// Associations of one concept in one direction, as a snapshot sees them.
//
// Up to 256 lie in one leaf; more hang in a tree of leaves of 256 (inner nodes of fan-out 256). A
// leaf keeps the targets apart from the properties, so that traversal touches targets only.
// Leaves are appended to in place, beyond the count that older snapshots see.

#include "storage/arena.hpp"
#include "storage/concept_id.hpp"
#include "storage/prefetch.hpp"
#include "storage/records.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace cmem {

inline constexpr std::uint32_t chunk_size = 256;

/// Root of the tree and number of associations: one a concept and direction.
struct adjacency_ref {
  handle root = 0;
  std::uint32_t count = 0;
};
static_assert(sizeof(adjacency_ref) == 8);

/// Head of a leaf; `capacity` targets follow at once.
struct adjacency_leaf {
  std::uint32_t created_low;  // version that made it, low half …
  std::uint16_t created_high; // … and bits 32–47
  std::uint16_t capacity;
  handle properties;

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

/// Side by side, because an append writes both.
struct association_times {
  timestamp_us created = 0;
  timestamp_us last_used = 0;

  bool operator==(const association_times&) const = default;
};

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

/// Parallel arrays of up to 256 associations. Valid as long as the snapshot.
struct adjacency_chunk {
  std::span<const std::uint32_t> targets; ///< indices; sources when incoming
  const float* confidence;
  const float* weight;
  const kind_id* kind;
  const association_times* times; ///< nullptr without times

  /// Zeros without times.
  [[nodiscard]] association_times times_of(std::size_t i) const noexcept {
    return times != nullptr ? times[i] : association_times{};
  }
};

/// View of all associations of a concept in one direction, in storage order.
class adjacency_list {
public:
  adjacency_list() noexcept = default; ///< empty
  adjacency_list(const std::byte* base, adjacency_ref ref, bool with_times) noexcept
    : base_(base), ref_(ref), with_times_(with_times) {}

  [[nodiscard]] std::uint32_t size() const noexcept { return ref_.count; }
  [[nodiscard]] std::uint32_t chunk_count() const noexcept {
    return (ref_.count + chunk_size - 1) / chunk_size;
  }
  /// Precondition: i < chunk_count().
  [[nodiscard]] adjacency_chunk chunk(std::uint32_t i) const noexcept {
    const adjacency_leaf* l = leaf(i);
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
  /// The targets alone: touches half of what chunk() does.
  [[nodiscard]] std::span<const std::uint32_t> targets(std::uint32_t i) const noexcept {
    return targets(leaf(i), i);
  }
  /// Calls f(std::span<const std::uint32_t> targets) for parts of the list until it returns true;
  /// whether it did. The span is good during that call only.
  template <class F>
  bool any_targets(F&& f) const {
    for (std::uint32_t i = 0; i < chunk_count(); ++i)
      if (f(targets(i)))
        return true;
    return false;
  }
  /// The same with the properties: f(const adjacency_chunk&).
  template <class F>
  bool any_chunk(F&& f) const {
    for (std::uint32_t i = 0; i < chunk_count(); ++i)
      if (f(chunk(i)))
        return true;
    return false;
  }
  /// Fetches the first targets for a look at them some time later. Reads nothing.
  void prefetch() const noexcept {
    const auto* first = reinterpret_cast<const std::byte*>(node(ref_.root));
    prefetch_line(first);
    prefetch_line(first + std::min(sizeof(adjacency_leaf) + 4 * std::size_t{ref_.count}, line) - 1);
  }
  /// Fetches the first confidences and kinds in the same way. Reads what prefetch() fetched.
  void prefetch_properties() const noexcept {
    if (ref_.count == 0 || ref_.count > chunk_size)
      return;
    const adjacency_chunk c = chunk(0);
    prefetch_line(c.confidence);
    prefetch_line(c.confidence + std::min<std::size_t>(ref_.count, line / 4) - 1);
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
