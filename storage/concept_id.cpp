#include "storage/concept_id.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace cmem {

namespace {

constexpr char hex_digits[] = "0123456789abcdef";

int digit_value(char c) noexcept {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

} // namespace

concept_id concept_id::from_name(std::string_view name) noexcept {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(name.data(), name.size()));
  static_assert(sizeof(canonical.digest) == sizeof(concept_id::bytes));
  concept_id id;
  std::memcpy(id.bytes.data(), canonical.digest, id.bytes.size());
  return id;
}

std::optional<concept_id> concept_id::from_hex(std::string_view hex) noexcept {
  concept_id id;
  if (hex.size() != 2 * id.bytes.size())
    return std::nullopt;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    const int high = digit_value(hex[2 * i]);
    const int low = digit_value(hex[2 * i + 1]);
    if (high < 0 || low < 0)
      return std::nullopt;
    id.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return id;
}

concept_id concept_id::from_halves(std::uint64_t high, std::uint64_t low) noexcept {
  concept_id id;
  for (std::size_t i = 0; i < 8; ++i) {
    const auto shift = 8 * (7 - i);
    id.bytes[i] = static_cast<std::uint8_t>(high >> shift);
    id.bytes[8 + i] = static_cast<std::uint8_t>(low >> shift);
  }
  return id;
}

std::string concept_id::hex() const {
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text.push_back(hex_digits[byte >> 4]);
    text.push_back(hex_digits[byte & 0xF]);
  }
  return text;
}

} // namespace cmem
