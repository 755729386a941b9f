#include "storage/retired_list.hpp"
#include "tests/catch.hpp"

#include <utility>

using namespace cmem;

namespace {

retired_object object(std::uint32_t n) {
  retired_object o{};
  o.object = n;
  return o;
}

bool holds(const retired_list& list, std::uint32_t first, std::uint32_t last) {
  bool good = list.size() == last - first;
  for (std::uint32_t i = 0; good && i < last - first; ++i)
    good = list[i].object == first + i;
  return good;
}

} // namespace

TEST_CASE("retired_list: keeps order over chunks, and loses its front") {
  retired_list::stock spare;
  retired_list list;
  for (std::uint32_t i = 0; i < 5'000; ++i)
    list.push_back(object(i), spare);
  CHECK(holds(list, 0, 5'000));
  list.erase_front(1'500);
  CHECK(holds(list, 1'500, 5'000));
  list.push_back(object(5'000), spare);
  CHECK(holds(list, 1'500, 5'001));
  retired_list moved = std::move(list);
  CHECK(holds(moved, 1'500, 5'001));
  CHECK(list.size() == 0); // NOLINT(bugprone-use-after-move): stays usable
  list.push_back(object(7), spare);
  CHECK(holds(list, 7, 8));
  moved.clear(spare);
  CHECK(moved.size() == 0);
  CHECK(moved.bytes() == 0);
}

TEST_CASE("retired_list: a stock makes ahead what was lately taken, and not for ever") {
  retired_list::stock spare;
  const auto use = [&](int chunks) {
    for (int i = 0; i < chunks; ++i)
      (void) spare.take();
  };
  spare.provision();
  CHECK(spare.bytes() == 0);
  use(10);
  spare.provision();
  CHECK(spare.bytes() == 10 * sizeof(retired_list::chunk));
  use(10);
  for (int i = 0; i < 100; ++i)
    spare.provision();
  const std::size_t idle = spare.bytes();
  CHECK(idle <= 10 * sizeof(retired_list::chunk));
  for (int i = 0; i < 100; ++i)
    spare.provision();
  CHECK(spare.bytes() == idle);
}
