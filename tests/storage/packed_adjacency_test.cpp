#include "storage/packed_adjacency.hpp"
#include "tests/catch.hpp"

#include <bit>
#include <limits>
#include <memory>
#include <random>
#include <vector>

using namespace cmem;

namespace {

/// The columns of a leaf, and ways to fill them.
struct leaf_columns {
  explicit leaf_columns(std::uint32_t count)
    : targets(count), confidence(count, 1.0F), weight(count, 1.0F), kind(count, 0), times(count) {
    for (std::uint32_t i = 0; i != count; ++i)
      targets[i] = 3 * i;
  }
  adjacency_chunk chunk(bool with_times) const {
    return {targets, confidence.data(), weight.data(), kind.data(),
            with_times ? times.data() : nullptr};
  }
  std::uint32_t size() const { return static_cast<std::uint32_t>(targets.size()); }

  std::vector<std::uint32_t> targets;
  std::vector<float> confidence;
  std::vector<float> weight;
  std::vector<kind_id> kind;
  std::vector<association_times> times;
};

struct alignas(16) unit {
  std::byte bytes[16];
};

/// Exactly the block it takes: under AddressSanitizer a byte read or written beyond is seen.
struct packed_block {
  packed_block(const leaf_columns& c, bool with_times) : count(c.size()) {
    leaf_packer packer;
    bytes = packer.plan(c.chunk(with_times));
    REQUIRE(bytes % 16 == 0);
    units.reset(new unit[bytes / 16]);
    std::fill_n(units[0].bytes, bytes, std::byte{0xA5});
    packer.write(units.get());
  }
  packed_leaf leaf() const { return {units.get(), count}; }

  std::uint32_t count;
  std::size_t bytes = 0;
  std::unique_ptr<unit[]> units;
};

bool same_bits(const float* a, const std::vector<float>& b) {
  return std::memcmp(a, b.data(), b.size() * sizeof(float)) == 0;
}

/// Packs, and reads all of it in every way there is.
std::size_t check(const leaf_columns& c, bool with_times) {
  const packed_block block(c, with_times);
  const packed_leaf leaf = block.leaf();
  unpacked_leaf to;
  const adjacency_chunk back = leaf.unpack(to, with_times);
  REQUIRE(std::vector(back.targets.begin(), back.targets.end()) == c.targets);
  REQUIRE(same_bits(back.confidence, c.confidence));
  REQUIRE(same_bits(back.weight, c.weight));
  REQUIRE(std::vector(back.kind, back.kind + c.size()) == c.kind);
  REQUIRE((back.times != nullptr) == with_times);
  if (with_times) {
    REQUIRE(std::vector(back.times, back.times + c.size()) == c.times);
    REQUIRE(leaf.times_bytes() >= 18);
    REQUIRE(leaf.times_bytes() < block.bytes);
  }
  REQUIRE(leaf.bytes(with_times) == block.bytes);
  std::vector<std::uint32_t> seen;
  REQUIRE_FALSE(leaf.any_targets([&](std::span<const std::uint32_t> part) {
    seen.insert(seen.end(), part.begin(), part.end());
    return false;
  }));
  REQUIRE(seen == c.targets);
  for (std::uint32_t i = 0; i < c.size(); i += 1 + c.size() / 7) {
    REQUIRE(leaf.target(i) == c.targets[i]);
    REQUIRE(leaf.kind(i) == c.kind[i]);
  }
  return block.bytes;
}

const std::vector<std::uint32_t> sizes{1,  2,  7,  8,  9,  15, 16, 17,  23,  24,  25,
                                       32, 33, 34, 41, 96, 97, 98, 144, 145, 255, 256};

} // namespace

TEST_CASE("leaves of every size and spread of targets come back") {
  std::minstd_rand random(1);
  for (const std::uint32_t count : sizes)
    for (int bits = 0; bits <= 32; ++bits) {
      leaf_columns c(count);
      for (auto& t : c.targets)
        t = bits == 0 ? 5 : static_cast<std::uint32_t>(random() * 2 + random() % 2) >> (32 - bits);
      std::ranges::sort(c.targets); // parallel kinds: some twice
      INFO(count << " targets of " << bits << " bits");
      check(c, false);
    }
}

TEST_CASE("the largest step, to the largest target") {
  leaf_columns c(2);
  c.targets = {0, std::numeric_limits<std::uint32_t>::max()};
  check(c, true);
  c.targets = {std::numeric_limits<std::uint32_t>::max(),
               std::numeric_limits<std::uint32_t>::max()};
  check(c, false);
}

TEST_CASE("floats come back bit for bit, whatever they are") {
  using limits = std::numeric_limits<float>;
  const std::vector<float> odd{0.0F,
                               -0.0F,
                               1.0F,
                               0.5F,
                               0.01F,
                               0.29F,
                               0.07F,
                               1.0F / 3,
                               655.35F,
                               655.36F,
                               654.34F,
                               2.0F,
                               100.0F,
                               limits::max(),
                               limits::min(),
                               limits::denorm_min(),
                               limits::epsilon(),
                               1.0F - limits::epsilon(),
                               1e-30F,
                               std::bit_cast<float>(0x0080'0001U),
                               -1.5F,
                               limits::infinity()};
  std::minstd_rand random(2);
  for (const std::uint32_t count : sizes) {
    for (const float only : odd) { // all of them the same
      leaf_columns c(count);
      c.confidence.assign(count, only);
      c.weight.assign(count, -only);
      check(c, false);
    }
    leaf_columns c(count);
    for (std::uint32_t i = 0; i != count; ++i) {
      c.confidence[i] = odd[random() % odd.size()];
      c.weight[i] = std::bit_cast<float>(static_cast<std::uint32_t>(random() * 2)); // any bits
    }
    check(c, true);
  }
}

TEST_CASE("every hundredth comes back, alone and among others") {
  for (std::uint32_t first = 0; first < 70'000; first += 250) {
    leaf_columns c(250);
    for (std::uint32_t i = 0; i != 250; ++i) {
      c.confidence[i] = static_cast<float>(first + i) / 100.0F;
      c.weight[i] = static_cast<float>(first) / 100.0F;
    }
    check(c, false);
  }
}

TEST_CASE("kinds come back: one, few, and the highest there is") {
  std::minstd_rand random(3);
  for (const std::uint32_t count : sizes)
    for (const unsigned limit : {0U, 1U, 4U, 127U, 128U, 4095U, 65535U}) {
      const auto most = static_cast<kind_id>(limit);
      leaf_columns c(count);
      c.kind.assign(count, most);
      check(c, false);
      for (auto& k : c.kind)
        k = static_cast<kind_id>(random() % (most + 1U));
      check(c, true);
    }
}

TEST_CASE("times come back, also those before 1970 and at the ends of what there is") {
  using limits = std::numeric_limits<timestamp_us>;
  std::minstd_rand random(4);
  const std::vector<timestamp_us> odd{
    0, 1, -1, limits::min(), limits::max(), 1'700'000'000'000'000};
  for (const std::uint32_t count : sizes) {
    leaf_columns c(count);
    for (auto& t : c.times) {
      t.created = 1'700'000'000'000'000 + static_cast<timestamp_us>(random() % 1'000'000);
      t.last_used = t.created + (random() % 2 == 0 ? 0 : static_cast<timestamp_us>(random()));
    }
    check(c, true);
    for (auto& t : c.times)
      t = {odd[random() % odd.size()], odd[random() % odd.size()]};
    check(c, true);
  }
}

TEST_CASE("what is alike takes little") {
  leaf_columns one(1);
  CHECK(check(one, false) == 16);
  leaf_columns five(5); // of a graph of a million
  five.targets = {1, 200'000, 400'000, 600'000, 1'000'000};
  CHECK(check(five, false) == 32);
  leaf_columns full(256);
  CHECK(check(full, false) == 144);     // steps of 3: two bits each behind 16
  full.confidence.assign(256, 0.3333F); // one value: 4 bytes
  CHECK(check(full, false) == 144);
  for (std::size_t i = 0; i != 256; ++i) // eight: 32 bytes and three bits each
    full.confidence[i] = 1.0F / static_cast<float>(3 + i % 8);
  CHECK(check(full, false) == 272);
  for (std::size_t i = 0; i != 256; ++i) // hundredths: seven bits
    full.confidence[i] = static_cast<float>(i % 101) / 100;
  CHECK(check(full, false) == 368);
  full.weight.assign(256, 2.0F); // one value again
  CHECK(check(full, false) == 368);
}

TEST_CASE("who has seen enough is not given more") {
  leaf_columns c(256);
  const packed_block block(c, false);
  std::size_t given = 0;
  CHECK(block.leaf().any_targets([&](std::span<const std::uint32_t> part) {
    given += part.size();
    return true;
  }));
  CHECK(given == 16);
}
