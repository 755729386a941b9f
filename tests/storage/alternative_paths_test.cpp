#include "tests/storage/query_fixture.hpp"

using namespace cmem;
using namespace cmem::test;

namespace {

std::string alternatives(graph_memory& m, concept_number from, concept_number to, std::size_t k,
                         std::uint32_t max_depth = path_depth_max) {
  return m.texts(m.ask(from, to, {.max_depth = max_depth, .alternatives = k}));
}

std::string expected(const graph_model& g, concept_number from, concept_number to, std::size_t k,
                     std::size_t max_depth) {
  std::string s;
  const auto all = all_paths(g, from, to, max_depth);
  for (std::size_t i = 0; i < std::min(k, all.size()); ++i)
    s += all[i].text + "\n";
  return s;
}

} // namespace

TEST_CASE("Alternatives come by hops, then ids, as many as there are") {
  graph_memory m;
  m.learn_all({1, 2, 3, 4, 5});
  m.chain({1, 5, 4});
  m.chain({1, 2, 4});
  m.chain({1, 4});
  m.chain({1, 3, 2, 1});
  m.link(1, 4, kinds::causal, 0.5F);
  m.publish();
  const std::string a = "1 -0:1.000000-> 4\n";
  const std::string b = "1 -0:1.000000-> 2 -0:1.000000-> 4\n";
  const std::string c = "1 -0:1.000000-> 5 -0:1.000000-> 4\n";
  const std::string d = "1 -0:1.000000-> 3 -0:1.000000-> 2 -0:1.000000-> 4\n";
  CHECK(alternatives(m, 1, 4, 0).empty());
  CHECK(alternatives(m, 1, 4, 1) == a);
  CHECK(alternatives(m, 1, 4, 3) == a + b + c);
  CHECK(alternatives(m, 1, 4, 9) == a + b + c + d);
  CHECK(alternatives(m, 1, 4, 9, 2) == a + b + c);
  CHECK(alternatives(m, 4, 1, 9).empty());
  CHECK(alternatives(m, 1, 1, 9) == "1\n");
}

TEST_CASE("Small graphs: alternatives are the first of all paths there are") {
  std::mt19937 random(5);
  graph_memory m;
  for (std::size_t round = 0, rounds = sweep(1000); round < rounds; ++round) {
    m.start_over();
    const auto concepts = 2 + below(random, 5);
    write_random_graph(m, random, concepts, below(random, 4 * concepts));
    m.publish();
    for (const concept_number from : m.model().learned)
      for (const concept_number to : m.model().learned) {
        const std::uint32_t max_depth = below(random, 2) == 0 ? path_depth_max : below(random, 5);
        const std::size_t k = 1 + below(random, 40);
        INFO("round " << round << ", " << from << " to " << to << ", depth " << max_depth << ", k "
                      << k);
        REQUIRE(alternatives(m, from, to, k, max_depth)
                == expected(m.model(), from, to, k, max_depth));
      }
  }
}
