#include "tools/mutable_graph.hpp"

#include "tests/catch.hpp"
#include "tools/random.hpp"
#include "tools/scenario_target.hpp"

#include <deque>
#include <map>
#include <set>
#include <tuple>

using namespace cmem;
using namespace cmem::tools;

namespace {

concept_id id(std::uint64_t n) { return concept_id::from_halves(0, n); }

using triple = std::tuple<std::uint64_t, std::uint64_t, kind_id>;

} // namespace

TEST_CASE("the map behaves as the memory's contract says") {
  mutable_graph g(4);
  CHECK(g.apply(op::learn_association{id(1), id(2), kinds::causal, 0.5F, 2.0F}, 10));
  CHECK(g.find(id(1)) == nullptr); // a placeholder
  CHECK_FALSE(g.apply(op::strengthen{id(1), 1}, 11));
  CHECK_FALSE(g.apply(op::record_access{id(1)}, 11));
  CHECK(g.apply(op::learn_concept{id(1), "one", {}, 1.0F, 0.5F}, 12));
  CHECK(g.apply(op::learn_concept{id(2), "two", {}, 1.0F, 0.5F}, 13));
  CHECK(g.apply(op::learn_concept{id(1), "uno", {}, 2.0F, 0.6F}, 14));
  REQUIRE(g.find(id(1)) != nullptr);
  CHECK(g.find(id(1))->created == 12);
  CHECK(g.find(id(1))->content == "uno");
  CHECK(g.concept_count() == 2);
  CHECK(g.apply(op::learn_association{id(1), id(2), kinds::causal, 0.7F, 3.0F}, 15));
  CHECK(g.association_count() == 1);
  CHECK(g.find(id(1))->out[0].confidence == 0.7F);
  CHECK(g.find(id(2))->in[0].weight == 3.0F);
  CHECK(g.apply(op::strengthen_association{id(1), id(2), kinds::causal, -5}, 16));
  CHECK(g.find(id(1))->out[0].weight == 0.0F);
  CHECK_FALSE(g.apply(op::record_use{id(1), id(2), kinds::semantic}, 17));
  CHECK(g.apply(op::record_use{id(1), id(2), kinds::causal}, 17));
  CHECK(g.find(id(1))->out[0].last_used == 17);
  const std::vector<attribute_update> set = {{"k", "v"}, {"x", "y"}};
  const std::vector<attribute_update> unset = {{"k", std::nullopt}};
  CHECK(g.apply(op::set_attributes{id(1), set}, 18));
  CHECK(g.apply(op::set_attributes{id(1), unset}, 18));
  CHECK(g.find(id(1))->attributes.size() == 1);
  CHECK(g.apply(op::forget_association{id(1), id(2), kinds::semantic}, 19));
  CHECK(g.association_count() == 1);
  CHECK(g.apply(op::learn_association{id(1), id(1), kinds::causal, 1, 1}, 20));
  CHECK(g.association_count() == 2);
  CHECK(g.apply(op::forget_concept{id(1)}, 21));
  CHECK(g.find(id(1)) == nullptr);
  CHECK(g.association_count() == 0);
  CHECK(g.find(id(2))->in.empty());
  CHECK(g.apply(op::forget_concept{id(1)}, 22));
  CHECK(g.apply(op::learn_concept{id(1), "anew", {}, 1, 1}, 23));
  CHECK(g.find(id(1))->created == 23);
  CHECK(g.find(id(1))->attributes.empty());
}

TEST_CASE("random operations leave what a set of triples holds") {
  random_numbers random(11);
  mutable_graph g(50);
  std::set<triple> model;
  std::set<std::uint64_t> learned;
  for (std::size_t i = 0; i < test::sweep(50'000); ++i) {
    const std::uint64_t a = random.below(50);
    const std::uint64_t b = random.below(50);
    const auto kind = static_cast<kind_id>(random.below(3));
    switch (random.below(20)) {
      case 0:
        g.apply(op::forget_concept{id(a)}, 1);
        learned.erase(a);
        std::erase_if(model,
                      [a](const triple& t) { return std::get<0>(t) == a || std::get<1>(t) == a; });
        break;
      case 1:
      case 2:
        g.apply(op::forget_association{id(a), id(b), kind}, 1);
        model.erase({a, b, kind});
        break;
      case 3:
      case 4:
        g.apply(op::learn_concept{id(a)}, 1);
        learned.insert(a);
        break;
      default:
        g.apply(op::learn_association{id(a), id(b), kind, 1, 1}, 1);
        model.insert({a, b, kind});
    }
    REQUIRE(g.concept_count() == learned.size());
    REQUIRE(g.association_count() == model.size());
  }
  for (const auto a : learned) {
    const auto* n = g.find(id(a));
    REQUIRE(n != nullptr);
    for (const auto& e : n->out)
      for (std::uint64_t b = 0; b < 50; ++b)
        if (g.nodes()[e.other].id == id(b))
          REQUIRE(model.count({a, b, e.kind}) == 1);
  }
}

TEST_CASE("paths have as many hops as a plain breadth-first search finds") {
  random_numbers random(3);
  mutable_graph_paths paths;
  for (std::size_t round = 0; round < test::sweep(300); ++round) {
    mutable_graph g(30);
    std::map<std::uint64_t, std::vector<std::uint64_t>> out;
    for (std::uint64_t i = 0; i < 30; ++i)
      if (i % 7 != 6)
        g.apply(op::learn_concept{id(i)}, 1);
    for (int i = 0; i < 45; ++i) {
      const std::uint64_t a = random.below(30), b = random.below(30);
      g.apply(op::learn_association{id(a), id(b), 0, 1, 1}, 1);
      if (a % 7 != 6 && b % 7 != 6)
        out[a].push_back(b);
    }
    const std::uint64_t from = random.below(6), to = 7 + random.below(6);
    std::map<std::uint64_t, std::size_t> hops = {{from, 0}};
    for (std::deque<std::uint64_t> queue = {from}; !queue.empty(); queue.pop_front())
      for (const auto next : out[queue.front()])
        if (hops.try_emplace(next, hops[queue.front()] + 1).second)
          queue.push_back(next);
    const auto a = g.index_of(*g.find(id(from)));
    const auto b = g.index_of(*g.find(id(to)));
    const auto found = paths.hops(g, a, b, 100);
    REQUIRE(found.has_value() == (hops.count(to) == 1));
    if (found) {
      CHECK(*found == hops[to]);
      CHECK_FALSE(paths.hops(g, a, b, static_cast<std::uint32_t>(*found) - 1));
    }
  }
}

TEST_CASE("the memory and the map answer alike") {
  auto memory = make_memory_target({}, 0);
  REQUIRE(memory);
  const auto map = make_mutex_map_target(100);
  random_numbers random(5);
  ticket last;
  for (int i = 0; i < 2'000; ++i) {
    const auto a = id(random.below(100)), b = id(random.below(100));
    write_op o =
      op::learn_association{a, b, static_cast<kind_id>(random.below(5)), random.unit(), 1};
    if (random.below(3) == 0)
      o = op::learn_concept{a, "text"};
    else if (random.below(40) == 0)
      o = op::forget_concept{a};
    const auto written = (*memory)->write(o);
    REQUIRE(written);
    last = *written;
    REQUIRE(map->write(o));
  }
  REQUIRE((*memory)->await(last, std::chrono::seconds(60)));
  const auto ours = (*memory)->make_reader();
  const auto theirs = map->make_reader();
  CHECK((*memory)->counters().concepts == map->counters().concepts);
  for (std::uint64_t a = 0; a < 100; ++a) {
    CHECK(ours->find(id(a)) == theirs->find(id(a)));
    CHECK(ours->neighbors(id(a), 7) == theirs->neighbors(id(a), 7));
    CHECK((ours->last_neighbors() == theirs->last_neighbors()));
    for (std::uint64_t b = 0; b < 100; b += 9)
      CHECK(ours->find_path(id(a), id(b), 4) == theirs->find_path(id(a), id(b), 4));
  }
}
