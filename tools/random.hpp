#pragma once
// Random numbers that are the same on every machine and cost a few cycles.

#include <cstdint>

namespace cmem::tools {

/// SplitMix64 (Steele, Lea, Flood 2014).
class random_numbers {
public:
  explicit random_numbers(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9E37'79B9'7F4A'7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EBULL;
    return z ^ (z >> 31);
  }
  /// In [0, bound); bias below 2^-32 for bounds below 2^32. Precondition: 0 < bound <= 2^32.
  std::uint64_t below(std::uint64_t bound) noexcept { return ((next() >> 32) * bound) >> 32; }
  /// In [0, 1).
  float unit() noexcept { return static_cast<float>(next() >> 40) * 0x1p-24F; }

private:
  std::uint64_t state_;
};

} // namespace cmem::tools
