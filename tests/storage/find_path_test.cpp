#include "tests/storage/query_fixture.hpp"

using namespace cmem;
using namespace cmem::test;

TEST_CASE("A path has the fewest hops, and directions count") {
  graph_memory m;
  m.learn_all({1, 2, 3, 4, 5, 6, 9});
  m.chain({1, 2, 3, 4, 5});
  m.chain({1, 6, 5});
  m.publish();
  CHECK(m.find(1, 5) == "1 6 5");
  CHECK(m.find(1, 4) == "1 2 3 4");
  CHECK(m.find(5, 1) == "none");
  CHECK(m.find(1, 9) == "none");
  CHECK(m.find(9, 1) == "none");
}

TEST_CASE("From a concept to itself there are no hops") {
  graph_memory m;
  m.learn_all({1, 2});
  m.link(1, 1);
  m.chain({1, 2, 1});
  m.publish();
  const auto p = find_path(m.snapshot(), m.index(1), m.index(1), 0, m.scratch());
  REQUIRE(p);
  CHECK(*p == path{m.index(1), {}, 1.0});
}

TEST_CASE("A path has at most max_depth hops") {
  graph_memory m;
  m.learn_all({1, 2, 3, 4, 5, 6});
  m.chain({1, 2, 3, 4, 5, 6});
  m.publish();
  for (concept_number to = 2; to <= 6; ++to) {
    CHECK(m.find(1, to, to - 1) != "none");
    CHECK(m.find(1, to, to - 2) == "none");
  }
}

TEST_CASE("The deepest path allowed is found, one hop more is not") {
  graph_memory m;
  for (concept_number n = 0; n <= path_depth_max + 1; ++n)
    m.learn(n);
  for (concept_number n = 0; n <= path_depth_max; ++n)
    m.link(n, n + 1);
  m.publish();
  const auto p =
    find_path(m.snapshot(), m.index(0), m.index(path_depth_max), path_depth_max, m.scratch());
  REQUIRE(p);
  CHECK(p->hops() == path_depth_max);
  CHECK(m.find(0, path_depth_max + 1) == "none");
}

TEST_CASE("Self-loops lead nowhere new") {
  graph_memory m;
  m.learn_all({1, 2, 3});
  for (const concept_number n : {1U, 2U, 3U})
    m.link(n, n);
  m.chain({1, 2, 3});
  m.publish();
  CHECK(m.find(1, 3) == "1 2 3");
}

TEST_CASE("Of parallel kinds the most confident stands for them, then the least kind") {
  graph_memory m;
  m.learn_all({1, 2, 3, 4});
  m.link(1, 2, kinds::semantic, 0.25F);
  m.link(1, 2, kinds::temporal, 0.5F);
  m.link(1, 2, kinds::causal, 0.5F);
  m.link(2, 3, kinds::compositional, 0.5F);
  m.link(3, 4, kinds::hierarchical, 0.0F);
  m.publish();
  const auto p = find_path(m.snapshot(), m.index(1), m.index(3), 8, m.scratch());
  REQUIRE(p);
  CHECK(p->steps
        == std::vector<path_step>{{m.index(2), kinds::causal, 0.5F},
                                  {m.index(3), kinds::compositional, 0.5F}});
  CHECK(p->confidence == 0.25);
  CHECK(m.find(1, 4) == "1 2 3 4"); // no confidence is no obstacle
}

TEST_CASE("Among paths of fewest hops the ids are least, the first one first") {
  graph_memory m;
  // Learned in falling order, so that the order of storage says the contrary.
  m.learn_all({20, 14, 13, 12, 11, 10, 5, 4, 3, 2, 1});
  SECTION("first hop") {
    m.chain({1, 5, 20});
    m.chain({1, 3, 20});
    m.chain({1, 4, 20});
    m.publish();
    CHECK(m.find(1, 20) == "1 3 20");
  }
  SECTION("last hop") {
    m.chain({1, 2, 3, 12, 20});
    m.chain({3, 11, 20});
    m.chain({3, 13, 20});
    m.publish();
    CHECK(m.find(1, 20) == "1 2 3 11 20");
  }
  SECTION("an early id outweighs the later ones") {
    m.chain({1, 5, 2, 20});
    m.chain({1, 4, 14, 20});
    m.publish();
    CHECK(m.find(1, 20) == "1 4 14 20");
  }
  SECTION("the least id next to the source may lead astray") {
    m.chain({1, 2, 3});
    m.chain({1, 5, 10, 20});
    m.chain({1, 4, 11, 20});
    m.publish();
    CHECK(m.find(1, 20) == "1 4 11 20");
  }
}

TEST_CASE("What is not learned is not on any path") {
  graph_memory m;
  m.learn_all({1, 3, 4, 5});
  m.chain({1, 2, 3});
  m.publish();
  CHECK(m.find(1, 3) == "none");
  m.chain({1, 4, 5, 3});
  m.publish();
  CHECK(m.find(1, 3) == "1 4 5 3");
  m.learn(2);
  m.publish();
  CHECK(m.find(1, 3) == "1 2 3");
}

TEST_CASE("What is forgotten is not on any path") {
  graph_memory m;
  m.learn_all({1, 2, 3, 4, 5});
  m.chain({1, 2, 3});
  m.chain({1, 4, 5, 3});
  m.publish();
  CHECK(m.find(1, 3) == "1 2 3");
  m.unlink(1, 2);
  m.publish();
  CHECK(m.find(1, 3) == "1 4 5 3");
  m.forget(5);
  m.publish();
  CHECK(m.find(1, 3) == "none");
  m.learn(5);
  m.publish();
  CHECK(m.find(1, 3) == "none");
  m.chain({4, 5, 3});
  m.publish();
  CHECK(m.find(1, 3) == "1 4 5 3");
}

TEST_CASE("By ids, what is wrong is said") {
  using Catch::Matchers::ContainsSubstring;
  graph_memory m;
  m.learn_all({1, 2});
  m.chain({1, 2, 3});
  m.publish();
  const auto by_ids = [&m](concept_number from, concept_number to, std::uint32_t max_depth) {
    return find_path(m.snapshot(), id_of(from), id_of(to), max_depth, m.scratch());
  };
  CHECK(m.text(by_ids(1, 2, path_depth_max).value()).substr(0, 3) == "1 -");
  CHECK_FALSE(by_ids(2, 1, path_depth_max).value());

  const auto unknown = by_ids(7, 2, 4);
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == errc::not_found);
  CHECK_THAT(unknown.error().detail, ContainsSubstring("source " + id_of(7).hex()));
  const auto placeholder = by_ids(1, 3, 4);
  REQUIRE_FALSE(placeholder);
  CHECK(placeholder.error().code == errc::not_found);
  CHECK_THAT(placeholder.error().detail, ContainsSubstring("target " + id_of(3).hex()));
  const auto deep = by_ids(1, 2, path_depth_max + 1);
  REQUIRE_FALSE(deep);
  CHECK(deep.error().code == errc::invalid_argument);
  CHECK_THAT(deep.error().detail, ContainsSubstring("max_depth is 1025"));
}

TEST_CASE("Small graphs: the first of all paths there are") {
  std::mt19937 random(20240611);
  graph_memory m;
  for (std::size_t round = 0, rounds = sweep(3000); round < rounds; ++round) {
    m.start_over();
    const auto concepts = 2 + below(random, 7);
    write_random_graph(m, random, concepts, below(random, 3 * concepts));
    m.publish();
    for (const concept_number from : m.model().learned)
      for (const concept_number to : m.model().learned) {
        const std::size_t max_depth = below(random, 2) == 0 ? path_depth_max : below(random, 5);
        const auto all = all_paths(m.model(), from, to, max_depth);
        const auto found = find_path(m.snapshot(), m.index(from), m.index(to),
                                     static_cast<std::uint32_t>(max_depth), m.scratch());
        INFO("round " << round << ", " << from << " to " << to << ", depth " << max_depth);
        REQUIRE(m.text(found) == (all.empty() ? "none" : all.front().text));
      }
  }
}

TEST_CASE("Small graphs that were forgotten and grown again") {
  std::mt19937 random(7);
  graph_memory m;
  for (std::size_t round = 0, rounds = sweep(500); round < rounds; ++round) {
    m.forget_everything();
    write_random_graph(m, random, 7, below(random, 20));
    for (int i = 0; i < 3 && !m.model().links.empty(); ++i) {
      const auto [from, to, kind] = m.model().links.begin()->first;
      m.unlink(from, to, kind);
    }
    m.publish();
    for (const concept_number from : m.model().learned)
      for (const concept_number to : m.model().learned) {
        const auto all = all_paths(m.model(), from, to, 8);
        const auto found = find_path(m.snapshot(), m.index(from), m.index(to), 8, m.scratch());
        INFO("round " << round << ", " << from << " to " << to);
        REQUIRE(m.text(found) == (all.empty() ? "none" : all.front().text));
      }
  }
}

namespace {

// The path that find_path promises, from the hops to the target alone: always on to the least
// concept that is one hop nearer.
std::string plain_search(const graph_model& g,
                         const std::map<concept_number, std::uint32_t>& hops_back,
                         concept_number from, std::uint32_t max_depth) {
  const auto start = hops_back.find(from);
  if (start == hops_back.end() || start->second > max_depth)
    return "none";
  model_path p = start_path(from);
  for (std::uint32_t left = start->second; left > 0; --left)
    for (const auto& [to, by] : g.next(p.concepts.back())) {
      const auto hops = hops_back.find(to);
      if (hops != hops_back.end() && hops->second == left - 1) {
        p = extend_path(std::move(p), to, by.first, by.second);
        break;
      }
    }
  return p.text;
}

graph_model reversed(const graph_model& g) {
  graph_model r;
  r.learned = g.learned;
  for (const auto& [key, link] : g.links)
    r.links[{std::get<1>(key), std::get<0>(key), std::get<2>(key)}] = link;
  return r;
}

// Both sides of a search meet hubs of more than a leaf of associations, in both directions.
void write_hub_graph(graph_memory& m, std::mt19937& random, concept_number concepts,
                     std::size_t links) {
  for (concept_number n = 1; n <= concepts; ++n)
    if (n <= 4 || below(random, 50) != 0)
      m.learn(n);
  const auto skewed = [&] {
    const double x = static_cast<double>(below(random, 100'000)) / 100'000.0;
    return 1 + static_cast<concept_number>(static_cast<double>(concepts - 1) * x * x * x * x);
  };
  const auto even = [&] { return 1 + below(random, concepts); };
  for (std::size_t i = 0; i < links; ++i) {
    const concept_number from = i % 3 == 0 ? skewed() : even();
    m.link(from, i % 3 == 1 ? skewed() : even(), static_cast<kind_id>(below(random, 3)),
           random_confidence(random));
  }
}

} // namespace

TEST_CASE("Graphs with hubs: a plain search finds the same") {
  std::mt19937 random(99);
  for (std::size_t round = 0, rounds = sweep(12); round < rounds; ++round) {
    graph_memory m;
    const concept_number concepts = 3000;
    write_hub_graph(m, random, concepts, round % 2 == 0 ? 4000 : 12'000);
    m.publish();
    const graph_model back = reversed(m.model());
    std::size_t found_some = 0;
    const auto any_concept = [&] { return 1 + below(random, concepts); };
    for (int i = 0; i < 20; ++i) {
      const concept_number to = i < 4 ? static_cast<concept_number>(i + 1) : any_concept();
      if (!m.model().learned.contains(to))
        continue;
      const auto hops_back = all_hops(back, to);
      for (int j = 0; j < 60; ++j) {
        const concept_number from = j < 4 ? static_cast<concept_number>(j + 1) : any_concept();
        if (!m.model().learned.contains(from))
          continue;
        const std::uint32_t max_depth = j % 5 == 4 ? below(random, 8) : path_depth_max;
        const auto found =
          find_path(m.snapshot(), m.index(from), m.index(to), max_depth, m.scratch());
        INFO("round " << round << ", " << from << " to " << to << ", depth " << max_depth);
        REQUIRE(m.text(found) == plain_search(m.model(), hops_back, from, max_depth));
        found_some += found && found->hops() > 2;
      }
    }
    CHECK(found_some > 100); // else it has shown little
  }
}

TEST_CASE("Past a hub that is wider than two levels of leaves") {
  graph_memory m;
  const concept_number width = 70'000;
  m.learn_all({1, 2, 3, 4});
  for (concept_number n = 10; n < 10 + width; ++n) {
    m.learn(n);
    m.link(2, n);
    m.link(n, 3);
  }
  m.chain({1, 2});
  m.chain({3, 4});
  m.publish();
  CHECK(m.find(1, 4) == "1 2 10 3 4");
  CHECK(m.find(2, 9 + width) == "2 " + std::to_string(9 + width));
  CHECK(m.find(9 + width, 4) == std::to_string(9 + width) + " 3 4");
  CHECK(m.find(4, 1) == "none");
  m.unlink(2, 10);
  m.publish();
  CHECK(m.find(1, 4) == "1 2 11 3 4");
}
