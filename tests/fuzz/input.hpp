#pragma once
// What the fuzzers share: bytes as a source of choices, and a check that ends the run.
// A fuzzer is tests/fuzz/NAME_fuzz.cpp; the inputs it starts from are in
// tests/fuzz/corpus/NAME_fuzz.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace cmem::fuzz {

/// Choices taken from the front of the input; an input that is used up chooses 0.
/// Borrows the bytes. Threads: one.
class input {
public:
  input(const std::uint8_t* data, std::size_t size) noexcept
    : left_(reinterpret_cast<const char*>(data), size) {}

  [[nodiscard]] bool empty() const noexcept { return left_.empty(); }
  std::uint8_t byte() noexcept {
    if (left_.empty())
      return 0;
    const auto b = static_cast<std::uint8_t>(left_.front());
    left_.remove_prefix(1);
    return b;
  }
  /// A number below n, of one byte where that is enough. Precondition: 0 < n <= 65,536.
  std::uint32_t below(std::uint32_t n) noexcept {
    const std::uint32_t low = byte();
    return (n <= 256 ? low : low | (std::uint32_t{byte()} << 8)) % n;
  }
  /// Up to bytes_max bytes, borrowed.
  std::string_view text(std::uint32_t bytes_max) noexcept {
    const auto part = left_.substr(0, below(bytes_max + 1));
    left_.remove_prefix(part.size());
    return part;
  }
  [[nodiscard]] std::string_view rest() const noexcept { return left_; }

private:
  std::string_view left_;
};

/// Unlike an assertion, checked in every build.
inline void require(bool holds, std::string_view what) {
  if (holds)
    return;
  std::fprintf(stderr, "does not hold: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

} // namespace cmem::fuzz
