#include "storage/bloom_filter.hpp"

#include "tests/catch.hpp"

using namespace cmem;

namespace {

struct filter {
  std::vector<bloom_block> blocks;

  explicit filter(std::uint64_t ids) : blocks(bloom_blocks_for(ids)) {}
  void add(const concept_id& id) {
    const auto hash = bloom_hash(id);
    bloom_add(blocks[bloom_block_of(hash, blocks.size())], hash);
  }
  bool may_hold(const concept_id& id) const {
    const auto hash = bloom_hash(id);
    return bloom_may_hold(blocks[bloom_block_of(hash, blocks.size())], hash);
  }
};

double passing(std::uint64_t ids, bool hashed) {
  const auto id = [&](std::uint64_t n) {
    return hashed ? concept_id::from_name(std::to_string(n)) : concept_id::from_halves(0, n);
  };
  filter f(ids);
  for (std::uint64_t n = 0; n != ids; ++n)
    f.add(id(n));
  for (std::uint64_t n = 0; n != ids; ++n)
    REQUIRE(f.may_hold(id(n)));
  const std::uint64_t absent = 200'000;
  std::uint64_t passed = 0;
  for (std::uint64_t n = 0; n != absent; ++n)
    passed += f.may_hold(id(ids + n));
  return static_cast<double>(passed) / static_cast<double>(absent);
}

} // namespace

TEST_CASE("bloom_filter: what is in it is never denied, and at most 1 % of the rest passes") {
  for (const bool hashed : {false, true})
    for (const std::uint64_t ids : {1'000U, 50'000U, 300'000U}) {
      INFO(ids << (hashed ? " names" : " numbers"));
      const double rate = passing(ids, hashed);
      CHECK(rate < 0.01);
      CHECK(rate > 0.001); // else it is larger than it needs to be
    }
}

TEST_CASE("bloom_filter: few ids and none have one block") {
  CHECK(bloom_blocks_for(0) == 1);
  CHECK(bloom_blocks_for(21) == 1);
  CHECK(bloom_blocks_for(22) == 2);
  CHECK_FALSE(filter(0).may_hold(concept_id::from_name("a")));
}

TEST_CASE("D5: the bits of an id are these, for good") {
  const auto id = concept_id::from_name("cat");
  bloom_block block{};
  bloom_add(block, bloom_hash(id));
  CHECK(bloom_hash(id) == 0xF927'FADD'F0D2'05DC);
  CHECK(block
        == bloom_block{0x8000, 0x4000, 0x80, 0x2000'0000, 0x8'0000, 0x1000'0000, 0x80, 0x1'0000});
  CHECK(bloom_block_of(bloom_hash(id), 1'000'000) == 973'266);
}
