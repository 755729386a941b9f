#include "actors/batch_sizer.hpp"

#include "tests/catch.hpp"

using cmem::batch_sizer;
using namespace std::chrono_literals;

TEST_CASE("knowing nothing, a batch may be as large as configured") {
  CHECK(batch_sizer(10ms, 10'000).limit() == 10'000);
}

TEST_CASE("merges that fit the interval leave the limit alone") {
  batch_sizer sizer(10ms, 10'000);
  sizer.observe(10'000, 3ms);
  CHECK(sizer.limit() == 10'000);
}

TEST_CASE("a merge that outlasts the interval makes the next smaller") {
  batch_sizer sizer(10ms, 10'000);
  sizer.observe(10'000, 20ms); // 2 us an entry
  CHECK(sizer.limit() == 5'000);
}

TEST_CASE("the limit follows merges that become faster again") {
  batch_sizer sizer(10ms, 10'000);
  sizer.observe(10'000, 40ms);
  const auto slow = sizer.limit();
  for (int i = 0; i < 40; ++i)
    sizer.observe(sizer.limit(), std::chrono::microseconds(sizer.limit() / 2));
  CHECK(slow == 2'500);
  CHECK(sizer.limit() == 10'000);
}

TEST_CASE("however slow merges are, batches stay worth their overhead") {
  batch_sizer sizer(1ms, 10'000);
  sizer.observe(10'000, 10s);
  CHECK(sizer.limit() == batch_sizer::entries_min);
}

TEST_CASE("a configured maximum below the minimum rules") {
  batch_sizer sizer(1ms, 10);
  sizer.observe(10, 10s);
  CHECK(sizer.limit() == 10);
}

TEST_CASE("a merge of a few entries says nothing about merges") {
  batch_sizer sizer(10ms, 10'000);
  sizer.observe(1, 10ms); // a page fault, or the thread was not scheduled
  CHECK(sizer.limit() == 10'000);
}
