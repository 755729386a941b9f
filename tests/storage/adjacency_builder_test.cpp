#include "storage/adjacency_builder.hpp"
#include "tests/catch.hpp"
#include "tests/storage/builder_fixture.hpp"

#include <algorithm>
#include <bit>
#include <deque>
#include <random>
#include <thread>
#include <utility>
#include <vector>

using namespace cmem;
using cmem::test::version_fixture;

namespace {

using link = association_link;

bool same(const association_values& a, const association_values& b, bool with_times) {
  return a.kind == b.kind && a.confidence == b.confidence && a.weight == b.weight
         && (!with_times || a.times == b.times);
}

/// The lists of a few concepts, and vectors that do the same: removing moves the last one up.
class list_fixture : public version_fixture {
public:
  static constexpr std::uint32_t lists = 3;

  explicit list_fixture(bool times = true) : with_times(times), builder(pages, retired, times) {
    for (std::uint32_t i = 0; i < lists; ++i)
      builder.extend(i, version);
    publish();
  }

  void append(std::uint32_t list, std::uint32_t target, kind_id kind) {
    const association_values v = some_values(kind);
    builder.append(list, target, v, version);
    model[list].push_back({target, v});
  }
  /// All of an empty list at once.
  void make(std::uint32_t list, std::uint32_t count) {
    builder.make(list, count, version);
    std::uint32_t next = 0;
    builder.fill(list, [&] {
      const auto kind = static_cast<kind_id>(next % 3);
      model[list].push_back({7 * next++, some_values(kind)});
      return std::pair(model[list].back().target, model[list].back().values);
    });
  }
  /// The same, packed.
  void assign(std::uint32_t list, std::uint32_t count) {
    with.links.clear();
    for (std::uint32_t i = 0; i != count; ++i)
      with.links.push_back({7 * i, some_values(static_cast<kind_id>(i % 3))});
    model[list].assign(with.links.begin(), with.links.end());
    std::shuffle(with.links.begin(), with.links.end(), random); // assign() sorts
    builder.assign(list, with, version);
  }
  /// Positions are others then: those that lists read in now.
  bool pack(std::uint32_t list) {
    const bool packed = builder.pack(list, with, version);
    std::vector<link> read;
    builder.list(list).for_each_chunk([&](const adjacency_chunk& c) {
      for (std::size_t k = 0; k != c.targets.size(); ++k)
        read.push_back({c.targets[k], {c.kind[k], c.confidence[k], c.weight[k], c.times_of(k)}});
    });
    if (packed) {
      const auto by_target = [](const link& a, const link& b) {
        return std::pair(a.target, a.values.kind) < std::pair(b.target, b.values.kind);
      };
      REQUIRE(std::is_sorted(read.begin(), read.end(), by_target));
      std::ranges::sort(model[list], by_target);
    }
    return packed;
  }
  void replace(std::uint32_t list, std::uint32_t at) {
    const association_values v = some_values(model[list][at].values.kind);
    builder.replace(list, at, v, version);
    model[list][at].values = v;
  }
  void remove(std::uint32_t list, std::uint32_t at) {
    builder.remove(list, at, version);
    model[list][at] = model[list].back();
    model[list].pop_back();
  }
  void remove_all(std::uint32_t list) {
    builder.remove_all(list, version);
    model[list].clear();
  }
  /// Appends, removes or replaces; the degree wanders towards `aim`.
  void step(std::uint32_t list, std::size_t aim, std::uint32_t targets) {
    const auto target = static_cast<std::uint32_t>(random() % targets);
    const auto kind = static_cast<kind_id>(random() % 3); // parallel ones
    const std::size_t size = model[list].size();
    const std::uint32_t at = builder.find(list, target, kind);
    if (at != adjacency_builder::none)
      REQUIRE((model[list][at].target == target && model[list][at].values.kind == kind));
    const auto any = static_cast<std::uint32_t>(size == 0 ? 0 : random() % size);
    if (at == adjacency_builder::none && (size < aim || random() % 4 == 0))
      append(list, target, kind);
    else if (size > aim && size > 0)
      remove(list, at == adjacency_builder::none ? any : at);
    else if (at != adjacency_builder::none)
      replace(list, at);
  }
  void publish() {
    builder.prepare();
    view_ = builder.publish(version);
    version_fixture::publish();
  }
  /// Keeps the version just published, as a snapshot would; of three kept, any one goes.
  void hold_newest() {
    held_.push_back({version - 1, view_, model});
    version_fixture::hold(version - 1);
    if (held_.size() > 3) {
      const std::size_t gone = random() % 3;
      release(held_[gone].version);
      held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(gone));
    }
  }
  void let_go_of_all() {
    for (const held_version& h : held_)
      release(h.version);
    held_.clear();
  }
  /// All held versions are what they were, and the one being built is the model.
  void check() const {
    for (const held_version& h : held_)
      for (std::uint32_t i = 0; i < lists; ++i)
        REQUIRE(equal({memory.base(), h.view[i], with_times}, h.model[i]));
    for (std::uint32_t i = 0; i < lists; ++i)
      REQUIRE(equal(builder.list(i), model[i]));
  }

  const bool with_times;
  adjacency_builder builder;
  std::vector<std::vector<link>> model = std::vector<std::vector<link>>(lists);
  std::minstd_rand random{1};
  packing with;

private:
  struct held_version {
    std::uint64_t version;
    adjacency_builder::array::view view;
    std::vector<std::vector<link>> model;
  };

  association_values some_values(kind_id kind) {
    const auto time = static_cast<timestamp_us>(random());
    return {kind,
            static_cast<float>(random() % 100),
            static_cast<float>(random() % 100) / 7,
            {time, time + 1}};
  }
  bool equal(const adjacency_list& list, const std::vector<link>& expected) const {
    if (list.size() != expected.size())
      return false;
    std::vector<std::uint32_t> targets;
    list.for_each_target([&](std::uint32_t t) { targets.push_back(t); });
    std::size_t at = 0;
    const bool differs = list.any_chunk([&](const adjacency_chunk& chunk) {
      if (chunk.targets.size() != std::min<std::size_t>(256, expected.size() - at))
        return true;
      for (std::size_t k = 0; k < chunk.targets.size(); ++k, ++at) {
        const association_values v{chunk.kind[k], chunk.confidence[k], chunk.weight[k],
                                   with_times ? chunk.times[k] : association_times{}};
        if (chunk.targets[k] != expected[at].target || targets[at] != expected[at].target
            || !same(v, expected[at].values, with_times))
          return true;
      }
      return false;
    });
    return !differs && targets.size() == expected.size();
  }

  adjacency_builder::array::view view_;
  std::deque<held_version> held_;
};

} // namespace

TEST_CASE("R2: any appends, changes and removals of short lists, old versions held") {
  const bool with_times = GENERATE(true, false);
  const bool packs = GENERATE(true, false);
  list_fixture f(with_times);
  for (std::size_t round = 0; round < cmem::test::sweep(600); ++round) {
    const std::size_t aim = std::vector<std::size_t>{0, 3, 40, 250, 260, 520}[round / 7 % 6];
    for (int i = 0; i < 100; ++i)
      f.step(static_cast<std::uint32_t>(f.random() % list_fixture::lists), aim, 400);
    if (f.random() % 20 == 0)
      f.remove_all(1);
    if (packs && f.random() % 2 == 0)
      (void) f.pack(static_cast<std::uint32_t>(f.random() % list_fixture::lists));
    f.publish();
    f.hold_newest();
    f.check();
  }
}

TEST_CASE("R2: lists that cross the hub limit up and down are found in and held") {
  const bool packs = GENERATE(false, true);
  list_fixture f;
  for (std::size_t round = 0; round < cmem::test::sweep(400); ++round) {
    const std::size_t aim = std::vector<std::size_t>{4'500, 3'000, 4'200, 1'900}[round / 25 % 4];
    for (int i = 0; i < 200; ++i)
      f.step(0, aim, 3'000);
    if (packs && round % 3 == 0)
      (void) f.pack(0);
    f.publish();
    f.hold_newest();
    if (round % 5 == 0)
      f.check();
  }
  f.check();
}

TEST_CASE("a list that shrinks below the hub limit and grows again finds what came meanwhile") {
  list_fixture f;
  const auto find = [&](std::uint32_t target) { return f.builder.find(0, target, 0); };
  for (std::uint32_t t = 0; t <= hub_degree_min; ++t)
    f.append(0, t, 0);
  REQUIRE(find(17) == 17); // now there is an index
  for (int i = 0; i < 1'000; ++i)
    f.remove(0, f.builder.degree(0) - 1);
  for (std::uint32_t t = 10'000; t < 11'001; ++t)
    f.append(0, t, 0);
  REQUIRE(f.builder.degree(0) > hub_degree_min);
  CHECK(find(10'000) != adjacency_builder::none);
  CHECK(find(4'000) == adjacency_builder::none);
  f.publish();
  f.check();
}

TEST_CASE("R2: lists that cross 65,536, up and down, and go as a whole") {
  list_fixture f;
  for (std::uint32_t t = 0; t < 65'400; ++t)
    f.append(0, t, 0);
  f.publish();
  f.hold_newest();
  for (const std::size_t aim : {65'700U, 65'300U, 65'537U, 65'535U, 65'600U}) {
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 200; ++i)
        f.step(0, aim, 100'000);
      f.publish();
    }
    f.hold_newest();
    f.check();
  }
}

TEST_CASE("R2: a last leaf that goes and another that comes leave older versions theirs") {
  const std::uint32_t leaves = GENERATE(1U, 2U, 256U, 257U);
  list_fixture f;
  for (std::uint32_t t = 0; t < leaves * chunk_size + 1; ++t)
    f.append(0, t, 0);
  f.publish();
  f.hold_newest();
  f.remove(0, leaves * chunk_size); // the last one: nothing else of the list is touched
  f.publish();
  f.hold_newest();
  f.append(0, 1'000'000, 1);
  f.publish();
  f.check();
}

TEST_CASE("a list of 200,000: found in, held, shrunk, and all its memory comes back") {
  list_fixture f;
  f.publish();
  const std::size_t bytes = f.pages.bytes_in_use();
  const std::uint32_t degree = 200'000;
  for (std::uint32_t t = 0; t < degree; ++t) {
    f.append(0, t * 7, static_cast<kind_id>(t % 3));
    if (t % 30'000 == 29'999)
      f.publish();
    if (t == 89'999)
      f.hold_newest();
  }
  f.publish();
  f.hold_newest();
  for (std::uint32_t t = 0; t < degree; t += 997)
    CHECK(f.builder.find(0, t * 7, static_cast<kind_id>(t % 3)) == t);
  CHECK(f.builder.find(0, 7, 2) == adjacency_builder::none);
  CHECK(f.builder.scan(0, 7, 1) == 1);
  for (std::uint32_t i = 0; i < 150'000; ++i)
    f.remove(0, static_cast<std::uint32_t>(f.random() % f.builder.degree(0)));
  f.publish();
  f.check();
  f.remove_all(0);
  f.publish();
  f.check();
  CHECK(f.pages.bytes_in_use() > bytes);
  f.let_go_of_all();
  f.publish();
  CHECK(f.pages.bytes_in_use() == bytes);
  CHECK(f.builder.times_bytes() == 0);
}

TEST_CASE("R3: what is appended, changed or removed in a hub costs a leaf and the way to it") {
  list_fixture f;
  for (std::uint32_t t = 0; t < 100'000; ++t)
    f.append(0, t, 0);
  f.publish();
  f.hold_newest(); // so that nothing replaced is free before it is counted
  const auto cost = [&](auto&& change) {
    const std::size_t before = f.pages.bytes_in_use();
    change();
    return f.pages.bytes_in_use() - before;
  };
  CHECK(cost([&] { f.append(0, 200'000, 0); }) < 10'000);
  f.publish();
  CHECK(cost([&] { f.replace(0, 50'000); }) < 20'000);
  f.publish();
  CHECK(cost([&] { f.remove(0, 70'000); }) < 30'000);
  f.publish();
  f.check();
}

TEST_CASE("W9: a version taken back leaves lists and memory as they were published") {
  list_fixture f;
  for (std::uint32_t t = 0; t < 5'000; ++t)
    f.append(0, t, 0);
  for (std::uint32_t t = 0; t < 100; ++t)
    f.append(1, t, 0);
  f.publish();
  f.publish();
  REQUIRE(f.builder.find(0, 4'999, 0) == 4'999);
  const auto published = f.model;
  const std::size_t bytes = f.pages.bytes_in_use();
  const std::size_t times = f.builder.times_bytes();
  for (std::uint32_t t = 0; t < 500; ++t) {
    f.append(0, 10'000 + t, 1);
    f.remove(0, t);
    f.remove(1, f.builder.degree(1) - 1 - t % 3);
    f.append(1, 20'000 + t, 2);
  }
  f.remove_all(1);
  f.retired.forget_pending();
  f.builder.roll_back(f.version - 1);
  f.pages.discard_since_keep();
  ++f.version;
  f.model = published;
  f.check();
  CHECK(f.pages.bytes_in_use() == bytes);
  CHECK(f.builder.times_bytes() == times);
  CHECK(f.builder.find(0, 10'000, 1) == adjacency_builder::none);
  f.append(0, 10'000, 1);
  f.publish();
  f.check();
}

TEST_CASE(
  "R2: lists made at their size, plain or packed, go on as others do, at every border of trees") {
  const std::uint32_t count = GENERATE(0U, 1U, 3U, 255U, 256U, 257U, 512U, hub_degree_min,
                                       hub_degree_min + 1, 65'535U, 65'536U, 65'537U, 70'000U);
  const bool with_times = GENERATE(true, false);
  const bool packed = GENERATE(false, true);
  INFO(count << (packed ? ", packed" : ""));
  list_fixture f(with_times);
  f.publish();
  const std::size_t bytes = f.pages.bytes_in_use();
  for (const auto& [list, length] : {std::pair{0U, count}, {1U, 300U}, {2U, count}})
    packed ? f.assign(list, length) : f.make(list, length);
  f.publish();
  f.hold_newest();
  f.check();
  for (std::uint32_t k = 0; k < count; k += 1 + count / 50)
    REQUIRE(f.builder.find(0, 7 * k, static_cast<kind_id>(k % 3)) == k);
  for (int round = 0; round != 3; ++round) {
    for (int i = 0; i != 300; ++i)
      f.step(0, count + (round == 1 ? 0 : 100), 7 * count + 1'000);
    for (int i = 0; i != 100 && f.builder.degree(2) != 0; ++i)
      f.remove(2, f.builder.degree(2) - 1);
    f.append(1, 1'000'000 + static_cast<std::uint32_t>(round), 0);
    f.publish();
    f.hold_newest();
    f.check();
  }
  for (const std::uint32_t list : {0U, 1U, 2U})
    f.remove_all(list);
  f.publish();
  f.check();
  f.let_go_of_all();
  f.publish();
  CHECK(f.pages.bytes_in_use() == bytes);
  CHECK(f.builder.times_bytes() == 0);
}

TEST_CASE("a packed list takes less, is packed once, and gives its memory back") {
  list_fixture f(false);
  f.publish();
  const std::size_t bytes = f.pages.bytes_in_use();
  for (std::uint32_t t = 0; t < 1'000; ++t)
    f.append(0, 7 * t, 1);
  f.publish();
  const std::size_t plain = f.pages.bytes_in_use() - bytes;
  CHECK(f.pack(0));
  f.publish();
  f.check();
  const std::size_t packed = f.pages.bytes_in_use() - bytes;
  CHECK(2 * packed < plain);
  CHECK_FALSE(f.pack(0));
  f.hold_newest();
  f.append(0, 1, 1); // the last leaf alone is plain from now on
  f.replace(0, 300);
  f.remove(0, 3);
  f.publish();
  f.check();
  CHECK(f.builder.find(0, 7 * 500, 1) == 500);
  CHECK(f.builder.find(0, 7 * 500, 2) == adjacency_builder::none);
  CHECK(f.pack(0));
  f.publish();
  f.check();
  f.let_go_of_all();
  f.publish();
  CHECK(f.pages.bytes_in_use() - bytes <= packed + 64);
  f.remove_all(0);
  f.publish();
  CHECK(f.pages.bytes_in_use() == bytes);
}

TEST_CASE("what packing would not make smaller stays plain, and goes on") {
  list_fixture f(false);
  for (std::uint32_t i = 0; i != 3 * chunk_size - 10; ++i) { // nothing is like anything
    const auto any = [&f] { return static_cast<std::uint32_t>(f.random() * 2 + f.random() % 2); };
    const association_values v{static_cast<kind_id>(any() % 4096),
                               std::bit_cast<float>(any() >> 2),
                               std::bit_cast<float>(any() >> 2),
                               {}};
    f.builder.append(0, any(), v, f.version);
  }
  CHECK_FALSE(f.builder.pack(0, f.with, f.version));
}

TEST_CASE("W9: packing that is taken back leaves lists and memory as they were published") {
  list_fixture f;
  for (std::uint32_t t = 0; t < 5'000; ++t)
    f.append(0, t, 0);
  f.assign(1, 700);
  f.publish();
  f.publish();
  REQUIRE(f.builder.find(0, 4'999, 0) == 4'999);
  const auto published = f.model;
  const std::size_t bytes = f.pages.bytes_in_use();
  const std::size_t times = f.builder.times_bytes();
  CHECK(f.pack(0));
  f.replace(1, 600);
  f.retired.forget_pending();
  f.builder.roll_back(f.version - 1);
  f.pages.discard_since_keep();
  ++f.version;
  f.model = published;
  f.check();
  CHECK(f.pages.bytes_in_use() == bytes);
  CHECK(f.builder.times_bytes() == times);
  REQUIRE(f.builder.find(0, 4'999, 0) == 4'999);
}

TEST_CASE("lists are written by two threads, each its own") {
  version_fixture f;
  adjacency_builder builder(f.pages, f.retired, true);
  constexpr std::uint32_t lists = 400;
  for (std::uint32_t i = 0; i != lists; ++i) {
    builder.extend(i, f.version);
    builder.make(i, i % 7 == 0 ? 600 : i, f.version);
  }
  const auto write = [&](std::uint32_t first) {
    for (std::uint32_t i = first; i < lists; i += 2)
      builder.fill(i, [i, t = 0U]() mutable {
        return std::pair(i + t++, association_values{1, 0.5F, 2.0F, {i, i}});
      });
  };
  std::thread other(write, 1);
  write(0);
  other.join();
  for (std::uint32_t i = 0; i != lists; ++i) {
    std::uint32_t expected = i;
    builder.list(i).for_each_target([&](std::uint32_t t) { REQUIRE(t == expected++); });
    REQUIRE(expected == i + builder.degree(i));
  }
}
