#pragma once
// What a store says of itself as a whole.
//
//   root := magic:u8[8]="cmemroot" version:u32 vector_dimension:u32 store:u64 reserved:u64
//           durable:u64 checksum:u64                               48 bytes, little-endian
//
// Replaced as a whole: written beside, synced, renamed.

#include "storage/env.hpp"

#include <array>
#include <optional>
#include <type_traits>

namespace cmem {

inline constexpr std::array<char, 8> store_root_magic{'c', 'm', 'e', 'm', 'r', 'o', 'o', 't'};
inline constexpr std::uint32_t store_root_version = 1;

struct store_root {
  std::array<char, 8> magic = store_root_magic;
  std::uint32_t version = store_root_version;
  std::uint32_t vector_dimension = 0;
  std::uint64_t store = 0; ///< random; the log files bear it
  /// Sequences up to here may have been shown to readers: a store that opens after a crash goes on
  /// behind it, so that no number comes twice (R2).
  std::uint64_t reserved = 0;
  std::uint64_t durable = 0;  ///< the log up to here was synced before this was written
  std::uint64_t checksum = 0; ///< XXH3-64 of all before it
};
static_assert(sizeof(store_root) == 48);
static_assert(std::has_unique_object_representations_v<store_root>); // no padding

/// Empty where there is none. Fails: corrupt, unsupported (a newer version), or as env does.
result<std::optional<store_root>> read_store_root(const env& e, const std::string& directory);
/// Durable when it succeeds. When it fails, the one before counts, or this one does.
result<void> write_store_root(const env& e, const std::string& directory, store_root root);

} // namespace cmem
