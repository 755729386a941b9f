#pragma once
// A leaf of adjacency.hpp in one smaller block: a third or a half of the size, as a rule; three
// quarters where no property is like another. Lossless to the last bit.
//
// packed := head:u8[8] code:u8[4] first:u32[] deltas confidence weight kind [times]
//   head is adjacency_leaf's; a code says how a column is packed. Targets ascend: `first` has the
//   first 16 of them as they are, so that who stops early, and short lists, need no decoding (in
//   blocks of 16 bytes short lists gain next to nothing by it); `deltas` has the differences of
//   those behind, in code[0] bits each (bit_packing.hpp).
// confidence, weight (floats, taken as the 32-bit numbers of the same bits):
//   code 0–32     base:u32, then what each is above it, in that many bits; 0: all are the base
//   code 64–72    n - 1:u8, n different values:u32, then which of them each is, in code - 64 bits
//   code 96–112   hundredths, of which each is the nearest float, in code - 96 bits
//   code 128–228  all are code - 128 hundredths
// kind:
//   code 0–16     base:u16, then what each is above it, in that many bits
//   code 128–255  all are code - 128
// times := created_bytes:u8 kept_bytes:u8 created:i64 kept:i64, then what each is above the
//   earliest `created`, in created_bytes bytes, and likewise for `last_used - created`
//
// Never written to a file: only what this process has packed is ever unpacked, and nothing of it is
// checked.

#include "storage/adjacency_chunk.hpp"
#include "storage/bit_packing.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace cmem {

/// Where a packed leaf's columns come out. Large (8 KB): for a stack. Good until it is used again.
struct unpacked_leaf {
  static constexpr std::size_t room = chunk_size + unpack_slack;

  std::uint32_t targets[room];
  float confidence[room];
  float weight[room];
  kind_id kind[chunk_size];
  association_times times[chunk_size];
};

/// Reads a packed leaf. A view of it. Threads: any.
class packed_leaf {
public:
  /// `leaf`: 16-byte aligned, in memory of whole units of 16 bytes, with 1 to 256 associations.
  packed_leaf(const void* leaf, std::uint32_t count) noexcept
    : leaf_(static_cast<const std::byte*>(leaf)), count_(count) {}

  /// Calls f(std::span<const std::uint32_t>) for parts of the targets until it returns true:
  /// whether it did. Ascending; the first part lies there as it is.
  template <class F>
  bool any_targets(F&& f) const {
    const std::uint32_t first = first_count();
    if (f(std::span<const std::uint32_t>(first_targets(), first)))
      return true;
    if (first == count_)
      return false;
    std::uint32_t buffer[part_size + unpack_slack];
    const std::byte* deltas = deltas_at();
    const std::uint32_t width = width_of_deltas();
    std::uint32_t before = first_targets()[first - 1];
    for (std::uint32_t done = first; done != count_;) {
      const std::uint32_t n = std::min(count_ - done, part_size);
      unpack_sums(deltas, done - first, n, width, before, buffer);
      if (f(std::span<const std::uint32_t>(buffer, n)))
        return true;
      before = buffer[n - 1];
      done += n;
    }
    return false;
  }
  /// All targets, to an array with room for unpack_slack more.
  void targets(std::uint32_t* to) const noexcept;
  /// Precondition: i < count.
  [[nodiscard]] std::uint32_t target(std::uint32_t i) const noexcept;
  /// Precondition: i < count.
  [[nodiscard]] kind_id kind(std::uint32_t i) const noexcept;
  /// All columns; the chunk is a view of `to`.
  [[nodiscard]] adjacency_chunk unpack(unpacked_leaf& to, bool with_times) const noexcept;

  /// Of the block, the head included; a multiple of 16.
  [[nodiscard]] std::size_t bytes(bool with_times) const noexcept;
  /// Of the times in it.
  [[nodiscard]] std::size_t times_bytes() const noexcept;

private:
  friend class leaf_packer;
  static constexpr std::size_t codes_at = 8;
  static constexpr std::size_t first_at = 12;
  static constexpr std::uint32_t first_max = 16;
  static constexpr std::uint32_t part_size = 64; // a multiple of 8

  [[nodiscard]] std::uint32_t first_count() const noexcept { return std::min(count_, first_max); }
  [[nodiscard]] const std::uint32_t* first_targets() const noexcept {
    return reinterpret_cast<const std::uint32_t*>(leaf_ + first_at);
  }
  [[nodiscard]] const std::byte* deltas_at() const noexcept {
    return leaf_ + first_at + first_count() * sizeof(std::uint32_t);
  }
  [[nodiscard]] std::uint8_t code(std::size_t column) const noexcept {
    return static_cast<std::uint8_t>(leaf_[codes_at + column]);
  }
  [[nodiscard]] std::uint32_t width_of_deltas() const noexcept { return code(0); }
  [[nodiscard]] const std::byte* properties() const noexcept {
    return deltas_at() + packed_bytes(count_ - first_count(), width_of_deltas());
  }
  [[nodiscard]] const std::byte* kinds_at() const noexcept;
  [[nodiscard]] const std::byte* times_at() const noexcept;

  const std::byte* leaf_;
  std::uint32_t count_;
};

/// Packs leaves, one after the other. Keeps its arrays (over 8 KB). Threads: one.
class leaf_packer {
public:
  /// Bytes of the block that `c` (1 to 256 associations, targets ascending) packs into: a multiple
  /// of 16. `c` stays there until write().
  [[nodiscard]] std::size_t plan(const adjacency_chunk& c) noexcept;
  /// Writes what was planned, but for the first 8 bytes, to a block of that size.
  void write(void* leaf) const noexcept;

private:
  struct column {
    std::uint8_t code;
    std::uint32_t width;
    std::uint32_t base;
    std::uint32_t entries;                            // of the dictionary
    std::array<std::uint32_t, chunk_size> dictionary; // ascending
    std::array<std::uint32_t, chunk_size> numbers;    // to pack
  };
  struct time_column {
    std::int64_t base;
    std::uint32_t bytes; // of each
  };

  std::size_t plan_targets() noexcept;
  std::size_t plan_floats(const float* values, column& to) const noexcept;
  std::size_t plan_hundredths(const float* values, column& to) const noexcept;
  std::size_t plan_dictionary(const float* values, column& to) const noexcept;
  std::size_t plan_above_base(const float* values, column& to) const noexcept;
  std::size_t plan_kinds() noexcept;
  std::size_t plan_times() noexcept;
  std::byte* write_numbers(const column& c, std::byte* to) const noexcept;
  std::byte* write_floats(const column& c, std::byte* to) const noexcept;
  [[nodiscard]] std::uint32_t count() const noexcept {
    return static_cast<std::uint32_t>(chunk_.targets.size());
  }

  adjacency_chunk chunk_{};
  column targets_{};
  column confidence_{};
  column weight_{};
  column kind_{};
  time_column created_{};
  time_column kept_{};
};

} // namespace cmem
