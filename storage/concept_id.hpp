#pragma once
// Names of things: a concept's 16-byte id, and the registered kind of an association.

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace cmem {

/// 16 bytes, written as 32 lowercase hex digits. Ordered as its bytes are.
struct concept_id {
  std::array<std::uint8_t, 16> bytes{};

  /// XXH3-128 of the name in canonical (big-endian) byte order.
  [[nodiscard]] static concept_id from_name(std::string_view name) noexcept;
  /// Parses exactly 32 hex digits, of either case.
  [[nodiscard]] static std::optional<concept_id> from_hex(std::string_view hex) noexcept;
  /// From two 64-bit halves, big-endian: from_halves(0, 5) ends in …05.
  [[nodiscard]] static concept_id from_halves(std::uint64_t high, std::uint64_t low) noexcept;
  [[nodiscard]] std::string hex() const;

  friend std::strong_ordering operator<=>(const concept_id& a, const concept_id& b) noexcept {
    const auto half = [](const concept_id& id, std::size_t at) { // big-endian: its bytes' order
      std::uint64_t v = 0;
      std::memcpy(&v, id.bytes.data() + at, 8);
      return std::endian::native == std::endian::little ? __builtin_bswap64(v) : v;
    };
    const std::strong_ordering high = half(a, 0) <=> half(b, 0);
    return high != std::strong_ordering::equal ? high : half(a, 8) <=> half(b, 8);
  }
  friend bool operator==(const concept_id& a, const concept_id& b) noexcept {
    return std::memcmp(a.bytes.data(), b.bytes.data(), 16)
           == 0; // two compares, where the default calls out
  }
};
static_assert(sizeof(concept_id) == 16);

/// Mixes all 128 bits (ids may be sequential): the one hash that every table here uses.
[[nodiscard]] inline std::uint64_t hash_value(const concept_id& id) noexcept {
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  std::memcpy(&a, id.bytes.data(), 8);
  std::memcpy(&b, id.bytes.data() + 8, 8);
  // Two rounds of the murmur3 finalizer (Appleby, public domain), the halves entering one by one.
  std::uint64_t h = a ^ 0x9E37'79B9'7F4A'7C15ULL;
  h = (h ^ (h >> 33)) * 0xFF51'AFD7'ED55'8CCDULL;
  h ^= b;
  h = (h ^ (h >> 33)) * 0xC4CE'B9FE'1A85'EC53ULL;
  return h ^ (h >> 33);
}

/// An association's kind: an index into the kind_registry of the memory.
using kind_id = std::uint16_t;

/// The kinds that every memory knows.
namespace kinds {
inline constexpr kind_id semantic = 0;
inline constexpr kind_id causal = 1;
inline constexpr kind_id temporal = 2;
inline constexpr kind_id hierarchical = 3;
inline constexpr kind_id compositional = 4;
} // namespace kinds

/// A concept named by id or by name. A name is hashed, and kept with the concept when it first
/// comes; two names with one id are refused at the merge (id_collision). Borrows the name.
struct concept_ref {
  concept_id id;
  std::string_view name; ///< empty: known by id alone

  concept_ref(const concept_id& i) noexcept : id(i) {}
  concept_ref(std::string_view n) noexcept : id(concept_id::from_name(n)), name(n) {}
  concept_ref(const char* n) noexcept : concept_ref(std::string_view(n)) {}
  concept_ref(const std::string& n) noexcept : concept_ref(std::string_view(n)) {}
  /// An id that was computed before, with the name it came from.
  concept_ref(const concept_id& i, std::string_view n) noexcept : id(i), name(n) {}
};

} // namespace cmem

template <>
struct std::hash<cmem::concept_id> {
  std::size_t operator()(const cmem::concept_id& id) const noexcept { return cmem::hash_value(id); }
};
