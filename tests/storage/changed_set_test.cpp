#include "storage/changed_set.hpp"
#include "tests/catch.hpp"

#include <random>
#include <set>
#include <vector>

using namespace cmem;

TEST_CASE("changed_indices: each once, in the order of its first change, and anew after take()") {
  std::minstd_rand random(1);
  changed_indices changed;
  for (const std::uint32_t range : {1U, 64U, 65U, 5'000U, 1'000'000U, 10U}) {
    std::vector<std::uint32_t> expected;
    std::set<std::uint32_t> seen;
    for (int i = 0; i != 3'000; ++i) {
      const auto index = static_cast<std::uint32_t>(random() % range);
      changed.mark(index);
      if (seen.insert(index).second)
        expected.push_back(index);
      REQUIRE(changed.size() == expected.size());
    }
    CHECK(changed.take() == expected);
    CHECK(changed.size() == 0);
    CHECK(changed.take().empty());
  }
  CHECK(changed.bytes() >= 1'000'000 / 8);
  CHECK(changed.bytes() < 1'000'000); // a bit an index, doubling
}

TEST_CASE("changed_set: its size is what a segment would have records") {
  changed_set changed;
  CHECK(changed.empty());
  changed.lists.mark(7);
  CHECK_FALSE(changed.empty());
  CHECK(changed.size() == 1);
  changed.records.mark(7);
  changed.records.mark(8);
  CHECK(changed.size() == 2); // 7 is one record
  changed.forgotten.push_back(concept_id::from_name("gone"));
  CHECK(changed.size() == 3);
  (void) changed.lists.take();
  (void) changed.records.take();
  CHECK_FALSE(changed.empty());
}
