#pragma once
// Numbers in as many bytes as they need, seven bits a byte, the lowest first.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cmem {

inline void put_varint(std::vector<std::byte>& to, std::uint64_t n) {
  for (; n >= 0x80; n >>= 7)
    to.push_back(static_cast<std::byte>(n | 0x80));
  to.push_back(static_cast<std::byte>(n));
}

/// Moves `at` behind it. Precondition: one that put_varint() wrote.
[[nodiscard]] inline std::uint64_t get_varint(const std::byte*& at) noexcept {
  std::uint64_t n = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = static_cast<std::uint64_t>(*at++);
    n |= (byte & 0x7F) << shift;
    if (byte < 0x80)
      return n;
  }
}

} // namespace cmem
