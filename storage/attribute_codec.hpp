#pragma once
// How attributes lie in a payload block: text -> text, sorted by key, bounded by limits.hpp.

#include "storage/records.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace cmem {

// attributes := count:u32 (key_bytes:u16 value_bytes:u16 key:u8[] value:u8[])*   native byte order
// In an update, value_bytes 0xFFFF means "remove this key", and no value follows. Keys ascend.

inline constexpr std::uint16_t attribute_removed = 0xFFFF;

/// Bytes that encode_attributes() needs at most for these updates.
[[nodiscard]] std::size_t encoded_attribute_bytes(
  std::span<const attribute_update> updates) noexcept;
/// Writes updates sorted by key; the last one of equal keys counts. Returns the bytes written,
/// which are fewer than the bytes from above when keys repeat. Allocates nothing.
/// Precondition: at most attributes_max updates within the limits of limits.hpp; `out` has the
/// bytes from above.
std::size_t encode_attributes(std::span<const attribute_update> updates,
                              std::span<std::byte> out) noexcept;

/// Walks encoded attributes (or updates). What it hands out are views into the encoded bytes.
class attribute_reader {
public:
  attribute_reader() = default;
  /// `encoded` may be empty (no attributes) and may go on after the last attribute.
  explicit attribute_reader(std::span<const std::byte> encoded) noexcept;
  /// The next one, false at the end. A removed key has no value.
  bool next(attribute_update& out) noexcept;
  /// How many there are in all.
  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }

private:
  std::span<const std::byte> rest_;
  std::uint32_t count_ = 0;
  std::uint32_t left_ = 0;
};

/// Bytes of `stored` with `updates` applied, and the number of attributes that makes; both 0 when
/// none is left.
struct merged_attributes {
  std::size_t bytes = 0;
  std::uint32_t count = 0;
};
/// Both are encoded; either may be empty; `stored` removes nothing. Writes what stays to `out`,
/// which holds `bytes` or more; with an empty `out` it only measures.
merged_attributes merge_attributes(std::span<const std::byte> stored,
                                   std::span<const std::byte> updates,
                                   std::span<std::byte> out) noexcept;

} // namespace cmem
