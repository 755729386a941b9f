#include "storage/search_budget.hpp"

#include "tests/catch.hpp"

using namespace cmem;

TEST_CASE("Without limits there is no end") {
  search_budget b{{}};
  for (int i = 0; i < 100; ++i) {
    CHECK(b.spend(1'000'000'000));
    CHECK(b.reach(1'000'000'000));
  }
  CHECK(b.visited() == 100'000'000'000);
  CHECK(b.end() == traversal_end::complete);
}

TEST_CASE("As many concepts as are allowed, and no more") {
  search_budget b{{.deadline = std::nullopt, .visited_max = 10}};
  CHECK(b.reach(4));
  CHECK(b.reach(6));
  CHECK(b.room() == 0);
  CHECK_FALSE(b.is_over());
  CHECK(b.reach(0));
  CHECK_FALSE(b.reach(1));
  CHECK(b.visited() == 10);
  CHECK(b.end() == traversal_end::visited_max);
}

TEST_CASE("A deadline is noticed within some thousand associations, and stays") {
  search_budget passed{{.deadline = std::chrono::steady_clock::now()}};
  CHECK(passed.end() == traversal_end::deadline);
  CHECK_FALSE([&] {
    for (int i = 0; i < 10'000; ++i)
      if (!passed.spend(1))
        return false;
    return true;
  }());
  CHECK_FALSE(passed.spend(1'000'000));
  CHECK(passed.end() == traversal_end::deadline);

  search_budget far(traversal_limits::within(std::chrono::hours(1)));
  for (int i = 0; i < 10'000; ++i)
    CHECK(far.spend(100));
  CHECK(far.end() == traversal_end::complete);
}
