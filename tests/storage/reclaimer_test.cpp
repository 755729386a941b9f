#include "storage/reclaimer.hpp"
#include "tests/catch.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

using namespace cmem;

namespace {

/// Prints what is freed: the objects' numbers in order.
struct reclaimer_fixture {
  std::string settle(const std::vector<std::uint64_t>& live,
                     const std::vector<std::uint64_t>& dead = {}) {
    std::vector<std::uint32_t> freed;
    objects.settle(
      live, dead, [&](const retired_object& o) { freed.push_back(o.object); },
      [](const retired_object&) {});
    std::sort(freed.begin(), freed.end());
    std::string text;
    for (const std::uint32_t n : freed)
      text += (text.empty() ? "" : " ") + std::to_string(n);
    return text;
  }
  /// Object n was made by version `created`, and replaced by the one being built.
  void retire(std::uint64_t created, std::uint32_t n) {
    objects.retire_page(created, n, 100, page_use::records);
  }
  reclaimer objects;
};

} // namespace

TEST_CASE("R3: an object is freed unless a snapshot from [created, replaced) is held") {
  reclaimer_fixture f;
  SECTION("none is held") {
    f.retire(1, 1);
    CHECK(f.settle({}) == "1");
  }
  SECTION("one older than the object is held") {
    f.retire(3, 1);
    CHECK(f.settle({2}) == "1");
  }
  SECTION("the one that made it is held") {
    f.retire(3, 1);
    CHECK(f.settle({2, 3}).empty());
    CHECK(f.settle({2}, {3}) == "1");
  }
  SECTION("made and replaced by one version") {
    f.retire(5, 1);
    CHECK(f.settle({4}) == "1");
  }
}

TEST_CASE("R3: a snapshot held for long pins only what it sees") {
  reclaimer_fixture f;
  f.retire(4, 1); // seen by version 5
  CHECK(f.settle({5}).empty());
  for (std::uint64_t version = 7; version < 1'000; ++version) {
    f.retire(version - 1, static_cast<std::uint32_t>(version));
    const auto dead = version == 7 ? std::vector<std::uint64_t>() : std::vector{version - 2};
    CHECK(f.settle({5}, dead) == std::to_string(version));
  }
  CHECK(f.objects.page_bytes_waiting() == 100);
  CHECK(f.settle({}, {5}) == "1");
  CHECK(f.objects.page_bytes_waiting() == 0);
}

TEST_CASE("R3: what a snapshot blocked moves to the next older one that sees it") {
  reclaimer_fixture f;
  f.retire(1, 1);
  f.retire(4, 2);
  CHECK(f.settle({3, 5}).empty()); // both wait for 5
  CHECK(f.settle({3}, {5}) == "2");
  CHECK(f.settle({3}).empty());
  CHECK(f.settle({}, {3}) == "1");
}

TEST_CASE("reclaimer: what a discarded merge retired is forgotten, tables of ids excepted") {
  reclaimer_fixture f;
  f.retire(1, 1);
  f.objects.retire_page(0, 2, 100, page_use::id_table);
  f.objects.forget_pending();
  CHECK(f.settle({}) == "2");
}

TEST_CASE("reclaimer: objects keep kind, use and size; no payload is no object") {
  reclaimer r;
  r.retire_page(1, 10, 4096, page_use::adjacency);
  r.retire_payload(1, 0);
  r.retire_payload(1, 11);
  r.retire_index(1, 12, 77);
  std::vector<retired_object> freed;
  r.settle(
    {}, {}, [&](const retired_object& o) { freed.push_back(o); }, [](const retired_object&) {});
  REQUIRE(freed.size() == 3);
  CHECK(static_cast<retired_kind>(freed[0].kind) == retired_kind::page);
  CHECK(static_cast<page_use>(freed[0].use) == page_use::adjacency);
  CHECK(freed[0].size == 4096);
  CHECK(static_cast<retired_kind>(freed[1].kind) == retired_kind::payload);
  CHECK(freed[1].object == 11);
  CHECK(static_cast<retired_kind>(freed[2].kind) == retired_kind::index);
  CHECK(freed[2].size == 77);
}

TEST_CASE("R3: any snapshots held and let go: freed is exactly what none of them sees") {
  reclaimer_fixture f;
  struct object {
    std::uint64_t created;
    std::uint64_t replaced;
  };
  std::vector<object> objects;
  std::vector<bool> gone;
  std::vector<std::uint64_t> live;
  std::minstd_rand random(1);
  for (std::uint64_t version = 1; version < cmem::test::sweep(2'000); ++version) {
    for (std::uint32_t i = 0; i < random() % 5; ++i) {
      const std::uint64_t created = version - std::min<std::uint64_t>(version, random() % 20);
      f.retire(created, static_cast<std::uint32_t>(objects.size()));
      objects.push_back({created, version});
      gone.push_back(false);
    }
    if (version > 1)
      live.push_back(version - 1);
    std::vector<std::uint64_t> dead;
    std::erase_if(live, [&](std::uint64_t v) {
      const bool ends = random() % (v % 7 == 0 ? 60 : 3) == 0;
      if (ends)
        dead.push_back(v);
      return ends;
    });
    std::string expected;
    for (std::size_t i = 0; i < objects.size(); ++i)
      if (!gone[i] && std::none_of(live.begin(), live.end(), [&](std::uint64_t v) {
            return v >= objects[i].created && v < objects[i].replaced;
          })) {
        gone[i] = true;
        expected += (expected.empty() ? "" : " ") + std::to_string(i);
      }
    REQUIRE(f.settle(live, dead) == expected);
  }
}
