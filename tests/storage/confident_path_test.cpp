#include "tests/storage/query_fixture.hpp"

using namespace cmem;
using namespace cmem::test;

namespace {

std::string most_confident(graph_memory& m, concept_number from, concept_number to,
                           std::uint32_t max_depth = path_depth_max) {
  const path_answer a =
    m.ask(from, to, {.order = path_order::most_confident, .max_depth = max_depth});
  CHECK(a.end == traversal_end::complete);
  return a.found.empty() ? "none" : m.to_model(a.found.front()).text;
}

// Keeps the paths for which `value` is greatest.
template <class F>
void keep_greatest(std::vector<model_path>& all, F&& value) {
  double greatest = -1e9;
  for (const model_path& p : all)
    greatest = std::max(greatest, value(p));
  std::erase_if(all, [&](const model_path& p) { return value(p) < greatest; });
}

std::string expected(const graph_model& g, concept_number from, concept_number to,
                     std::size_t max_depth) {
  auto all = all_paths(g, from, to, max_depth);
  if (all.empty())
    return "none";
  keep_greatest(all, [](const model_path& p) { return p.confidence; });
  keep_greatest(all, [](const model_path& p) { return -static_cast<double>(p.hops()); });
  return all.front().text; // they come by hops, then ids
}

} // namespace

TEST_CASE("A longer path may be the more confident one, unless it is too long") {
  graph_memory m;
  m.learn_all({1, 2, 3, 4});
  m.link(1, 4, kinds::semantic, 0.25F);
  m.link(1, 2, kinds::semantic, 0.5F);
  m.link(2, 4, kinds::semantic, 1.0F);
  m.link(2, 3, kinds::causal, 1.0F);
  m.link(3, 4, kinds::causal, 1.0F);
  m.publish();
  CHECK(most_confident(m, 1, 4) == "1 -0:0.500000-> 2 -0:1.000000-> 4");
  CHECK(most_confident(m, 1, 4, 1) == "1 -0:0.250000-> 4");
  CHECK(most_confident(m, 1, 4, 0) == "none");
  CHECK(most_confident(m, 1, 1, 0) == "1");
  CHECK(most_confident(m, 4, 1) == "none");
}

TEST_CASE("The bound on hops is exact where the better way to a concept is the longer one") {
  graph_memory m;
  m.learn_all({1, 2, 3, 4, 5});
  m.link(1, 2, kinds::semantic, 1.0F);
  m.link(2, 3, kinds::semantic, 1.0F);
  m.link(1, 3, kinds::semantic, 0.5F);
  m.link(3, 4, kinds::semantic, 1.0F);
  m.link(4, 5, kinds::semantic, 0.5F);
  m.link(3, 5, kinds::semantic, 0.25F);
  m.publish();
  CHECK(m.model().learned.size() == 5);
  for (std::uint32_t depth = 0; depth < 6; ++depth)
    CHECK(most_confident(m, 1, 5, depth) == expected(m.model(), 1, 5, depth));
}

TEST_CASE("The bound on hops is exact where one side alone uses up all hops") {
  graph_memory m;
  m.learn_all({1, 2, 3, 4, 5, 6});
  m.chain({1, 2, 3, 4, 5, 6});
  m.link(1, 4, kinds::semantic, 0.5F);
  for (concept_number n = 100; n < 200; ++n) { // the target's side has more to look at, and waits
    m.learn(n);
    m.link(n, 6);
  }
  m.publish();
  CHECK(most_confident(m, 1, 6, 3) == "1 -0:0.500000-> 4 -0:1.000000-> 5 -0:1.000000-> 6");
  CHECK(most_confident(m, 1, 6, 2) == "none");
}

// When the sides meet at 3, the target's knows one of two ways on from there that are as good, and
// the source's side goes on to find the other.
TEST_CASE("Of equal paths the least one is told, also where one side does not know all of them") {
  graph_memory m;
  m.learn_all({1, 2, 3, 4, 5, 6});
  m.chain({1, 2, 3, 4});
  m.link(4, 6, kinds::semantic, 0.5F);
  m.link(3, 5, kinds::semantic, 0.5F);
  m.link(5, 6, kinds::semantic, 1.0F);
  for (concept_number n = 100; n < 110; ++n) { // so that the target's side begins …
    m.learn(n);
    m.link(1, n, kinds::semantic, 0.125F);
  }
  for (concept_number n = 200; n < 300; ++n) { // … and has enough when it has seen 5
    m.learn(n);
    m.link(n, 5, kinds::semantic, 0.875F);
  }
  m.publish();
  CHECK(most_confident(m, 1, 6)
        == "1 -0:1.000000-> 2 -0:1.000000-> 3 -0:1.000000-> 4 -0:0.500000-> 6");
}

TEST_CASE("A path without any confidence is a path") {
  graph_memory m;
  m.learn_all({1, 2, 3});
  m.link(1, 2, kinds::semantic, 0.0F);
  m.link(2, 3, kinds::semantic, 1.0F);
  m.publish();
  CHECK(most_confident(m, 1, 3) == "1 -0:0.000000-> 2 -0:1.000000-> 3");
}

TEST_CASE("Small graphs: the most confident of all paths there are") {
  std::mt19937 random(31);
  graph_memory m;
  for (std::size_t round = 0, rounds = sweep(1500); round < rounds; ++round) {
    m.start_over();
    const auto concepts = 2 + below(random, 6);
    write_random_graph(m, random, concepts, below(random, 3 * concepts));
    m.publish();
    for (const concept_number from : m.model().learned)
      for (const concept_number to : m.model().learned) {
        const std::uint32_t max_depth = below(random, 2) == 0 ? path_depth_max : below(random, 5);
        INFO("round " << round << ", " << from << " to " << to << ", depth " << max_depth);
        REQUIRE(most_confident(m, from, to, max_depth) == expected(m.model(), from, to, max_depth));
      }
  }
}

TEST_CASE("Any confidences: nothing is more confident than what is found") {
  std::mt19937 random(47);
  std::uniform_real_distribution<float> confidence(0.0F, 1.0F);
  graph_memory m;
  for (std::size_t round = 0, rounds = sweep(200); round < rounds; ++round) {
    m.start_over();
    for (concept_number n = 1; n <= 7; ++n)
      m.learn(n);
    for (int i = 0; i < 18; ++i)
      m.link(1 + below(random, 7), 1 + below(random, 7), static_cast<kind_id>(below(random, 3)),
             confidence(random));
    m.publish();
    for (concept_number to = 1; to <= 7; ++to) {
      double best = -1.0;
      for (const model_path& p : all_paths(m.model(), 1, to, 4))
        best = std::max(best, p.confidence);
      const auto found = m.ask(1, to, {.order = path_order::most_confident, .max_depth = 4}).found;
      REQUIRE(found.empty() == (best < 0.0));
      if (!found.empty())
        REQUIRE(m.to_model(found.front()).confidence == Approx(best).epsilon(1e-9));
    }
  }
}
