#include "storage/search_marks.hpp"

#include "storage/limits.hpp"
#include "tests/storage/query_fixture.hpp"

using namespace cmem;
using namespace cmem::test;

TEST_CASE("A new search has reached nothing") {
  search_marks marks;
  marks.begin(10);
  marks[3].side[0] = marks.at_level(path_depth_max) | search_marks::on_path;
  CHECK(marks.reached(marks[3].side[0]));
  CHECK_FALSE(marks.reached(marks[3].side[1]));
  CHECK_FALSE(marks.reached(marks[9].side[0]));
  marks.begin(10);
  CHECK_FALSE(marks.reached(marks[3].side[0]));
}

TEST_CASE("Marks grow with the graph and forget what was marked") {
  search_marks marks;
  marks.begin(10);
  marks[3].side[1] = marks.at_level(0);
  const std::size_t before = marks.capacity();
  marks.begin(static_cast<std::uint32_t>(before) + 1);
  CHECK(marks.capacity() > before);
  CHECK_FALSE(marks.reached(marks[3].side[1]));
  CHECK_FALSE(marks.reached(marks[static_cast<std::uint32_t>(before)].side[0]));
}

TEST_CASE("When epochs run out, the oldest marks are not taken for new ones") {
  constexpr std::uint32_t epochs = 0xFFFF'FFFFU / search_marks::epoch_step;
  search_marks marks;
  marks.begin(10);
  marks[3].side = {marks.at_level(1), marks.at_level(2)};
  const search_marks::mark* const place = &marks[0];
  std::uint32_t wrongly_reached = 0;
  std::uint32_t moved = 0;
  for (std::uint32_t i = 0; i < 2 * epochs + 2; ++i) {
    marks.begin(10);
    wrongly_reached += marks.reached(marks[3].side[0]) || marks.reached(marks[3].side[1]);
    wrongly_reached += marks.reached(marks[4].side[0]);
    moved += &marks[0] != place;
  }
  CHECK(wrongly_reached == 0);
  CHECK(moved == 0); // nothing was allocated
}

TEST_CASE("One scratch serves snapshots of different memories") {
  graph_memory small;
  small.learn_all({1, 2, 3});
  small.chain({1, 2, 3});
  small.publish();
  graph_memory large;
  for (concept_number n = 1; n <= 5000; ++n)
    large.learn(n);
  for (concept_number n = 1; n < 5000; ++n)
    large.link(n, n + 1);
  large.publish();
  path_scratch scratch;
  for (int i = 0; i < 3; ++i) {
    const auto p = find_path(small.snapshot(), small.index(1), small.index(3), 4, scratch);
    CHECK(small.to_model(p.value()).concepts == std::vector<concept_number>{1, 2, 3});
    const auto q = find_path(large.snapshot(), large.index(4000), large.index(4100), 100, scratch);
    CHECK(large.to_model(q.value()).hops() == 100);
  }
}
