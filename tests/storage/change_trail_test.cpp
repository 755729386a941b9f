#include "storage/change_trail.hpp"

#include "tests/catch.hpp"

#include <numeric>
#include <random>

using namespace cmem;

namespace {

std::vector<std::uint32_t> numbers(std::uint32_t from, std::uint32_t to) {
  std::vector<std::uint32_t> n(to - from);
  std::iota(n.begin(), n.end(), from);
  return n;
}

} // namespace

TEST_CASE("what was added before a publish is in it, from any position on") {
  change_trail_builder b;
  CHECK(b.publish().since(0).empty());
  for (std::uint32_t i = 0; i != 3'000; ++i)
    b.add(i);
  const change_trail t = b.publish();
  CHECK(t.kept());
  CHECK_FALSE(change_trail().kept());
  CHECK(t.begin() == 0);
  CHECK(t.end() == 3'000);
  for (const std::uint32_t since : {0U, 1U, 1'023U, 1'024U, 1'025U, 2'048U, 2'999U, 3'000U})
    CHECK(t.since(since) == numbers(since, 3'000));
}

TEST_CASE("R2: a trail does not change with what is added, cut or taken back later") {
  std::mt19937 random(7);
  change_trail_builder b;
  std::vector<std::uint32_t> all; // as of the last publish
  struct held_trail {
    change_trail trail;
    std::vector<std::uint32_t> content;
  };
  std::vector<held_trail> held;
  std::uint64_t begin = 0;
  for (int round = 0; round != 300; ++round) {
    const auto count = std::uniform_int_distribution<std::uint32_t>(0, 1'500)(random);
    std::vector<std::uint32_t> added(count);
    for (std::uint32_t& i : added)
      b.add(i = static_cast<std::uint32_t>(random()));
    if (round % 3 == 1) {
      b.roll_back();
      continue;
    }
    all.insert(all.end(), added.begin(), added.end());
    held.push_back({b.publish(), {all.begin() + static_cast<std::ptrdiff_t>(begin), all.end()}});
    REQUIRE(held.back().trail.begin() == begin);
    if (round % 4 == 0) {
      begin = std::uniform_int_distribution<std::uint64_t>(begin, all.size())(random);
      b.cut(begin);
    }
    for (const held_trail& h : held)
      REQUIRE(h.trail.since(h.trail.begin()) == h.content);
  }
  b.cut(all.size());
  const std::size_t bytes = b.bytes();
  CHECK(bytes < 10'000);
}
