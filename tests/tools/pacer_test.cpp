#include "tools/pacer.hpp"

#include "tests/catch.hpp"

#include <cstdlib>
#include <set>

using namespace cmem::tools;

TEST_CASE("operations are due at even distances from the start") {
  const pacer p(1'000, 2'000, 1, 0);
  CHECK(p.due(0) == 1'000);
  CHECK(p.due(1) == 501'000);
  CHECK(p.due(2'000) == 1'000'001'000);
}

TEST_CASE("threads take turns and together keep the rate") {
  std::set<std::int64_t> due;
  for (unsigned thread = 0; thread < 4; ++thread) {
    const pacer p(0, 1'000, 4, thread);
    for (std::uint64_t i = 0; i < 25; ++i)
      due.insert(p.due(i));
  }
  REQUIRE(due.size() == 100);
  std::int64_t expected = 0;
  for (const auto t : due) {
    CHECK(t == expected);
    expected += 1'000'000;
  }
}

TEST_CASE("due times do not drift over a day at an odd rate") {
  const pacer p(0, 3.0, 1, 0);
  CHECK(p.due(3ULL * 86'400) == 86'400'000'000'000);
  CHECK(std::abs(p.due(300ULL * 86'400) - 8'640'000'000'000'000) <= 10);
}

TEST_CASE("the number of operations due counts the first and leaves out the end") {
  CHECK(operations_due(10, 1) == 10);
  CHECK(operations_due(0.1, 10) == 1);
  CHECK(operations_due(0.1, 10.5) == 2);
  CHECK(operations_due(1'000, 0) == 0);
  CHECK(operations_due(3, 1.0 / 3) == 1);
}

TEST_CASE("waiting ends no sooner than due, and at once when that has passed") {
  const std::int64_t start = monotonic_ns();
  wait_until(start + 2'000'000);
  CHECK(monotonic_ns() >= start + 2'000'000);
  wait_until(start);
  wait_until(start + 3'000'000, 0);
  CHECK(monotonic_ns() >= start + 3'000'000);
}
