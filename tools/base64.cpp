#include "tools/base64.hpp"

#include <array>
#include <cstdint>

namespace cmem::tools {
namespace {

constexpr std::string_view digits =
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 0xFF;

constexpr auto values = [] {
  std::array<std::uint8_t, 256> v{};
  v.fill(no_digit);
  for (std::size_t i = 0; i < digits.size(); ++i)
    v[static_cast<unsigned char>(digits[i])] = static_cast<std::uint8_t>(i);
  return v;
}();

} // namespace

std::string to_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view part = bytes.substr(at, 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i)
      bits = bits << 8 | (i < part.size() ? static_cast<unsigned char>(part[i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i)
      text += i <= part.size() ? digits[bits >> (18 - 6 * i) & 63U] : '=';
  }
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0)
    return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=')
    ++padding;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (std::size_t at = 0; at < text.size(); at += 4) {
    const std::size_t unused = at + 4 == text.size() ? padding : 0;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::uint8_t value =
        i < 4 - unused ? values[static_cast<unsigned char>(text[at + i])] : std::uint8_t{0};
      if (value == no_digit)
        return std::nullopt;
      bits = bits << 6 | value;
    }
    if ((bits & ((1U << (8 * unused)) - 1)) != 0)
      return std::nullopt;
    for (std::size_t i = 0; i < 3 - unused; ++i)
      bytes += static_cast<char>(bits >> (16 - 8 * i) & 0xFFU);
  }
  return bytes;
}

} // namespace cmem::tools
