#include "tests/storage/query_fixture.hpp"

using namespace cmem;
using namespace cmem::test;

namespace {

std::string around(graph_memory& m, concept_number seed, std::uint32_t hops,
                   std::size_t limit = static_cast<std::size_t>(-1)) {
  std::string s;
  for (const subgraph_node& n : neighborhood(m.snapshot(), m.index(seed), hops, limit, m.scratch()))
    s += std::to_string(m.number(n.index)) + "@" + std::to_string(n.hops) + " ";
  return s;
}

std::string expected(const graph_model& g, concept_number seed, std::uint32_t hops,
                     std::size_t limit) {
  std::set<std::pair<std::uint32_t, concept_number>> sorted;
  for (const auto& [n, at] : all_hops(g, seed))
    if (at <= hops)
      sorted.insert({at, n});
  std::string s;
  for (const auto& [at, n] : sorted)
    if (limit > 0) {
      --limit;
      s += std::to_string(n) + "@" + std::to_string(at) + " ";
    }
  return s;
}

} // namespace

TEST_CASE("A neighborhood lists the seed, then concepts by hops and id") {
  graph_memory m;
  m.learn_all({6, 5, 4, 3, 2, 1});
  m.chain({1, 5, 2});
  m.chain({1, 4, 3, 6});
  m.chain({2, 1, 1});
  m.chain({1, 7, 6}); // 7 is not learned
  m.publish();
  CHECK(around(m, 1, 0) == "1@0 ");
  CHECK(around(m, 1, 1) == "1@0 4@1 5@1 ");
  CHECK(around(m, 1, 2) == "1@0 4@1 5@1 2@2 3@2 ");
  CHECK(around(m, 1, path_depth_max) == "1@0 4@1 5@1 2@2 3@2 6@3 ");
  CHECK(around(m, 1, 9, 4) == "1@0 4@1 5@1 2@2 ");
  CHECK(around(m, 1, 9, 0).empty());
  CHECK(around(m, 6, 9) == "6@0 ");
}

TEST_CASE("Small graphs: a plain search sees the same neighborhood") {
  std::mt19937 random(11);
  graph_memory m;
  for (std::size_t round = 0, rounds = sweep(500); round < rounds; ++round) {
    m.start_over();
    const auto concepts = 2 + below(random, 30);
    write_random_graph(m, random, concepts, below(random, 2 * concepts));
    m.publish();
    for (const concept_number seed : m.model().learned) {
      const std::uint32_t hops = below(random, 6);
      const std::size_t limit = below(random, 2) == 0 ? 1000 : below(random, 12);
      INFO("round " << round << ", seed " << seed << ", hops " << hops << ", limit " << limit);
      REQUIRE(around(m, seed, hops, limit) == expected(m.model(), seed, hops, limit));
    }
  }
}
