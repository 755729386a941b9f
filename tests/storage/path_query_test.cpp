#include "storage/path_query.hpp"

#include "tests/storage/query_fixture.hpp"

#include <cmath>
#include <functional>

using namespace cmem;
using namespace cmem::test;

namespace {

using strengths = std::map<concept_number, float>;

// What of a graph a query from `source` to `target` may walk, with every association the way it is
// walked.
graph_model walkable(const graph_model& g, const strengths& strong, const traversal_filter& f,
                     concept_number target) {
  graph_model walked;
  walked.learned = g.learned;
  const auto add = [&](concept_number from, concept_number to, kind_id kind, float confidence) {
    if (to != target && strong.contains(to) && strong.at(to) < f.strength_min)
      return;
    const auto [known, fresh] =
      walked.links.try_emplace({from, to, kind}, graph_model::link{confidence, 1.0F});
    if (!fresh)
      known->second.confidence = std::max(known->second.confidence, confidence);
  };
  for (const auto& [key, link] : g.links) {
    const auto [from, to, kind] = key;
    if (link.confidence < f.confidence_min || (!f.kinds.empty() && !f.kinds.contains(kind)))
      continue;
    if (f.along != direction::incoming)
      add(from, to, kind, link.confidence);
    if (f.along != direction::outgoing)
      add(to, from, kind, link.confidence);
  }
  return walked;
}

std::string expected(const graph_model& walked, concept_number from, concept_number to,
                     const path_query& q) {
  auto all = all_paths(walked, from, to, q.max_depth);
  if (q.order == path_order::most_confident)
    std::stable_sort(all.begin(), all.end(), [](const model_path& a, const model_path& b) {
      return a.confidence > b.confidence;
    });
  std::string s;
  for (std::size_t i = 0; i < std::min(q.alternatives, all.size()); ++i)
    s += all[i].text + "\n";
  return s;
}

// Every step is an association of the graph as it says, the outgoing one where both would do.
std::size_t wrong_ways(const graph_memory& m, const path_answer& a) {
  std::size_t wrong = 0;
  for (const path& p : a.found) {
    concept_number at = m.number(p.source);
    for (const path_step& step : p.steps) {
      const concept_number to = m.number(step.index);
      const auto confidence = [&](concept_number from, concept_number into) {
        const auto l = m.model().links.find({from, into, step.kind});
        return l == m.model().links.end() ? -1.0F : l->second.confidence;
      };
      const float out = confidence(at, to);
      const float in = confidence(to, at);
      wrong += step.along == direction::both;
      wrong += (step.along == direction::outgoing ? out : in) != step.confidence;
      at = to;
    }
  }
  return wrong;
}

path_query random_query(std::mt19937& random) {
  path_query q;
  q.order = below(random, 2) == 0 ? path_order::fewest_hops : path_order::most_confident;
  q.max_depth = below(random, 2) == 0 ? path_depth_max : below(random, 5);
  q.alternatives = below(random, 3) == 0 ? 1 : below(random, 20);
  constexpr direction ways[] = {direction::outgoing, direction::incoming, direction::both};
  q.filter.along = ways[below(random, 3)];
  if (below(random, 2) == 0)
    for (kind_id kind = 0; kind < 3; ++kind)
      if (below(random, 2) == 0)
        q.filter.kinds.insert(kind);
  if (below(random, 2) == 0)
    q.filter.confidence_min = random_confidence(random);
  if (below(random, 2) == 0)
    q.filter.strength_min = static_cast<float>(below(random, 5)) / 2;
  return q;
}

} // namespace

TEST_CASE("Small graphs, every filter: the first of all paths there are") {
  std::mt19937 random(77);
  graph_memory m;
  std::size_t some = 0;
  for (std::size_t round = 0, rounds = sweep(2000); round < rounds; ++round) {
    m.start_over();
    const auto concepts = 2 + below(random, 5);
    write_random_graph(m, random, concepts, below(random, 4 * concepts));
    strengths strong;
    for (const concept_number n : m.model().learned) {
      strong[n] = static_cast<float>(below(random, 5)) / 2;
      m.learn(n, {}, strong[n]);
    }
    m.publish();
    for (const concept_number from : m.model().learned)
      for (const concept_number to : m.model().learned) {
        const path_query q = random_query(random);
        const path_answer a = m.ask(from, to, q);
        INFO("round " << round << ", " << from << " to " << to << ", depth " << q.max_depth
                      << ", order " << static_cast<int>(q.order) << ", k " << q.alternatives);
        REQUIRE(m.texts(a) == expected(walkable(m.model(), strong, q.filter, to), from, to, q));
        REQUIRE(wrong_ways(m, a) == 0);
        REQUIRE(a.end == traversal_end::complete);
        some += a.found.size() > 1;
      }
  }
  CHECK(some > sweep(1000)); // else it has shown little
}

TEST_CASE("Of associations that lead both ways, the outgoing one is shown") {
  graph_memory m;
  m.learn_all({1, 2, 3});
  m.link(1, 2, kinds::causal, 0.5F);
  m.link(2, 1, kinds::causal, 0.5F);
  m.link(3, 2, kinds::semantic, 0.5F);
  m.publish();
  const auto a = m.ask(1, 3, {.filter = {.along = direction::both}, .limits = {}});
  REQUIRE(a.found.size() == 1);
  CHECK(a.found[0].steps
        == std::vector<path_step>{{m.index(2), kinds::causal, 0.5F, direction::outgoing},
                                  {m.index(3), kinds::semantic, 0.5F, direction::incoming}});
  CHECK(m.ask(1, 3, {}).found.empty());
}

TEST_CASE("Where all are equally confident, both orders give the same paths") {
  std::mt19937 random(23);
  for (std::size_t round = 0, rounds = sweep(30); round < rounds; ++round) {
    graph_memory m;
    const concept_number concepts = 20 + below(random, 400);
    for (concept_number n = concepts; n > 0; --n)
      m.learn(n);
    for (std::size_t i = 0; i < concepts * (1 + round % 5); ++i)
      m.link(1 + below(random, concepts), 1 + below(random, concepts), kinds::semantic, 0.75F);
    m.publish();
    for (int i = 0; i < 200; ++i) {
      const concept_number from = 1 + below(random, concepts);
      const concept_number to = 1 + below(random, concepts);
      path_query q{.max_depth = i % 4 == 0 ? below(random, 12) : path_depth_max,
                   .alternatives = i % 3 == 0 ? 4U : 1U};
      q.filter.along = i % 5 == 0 ? direction::both : direction::outgoing;
      const std::string fewest = m.texts(m.ask(from, to, q));
      q.order = path_order::most_confident;
      INFO("round " << round << ", " << from << " to " << to << ", depth " << q.max_depth);
      REQUIRE(m.texts(m.ask(from, to, q)) == fewest);
    }
  }
}

TEST_CASE("Ends need not be strong") {
  graph_memory m;
  m.learn(1, {}, 0.0F);
  m.learn(2, {}, 1.0F);
  m.learn(3, {}, 0.0F);
  m.chain({1, 2, 3});
  m.publish();
  for (const path_order order : {path_order::fewest_hops, path_order::most_confident}) {
    const auto within = [&](float strength_min) {
      return m.ask(1, 3, {.order = order, .filter = {.strength_min = strength_min}, .limits = {}});
    };
    CHECK(within(1.0F).found.size() == 1);
    CHECK(within(1.5F).found.empty());
  }
}

TEST_CASE("No confidence comes last, by hops") {
  graph_memory m;
  m.learn_all({1, 2, 3, 4, 5});
  m.link(1, 5, kinds::semantic, 0.0F);
  m.link(1, 2, kinds::semantic, 0.25F);
  m.link(2, 3, kinds::semantic, 0.25F);
  m.link(3, 5, kinds::semantic, 0.25F);
  m.link(1, 4, kinds::semantic, 1.0F);
  m.link(4, 5, kinds::semantic, 0.0F);
  m.publish();
  const auto all =
    m.ask(1, 5, {.order = path_order::most_confident, .alternatives = path_alternatives_max});
  CHECK(m.texts(all)
        == "1 -0:0.250000-> 2 -0:0.250000-> 3 -0:0.250000-> 5\n"
           "1 -0:0.000000-> 5\n"
           "1 -0:1.000000-> 4 -0:0.000000-> 5\n");
}

TEST_CASE("By ids, what is wrong with a query is said") {
  using Catch::Matchers::ContainsSubstring;
  graph_memory m;
  m.learn_all({1, 2});
  m.chain({1, 2, 3});
  m.publish();
  const auto error = [&m](concept_number from, concept_number to, const path_query& q) {
    const auto a = find_paths(m.snapshot(), id_of(from), id_of(to), q, m.scratch());
    return a ? std::string("none") : to_string(a.error());
  };
  CHECK(error(1, 2, {}) == "none");
  CHECK_THAT(error(7, 2, {}), ContainsSubstring("not_found: source " + id_of(7).hex()));
  CHECK_THAT(error(1, 3, {}), ContainsSubstring("not_found: target " + id_of(3).hex()));
  CHECK_THAT(error(1, 2, {.max_depth = path_depth_max + 1}),
             ContainsSubstring("invalid_argument: max_depth is 1025"));
  CHECK_THAT(error(1, 2, {.alternatives = path_alternatives_max + 1}),
             ContainsSubstring("invalid_argument: alternatives is 1001"));
  CHECK(error(1, 2, {.alternatives = path_alternatives_max}) == "none");
  CHECK_THAT(error(1, 2, {.filter = {.confidence_min = NAN}, .limits = {}}),
             ContainsSubstring("invalid_argument: confidence_min is NaN"));
  CHECK_THAT(error(1, 2, {.filter = {.strength_min = NAN}, .limits = {}}),
             ContainsSubstring("invalid_argument: strength_min is NaN"));
}

TEST_CASE("Bounds that nothing meets give empty answers") {
  graph_memory m;
  m.learn_all({1, 2});
  m.chain({1, 2});
  m.publish();
  const auto found = [&m](const path_query& q) {
    const path_answer a = m.ask(1, 2, q);
    CHECK(a.end == traversal_end::complete);
    return a.found.size();
  };
  CHECK(found({}) == 1);
  CHECK(found({.alternatives = 0}) == 0);
  CHECK(found({.max_depth = 0}) == 0);
  CHECK(found({.filter = {.confidence_min = 1.5F}, .limits = {}}) == 0);
  CHECK(found({.filter = {.kinds = {kinds::causal}}, .limits = {}}) == 0);
  CHECK(found({.filter = {.kinds = {}, .confidence_min = -1.0F}, .limits = {}}) == 1);
  CHECK(found({.filter = {.strength_min = 1e9F}, .limits = {}}) == 1); // the target is let through
}

namespace {

// Hubs on both sides, several hundred concepts; the order in which things are learned is random,
// the graph is not.
void write_shuffled(graph_memory& m, std::mt19937& order) {
  std::mt19937 graph(5);
  constexpr concept_number concepts = 300;
  std::vector<std::function<void()>> writes;
  for (concept_number n = 1; n <= concepts; ++n)
    writes.emplace_back([&m, n] { m.learn(n); });
  std::set<std::pair<concept_number, concept_number>> known;
  for (int i = 0; i < 1200; ++i) {
    const concept_number from = 1 + below(graph, i % 3 == 0 ? 10 : concepts);
    const concept_number to = 1 + below(graph, i % 3 == 1 ? 10 : concepts);
    const float confidence = random_confidence(graph);
    if (known.insert({from, to}).second)
      writes.emplace_back([=, &m] { m.link(from, to, kinds::semantic, confidence); });
  }
  std::shuffle(writes.begin(), writes.end(), order);
  for (const auto& write : writes)
    write();
  m.publish();
}

std::string limited_answers(graph_memory& m, path_order order, std::size_t alternatives) {
  std::string s;
  for (std::uint64_t visited_max = 0; visited_max < 400; visited_max += 1 + visited_max / 8)
    for (concept_number to = 11; to < 300; to += 24) {
      const path_answer a = m.ask(to - 10, to,
                                  {.order = order,
                                   .alternatives = alternatives,
                                   .filter = {},
                                   .limits = {.visited_max = visited_max}});
      CHECK(a.visited <= visited_max);
      CHECK((a.end == traversal_end::complete || a.end == traversal_end::visited_max));
      CHECK(wrong_ways(m, a) == 0);
      s += m.texts(a) + std::string(to_string(a.end)) + " " + std::to_string(a.visited) + "\n";
    }
  return s;
}

} // namespace

TEST_CASE("Cut off by visited_max, equal snapshots still give equal answers") {
  const auto order = GENERATE(path_order::fewest_hops, path_order::most_confident);
  const auto alternatives = GENERATE(std::size_t{1}, std::size_t{4});
  std::string first;
  for (unsigned seed = 0; seed < 4; ++seed) {
    std::mt19937 random(seed);
    graph_memory m;
    write_shuffled(m, random);
    const std::string now = limited_answers(m, order, alternatives);
    if (first.empty())
      first = now;
    REQUIRE(now == first);
  }
  CHECK(first.find("visited_max") != std::string::npos);
  CHECK(first.find("complete") != std::string::npos);
}

TEST_CASE("What a query that was cut off returns is a path, and a complete one is the best") {
  std::mt19937 random(1);
  graph_memory m;
  write_shuffled(m, random);
  std::size_t worse = 0;
  for (concept_number to = 11; to < 300; ++to) {
    const auto ask = [&](std::uint64_t visited_max) {
      return m.ask(to - 10, to,
                   {.order = path_order::most_confident,
                    .filter = {},
                    .limits = {.visited_max = visited_max}});
    };
    const path_answer best = ask(1'000'000);
    CHECK(best.end == traversal_end::complete);
    for (std::uint64_t visited_max = 2; visited_max < 200; visited_max += 7) {
      const path_answer a = ask(visited_max);
      if (a.end == traversal_end::complete) {
        CHECK(m.texts(a) == m.texts(best));
        CHECK(a.visited == best.visited);
      } else if (!a.found.empty()) {
        REQUIRE(!best.found.empty());
        CHECK(a.found[0].steps.back().index == m.index(to));
        CHECK(a.found[0].confidence <= best.found[0].confidence);
        worse += a.found[0].confidence < best.found[0].confidence;
      }
    }
  }
  CHECK(worse > 0); // else nothing was shown about what was cut off
}

TEST_CASE("A deadline that has passed: no search, and the answer says so") {
  std::mt19937 random(1);
  graph_memory m;
  write_shuffled(m, random);
  const traversal_limits passed{.deadline = std::chrono::steady_clock::now()};
  const auto order = GENERATE(path_order::fewest_hops, path_order::most_confident);
  const auto alternatives = GENERATE(std::size_t{1}, std::size_t{9});
  const path_query q{.order = order, .alternatives = alternatives, .filter = {}, .limits = passed};
  const path_answer a = m.ask(1, 200, q);
  CHECK(a.found.empty());
  CHECK(a.end == traversal_end::deadline);
  CHECK(a.visited == 0);
  const path_answer none_needed = m.ask(1, 1, q);
  CHECK(none_needed.found == std::vector<path>{{m.index(1), {}, 1.0}});
  CHECK(none_needed.end == traversal_end::complete);
}
