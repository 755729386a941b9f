#pragma once
// Which ids a segment can hold, in a word of 32 bytes each. It says "no" or "perhaps".

#include "storage/concept_id.hpp"
#include "storage/kernel.hpp"

#include <array>
#include <vector>

namespace cmem {

/// A split-block Bloom filter as Apache Parquet has it (its specification; Putze, Sanders, Singler:
/// "Cache-, Hash- and Space-Efficient Bloom Filters"): the upper half of a hash chooses a block of
/// eight words, the lower half one bit in each. One cache line a question. With 12 bits an id about
/// 0.6 % of absent ids pass. The hash is XXH3-64 of the id's 16 bytes.
using bloom_block = std::array<std::uint32_t, 8>;

inline constexpr std::uint64_t bloom_bits_per_id = 12;

/// Blocks for so many ids, at least one. Precondition: fewer than 2^36 ids.
[[nodiscard]] std::uint64_t bloom_blocks_for(std::uint64_t ids) noexcept;

[[nodiscard]] std::uint64_t bloom_hash(const concept_id& id) noexcept;
/// Precondition: blocks < 2^32.
[[nodiscard]] constexpr std::uint64_t bloom_block_of(std::uint64_t hash,
                                                     std::uint64_t blocks) noexcept {
  return (hash >> 32) * blocks >> 32;
}
void bloom_add(bloom_block& block, std::uint64_t hash) noexcept;
[[nodiscard]] bool bloom_may_hold(const bloom_block& block, std::uint64_t hash) noexcept;

} // namespace cmem
