// LMDB, RocksDB and SQLite as targets, each held to what the map behind a mutex answers. One whose
// library was not here is not tested.

#include "tools/peer_targets.hpp"

#include "tests/catch.hpp"
#include "tools/peers/peer_search.hpp"
#include "tools/random.hpp"
#include "tools/runner.hpp"

#include <fstream>
#include <map>
#include <set>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

using namespace cmem;
using namespace cmem::tools;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

constexpr target_kind peers[] = {target_kind::lmdb, target_kind::rocksdb, target_kind::sqlite};

std::string name_of(target_kind kind) {
  return std::string(target_names[static_cast<std::size_t>(kind)]);
}

/// A folder of its own that goes with the test.
class folder {
public:
  folder() : path_(fs::temp_directory_path() / ("cmem_peers_test_" + std::to_string(::getpid()))) {
    fs::create_directories(path_);
  }
  ~folder() { fs::remove_all(path_); }
  [[nodiscard]] const fs::path& path() const { return path_; }
  [[nodiscard]] std::size_t entries() const {
    return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(path_), fs::directory_iterator()));
  }

private:
  fs::path path_;
};

/// nullptr: not built.
std::unique_ptr<scenario_target> peer(target_kind kind, durability level = durability::none,
                                      const std::string& parent = {}) {
  if (!target_available(kind))
    return nullptr;
  peer_options o;
  o.level = level;
  o.parent = parent;
  auto made = make_peer_target(kind, o);
  INFO((made ? "" : made.error().detail));
  REQUIRE(made);
  return std::move(*made);
}

concept_id id(std::uint64_t n) {
  // Not in the order of the numbers, and some share all but their last byte.
  return concept_id::from_halves(hash_value(concept_id::from_halves(0, n / 4)), n);
}

/// Any write on one of `concepts`, all of them beside each other.
struct random_writes {
  explicit random_writes(std::uint64_t seed, std::uint64_t n) : random(seed), concepts(n) {}

  write_op next() {
    const auto a = id(random.below(concepts)), b = id(random.below(concepts));
    constexpr kind_id some[] = {1, 255, 257}; // the outer ones are alike but for a byte
    const kind_id kind = some[random.below(3)];
    switch (random.below(20)) {
      case 0: return op::forget_concept{a};
      case 1: return op::forget_association{a, b, kind};
      case 2: return op::strengthen{a, 1.0F - 2 * random.unit()};
      case 3: return op::strengthen_association{a, b, kind, -0.5F};
      case 4: return op::record_access{a};
      case 5: return op::record_use{a, b, kind};
      case 6:
        attributes = {{"key", random.below(4) == 0 ? std::optional<std::string_view>()
                                                   : std::optional<std::string_view>("value")},
                      {"other", std::string_view()}};
        return op::set_attributes{a, attributes};
      case 7:
      case 8:
      case 9:
      case 10: return op::learn_concept{a, content, {}, random.unit(), random.unit()};
      default:
        return op::learn_association{a, b, kind, static_cast<float>(random.below(5)) / 4.0F, 1.0F};
    }
  }

  random_numbers random;
  std::uint64_t concepts;
  std::vector<attribute_update> attributes;
  std::string content = std::string("text\0with a zero", 16);
};

void same_answers(scenario_target& map, scenario_target& target, std::uint64_t concepts) {
  const auto expected = map.make_reader();
  const auto reader = target.make_reader();
  for (std::uint64_t a = 0; a <= concepts; ++a) { // the last one is unknown
    INFO("of concept " << a);
    REQUIRE(reader->find(id(a)) == expected->find(id(a)));
    for (const std::size_t limit : {std::size_t{0}, std::size_t{2}, std::size_t{1'000'000}}) {
      REQUIRE(reader->neighbors(id(a), limit) == expected->neighbors(id(a), limit));
      REQUIRE(reader->last_neighbors() == expected->last_neighbors());
    }
    for (std::uint64_t b = a % 3; b <= concepts; b += 3)
      for (const std::uint32_t depth : {0U, 1U, 2U, 20U})
        REQUIRE(reader->find_path(id(a), id(b), depth) == expected->find_path(id(a), id(b), depth));
  }
}

} // namespace

TEST_CASE("every peer answers as the map does, whatever is written") {
  for (const target_kind kind : peers) {
    INFO(name_of(kind));
    for (const durability level : {durability::none, durability::interval, durability::sync}) {
      const auto target = peer(kind, level);
      if (!target)
        continue;
      constexpr std::uint64_t concepts = 40;
      const auto map = make_mutex_map_target(concepts);
      random_writes writes(7 + static_cast<std::uint64_t>(level), concepts);
      const std::size_t rounds = level == durability::sync ? 1 : test::sweep(4);
      for (std::size_t round = 0; round < rounds; ++round) {
        for (int i = 0; i < 250; ++i) {
          const write_op o = writes.next();
          REQUIRE(map->write(o));
          REQUIRE(target->write(o));
        }
        same_answers(*map, *target, concepts);
      }
      target->finish();
      const auto ours = target->counters();
      const auto theirs = map->counters();
      CHECK(ours.written == theirs.written);
      CHECK(ours.applied == theirs.applied);
      CHECK(ours.failed == theirs.failed);
      CHECK(ours.concepts == theirs.concepts);
      CHECK(ours.associations == theirs.associations);
      CHECK(target->trouble().empty());
    }
  }
}

TEST_CASE("what is preloaded is one state with what follows, in transactions of many writes") {
  for (const target_kind kind : peers) {
    INFO(name_of(kind));
    const auto target = peer(kind, durability::sync);
    if (!target)
      continue;
    constexpr std::uint64_t concepts = 30;
    const auto map = make_mutex_map_target(concepts);
    random_writes writes(3, concepts);
    REQUIRE(target->preloading(true));
    for (int i = 0; i < 2'500; ++i) { // some are in no whole transaction
      const write_op o = writes.next();
      REQUIRE(map->write(o));
      REQUIRE(target->write(o));
    }
    REQUIRE(target->preloading(false));
    same_answers(*map, *target, concepts);
    target->finish();
    CHECK(target->counters().applied == map->counters().applied);
    CHECK(target->counters().associations == map->counters().associations);
  }
}

TEST_CASE("hubs, loops and parallel kinds are read whole") {
  for (const target_kind kind : peers) {
    INFO(name_of(kind));
    const auto target = peer(kind);
    if (!target)
      continue;
    const auto map = make_mutex_map_target(3'000);
    const auto both = [&](const write_op& o) {
      REQUIRE(map->write(o));
      REQUIRE(target->write(o));
    };
    REQUIRE(target->preloading(true));
    for (std::uint64_t i = 0; i < 3'000; ++i) { // more than a page of any store
      if (i % 5 != 4)
        both(op::learn_concept{id(i)});
      both(op::learn_association{id(0), id(i), 1, 0.5F, 1});
      both(op::learn_association{id(i), id(1), static_cast<kind_id>(i % 2), 0.5F, 1});
    }
    both(op::learn_association{id(0), id(7), 2, 0.5F, 1});
    REQUIRE(target->preloading(false));
    const auto check = [&] {
      const auto ours = target->make_reader();
      const auto theirs = map->make_reader();
      for (const std::uint64_t a : {0U, 1U, 2U, 7U}) {
        CHECK(ours->neighbors(id(a), 1'000'000) == theirs->neighbors(id(a), 1'000'000));
        CHECK((ours->last_neighbors() == theirs->last_neighbors()));
      }
      CHECK(ours->find_path(id(2), id(9), 4) == theirs->find_path(id(2), id(9), 4));
      CHECK(ours->find_path(id(0), id(1), 4) == theirs->find_path(id(0), id(1), 4));
    };
    check();
    for (std::uint64_t i = 0; i < 3'000; i += 7) // among the many of one concept, and of one target
      both(op::learn_association{id(0), id(i), 1, 0.75F, 1});
    both(op::learn_association{id(7), id(1), 1, 0.75F, 1});
    both(op::learn_concept{id(7), "longer than it was", {}, 0.5F, 0.5F});
    both(op::strengthen{id(7), -1});
    check();
    both(op::forget_concept{id(0)});
    check();
    both(op::learn_concept{id(0)});
    check();
    target->finish();
    CHECK(target->counters().associations == map->counters().associations);
    CHECK(target->counters().concepts == map->counters().concepts);
  }
}

TEST_CASE("several writers and readers at once lose nothing") {
  dataset data;
  data_spec spec;
  spec.concepts = 300;
  spec.degree = 3;
  data = make_synthetic(spec);
  for (const target_kind kind : peers) {
    INFO(name_of(kind));
    const auto target = peer(kind, durability::interval);
    if (!target)
      continue;
    scenario s;
    s.preload = 0.5;
    phase p;
    p.name = "all";
    p.seconds = 0.3;
    p.writes.per_second = 2'000;
    p.reads.per_second = 2'000;
    p.writers = 3;
    p.readers = 3;
    p.write_weights = {20, 50, 8, 5, 8, 3, 3, 2, 2};
    p.query_weights.fill(0);
    p.query_weights[0] = p.query_weights[1] = p.query_weights[2] = 1;
    s.phases = {p};
    const auto report = run_scenario(s, data, *target, {});
    REQUIRE(report);
    CHECK(report->missed.empty());
    CHECK(report->accounting.target.concepts > 0);
    CHECK_THAT(report->settings, ContainsSubstring(" on "));
  }
}

TEST_CASE("a write wakes no thread that has nothing to do with it") {
  const auto switches = [] {
    rusage used{};
    REQUIRE(::getrusage(RUSAGE_SELF, &used) == 0);
    return used.ru_nvcsw; // of all threads: how often they waited for something
  };
  const auto target = peer(target_kind::lmdb, durability::interval);
  if (!target)
    return;
  constexpr long writes = 20'000;
  const long before = switches();
  for (std::uint64_t i = 0; i < writes; ++i)
    REQUIRE(target->write(op::learn_concept{id(i % 100)}));
  // Some for each 100 ms that this takes, and not one for each write.
  CHECK(switches() - before < writes / 4);
}

TEST_CASE("peers of a store are made beside it, however its directory is written") {
  const std::string here = fs::current_path().string();
  for (const char* store : {"kept", "kept/", "./kept//", "other/../kept/", "kept/."})
    CHECK(folder_of(store) == here);
  CHECK(folder_of("/kept") == "/");
  CHECK(folder_of("/a/kept/") == "/a");
}

TEST_CASE("a peer's files go with it") {
  const folder parent;
  for (const target_kind kind : peers) {
    INFO(name_of(kind));
    const std::size_t before = parent.entries();
    if (auto target = peer(kind, durability::none, parent.path().string())) {
      REQUIRE(target->write(op::learn_concept{"a", "text"}));
      CHECK(parent.entries() == before + 1);
    }
    CHECK(parent.entries() == before);
  }
}

TEST_CASE("a peer that is not here says which package it needs") {
  const folder empty;
  const std::map<target_kind, std::string> packages = {{target_kind::lmdb, "liblmdb-dev"},
                                                       {target_kind::rocksdb, "librocksdb-dev"},
                                                       {target_kind::sqlite, "libsqlite3-dev"}};
  for (const auto& [kind, package] : packages) {
    const auto here = target_available(kind, {empty.path()});
    REQUIRE_FALSE(here);
    CHECK(here.error().code == errc::unsupported);
    CHECK_THAT(here.error().detail, ContainsSubstring(name_of(kind)) && ContainsSubstring(package));
    peer_options o;
    o.folders = {empty.path()};
    CHECK_FALSE(make_peer_target(kind, o));
  }
  SECTION("so does one that can't be loaded") {
    std::ofstream(empty.path() / "cmem_target_lmdb.so") << "no module";
    const auto here = target_available(target_kind::lmdb, {empty.path()});
    REQUIRE_FALSE(here);
    CHECK_THAT(here.error().detail, ContainsSubstring("liblmdb-dev"));
  }
  CHECK(target_available(target_kind::memory, {}));
  CHECK(target_available(target_kind::mutex_map, {}));
}

TEST_CASE("a directory that can't be made is an error that names it") {
  for (const target_kind kind : peers) {
    if (!target_available(kind))
      continue;
    peer_options o;
    o.parent = "/no/such/place";
    const auto made = make_peer_target(kind, o);
    REQUIRE_FALSE(made);
    CHECK(made.error().code == errc::io_error);
    CHECK_THAT(made.error().detail, ContainsSubstring("/no/such/place"));
  }
}

TEST_CASE("the best are taken best first, and what is not learned is passed over") {
  random_numbers random(11);
  for (std::size_t round = 0; round < test::sweep(200); ++round) {
    std::vector<found_edge> all;
    for (std::uint64_t i = random.below(20); i != 0; --i)
      all.push_back({static_cast<float>(random.below(3)), static_cast<kind_id>(random.below(3)),
                     id(random.below(8))});
    const auto learned = [](const concept_id& c) { return c.bytes[15] % 3 != 0; };
    std::vector<found_edge> expected;
    for (const auto& e : all)
      if (learned(e.id))
        expected.push_back(e);
    std::sort(expected.begin(), expected.end(), better);
    const std::size_t limit = random.below(12);
    expected.resize(std::min(limit, expected.size()));
    const auto best = take_best(all, limit, learned);
    REQUIRE(best.size() == expected.size());
    for (std::size_t i = 0; i != best.size(); ++i) {
      CHECK(best[i].confidence == expected[i].confidence);
      CHECK(best[i].kind == expected[i].kind);
      CHECK(best[i].id == expected[i].id);
    }
  }
}
