#include "storage/cow_array_builder.hpp"
#include "tests/catch.hpp"
#include "tests/storage/builder_fixture.hpp"

#include <random>
#include <vector>

using namespace cmem;
using cmem::test::version_fixture;

namespace {

using array = cow_array_builder<std::uint32_t, 32>;

struct array_fixture : version_fixture {
  array elements{pages, retired, page_use::records};
  array::view newest;

  void publish() {
    elements.prepare();
    newest = elements.publish(version);
    version_fixture::publish();
  }
};

bool equal(const array::view& v, const std::vector<std::uint32_t>& expected) {
  for (std::uint32_t i = 0; i < expected.size(); ++i)
    if (v[i] != expected[i])
      return false;
  return true;
}

} // namespace

TEST_CASE("R2: a version of an array stays as it was published, whatever comes after") {
  array_fixture f;
  struct held_version {
    std::uint64_t version;
    array::view view;
    std::vector<std::uint32_t> expected;
  };
  std::vector<held_version> held;
  std::vector<std::uint32_t> model;
  std::minstd_rand random(1);
  const std::uint32_t size_max = 2 * array::view::part_size + 100; // three parts
  for (std::size_t round = 0; round < cmem::test::sweep(200); ++round) {
    const std::size_t more = std::min<std::size_t>(random() % 2'000, size_max - model.size());
    for (std::size_t i = 0; i < more; ++i) {
      f.elements.extend(static_cast<std::uint32_t>(model.size()), f.version);
      model.push_back(0);
    }
    for (int i = 0; i < 50 && !model.empty(); ++i) {
      const auto at = static_cast<std::uint32_t>(random() % model.size());
      model[at] = f.elements.own(at, f.version) = static_cast<std::uint32_t>(random());
    }
    if (model.empty())
      continue;
    if (round % 5 == 4) { // a merge that is taken back
      const std::vector<std::uint32_t>& last = held.back().expected;
      f.retired.forget_pending();
      f.elements.roll_back(held.back().version);
      f.pages.discard_since_keep();
      ++f.version;
      model = last;
      REQUIRE(equal(f.newest, model));
      continue;
    }
    const std::uint64_t version = f.version;
    f.hold(version);
    f.publish();
    held.push_back({version, f.newest, model});
    if (held.size() > 6) {
      const std::size_t gone = random() % 5;
      f.release(held[gone].version);
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(gone));
    }
    for (const held_version& h : held)
      REQUIRE(equal(h.view, h.expected));
  }
}

TEST_CASE(
  "R3: changing one element copies a leaf, a part and the top, and the old ones come back") {
  array_fixture f;
  for (std::uint32_t i = 0; i < 3 * array::view::part_size; ++i)
    f.elements.extend(i, f.version);
  f.publish();
  f.publish();
  const std::size_t before = f.pages.bytes_in_use();
  const std::uint64_t old = f.version - 1;
  f.hold(old);
  f.elements.own(40'000, f.version) = 5;
  f.publish();
  CHECK(f.pages.bytes_in_use() == before + 32 * 4 + 1024 * 4 + 16);
  f.release(old);
  f.publish();
  CHECK(f.pages.bytes_in_use() == before);
}
