#include "storage/bloom_filter.hpp"

#include <algorithm>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace cmem {

namespace {

// Parquet's: odd numbers that take different bits of the hash to the top.
constexpr std::array<std::uint32_t, 8> salts{0x47b6'137bU, 0x4497'4d91U, 0x8824'ad5bU,
                                             0xa2b7'289dU, 0x7054'95c7U, 0x2df1'424bU,
                                             0x9efc'4947U, 0x5c6b'fb31U};

constexpr std::uint32_t bit_of(std::uint64_t hash, std::size_t word) noexcept {
  return 1U << (static_cast<std::uint32_t>(hash) * salts[word] >> 27);
}

} // namespace

std::uint64_t bloom_blocks_for(std::uint64_t ids) noexcept {
  constexpr std::uint64_t block_bits = 8 * sizeof(bloom_block);
  return std::max<std::uint64_t>(1, (ids * bloom_bits_per_id + block_bits - 1) / block_bits);
}

std::uint64_t bloom_hash(const concept_id& id) noexcept {
  return XXH3_64bits(id.bytes.data(), id.bytes.size());
}

void bloom_add(bloom_block& block, std::uint64_t hash) noexcept {
  for (std::size_t i = 0; i != block.size(); ++i)
    block[i] |= bit_of(hash, i);
}

bool bloom_may_hold(const bloom_block& block, std::uint64_t hash) noexcept {
  std::uint32_t missing = 0; // no branch a word
  for (std::size_t i = 0; i != block.size(); ++i)
    missing |= ~block[i] & bit_of(hash, i);
  return missing == 0;
}

} // namespace cmem
