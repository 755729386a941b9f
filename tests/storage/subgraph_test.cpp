#include "storage/subgraph.hpp"

#include "tests/storage/context_fixture.hpp"

#include <cmath>

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::size_t all = static_cast<std::size_t>(-1);

std::vector<concept_id> ids(const std::vector<concept_number>& numbers) {
  std::vector<concept_id> result;
  for (const concept_number n : numbers)
    result.push_back(id_of(n));
  return result;
}

subgraph_answer ask(context_memory& m, const std::vector<concept_number>& seeds,
                    const subgraph_query& query) {
  const auto found = subgraph(m.snapshot(), ids(seeds), query, m.scratch());
  if (!found)
    FAIL(to_string(found.error()));
  return *found;
}

/// "1@0 2@1 | 1-0->2:0.5*1 |", then what was cut.
std::string text(const context_memory& m, const subgraph_answer& a) {
  std::string s;
  for (const subgraph_concept& c : a.concepts)
    s += std::to_string(m.number(c.index)) + "@" + std::to_string(c.hops) + " ";
  s += "|";
  for (const subgraph_association& l : a.associations)
    s += " " + std::to_string(m.number(l.source)) + "-" + std::to_string(l.kind) + "->"
         + std::to_string(m.number(l.target)) + ":" + std::to_string(l.confidence) + "*"
         + std::to_string(l.weight);
  s += a.concepts_cut ? " more concepts" : "";
  s += a.associations_cut ? " more associations" : "";
  s += a.end == traversal_end::complete ? "" : " " + std::string(to_string(a.end));
  return s;
}

/// The concepts alone: "1@0 2@1".
std::string near(context_memory& m, const std::vector<concept_number>& seeds,
                 const subgraph_query& query) {
  std::string s = text(m, ask(m, seeds, query));
  return s.substr(0, s.find('|'));
}

std::string expected(const plain_graph& g, const std::vector<concept_number>& seeds,
                     const subgraph_query& query) {
  std::map<concept_number, std::uint32_t> hops;
  for (const concept_number n : seeds)
    hops[n] = 0;
  for (std::uint32_t hop = 1; hop <= query.hops; ++hop)
    for (const auto& [n, at] : std::map(hops))
      if (at == hop - 1)
        for (const plain_step& step : steps_from(g, n, query.filter))
          hops.try_emplace(step.to, hop);
  std::vector<std::pair<std::uint32_t, concept_number>> concepts;
  for (const auto& [n, at] : hops)
    concepts.push_back({at, n});
  std::sort(concepts.begin(), concepts.end());
  const bool cut = concepts.size() > query.concepts_max;
  concepts.resize(std::min(concepts.size(), query.concepts_max));

  std::map<concept_number, std::size_t> place;
  std::string s;
  for (const auto& [at, n] : concepts) {
    place[n] = place.size();
    s += std::to_string(n) + "@" + std::to_string(at) + " ";
  }
  struct found {
    std::tuple<std::size_t, std::size_t, kind_id> order;
    float confidence;
    std::string text;
  };
  std::vector<found> links;
  for (const auto& [key, link] : g.links) {
    const auto [source, target, kind] = key;
    if (place.contains(source) && place.contains(target) && passes(kind, link, query.filter))
      links.push_back({{place[source], place[target], kind},
                       link.confidence,
                       " " + std::to_string(source) + "-" + std::to_string(kind) + "->"
                         + std::to_string(target) + ":" + std::to_string(link.confidence) + "*"
                         + std::to_string(link.weight)});
  }
  const bool more = query.associations_max != 0 && links.size() > query.associations_max;
  std::sort(links.begin(), links.end(), [](const found& a, const found& b) {
    return std::tuple(-a.confidence, a.order) < std::tuple(-b.confidence, b.order);
  });
  links.resize(std::min(links.size(), query.associations_max));
  std::sort(links.begin(), links.end(),
            [](const found& a, const found& b) { return a.order < b.order; });
  s += "|";
  for (const found& l : links)
    s += l.text;
  return s + (cut ? " more concepts" : "") + (more ? " more associations" : "");
}

plain_graph two_ways() {
  plain_graph g;
  g.learn_all({6, 5, 4, 3, 2, 1});
  g.chain({1, 5, 2});
  g.chain({1, 4, 3, 6});
  g.chain({2, 1, 1});
  g.chain({1, 7, 6}); // 7 is not learned
  return g;
}

} // namespace

TEST_CASE("A subgraph lists the seed, then concepts by hops and id") {
  context_memory m;
  m.hold(two_ways());
  CHECK(near(m, {1}, {.hops = 0}) == "1@0 ");
  CHECK(near(m, {1}, {.hops = 1}) == "1@0 4@1 5@1 ");
  CHECK(near(m, {1}, {.hops = 2}) == "1@0 4@1 5@1 2@2 3@2 ");
  CHECK(near(m, {1}, {.hops = path_depth_max}) == "1@0 4@1 5@1 2@2 3@2 6@3 ");
  CHECK(near(m, {1}, {.hops = 9, .concepts_max = 4}) == "1@0 4@1 5@1 2@2 ");
  CHECK(near(m, {6}, {.hops = 9}) == "6@0 ");
  CHECK(near(m, {6}, {.hops = 1, .filter = {.along = direction::incoming}}) == "6@0 3@1 ");
  CHECK(near(m, {3}, {.hops = 1, .filter = {.along = direction::both}}) == "3@0 4@1 6@1 ");
}

TEST_CASE("Several seeds are there once, by id, and hops count from the nearest") {
  context_memory m;
  m.hold(two_ways());
  CHECK(near(m, {5, 3, 5}, {.hops = 2}) == "3@0 5@0 2@1 6@1 1@2 ");
}

TEST_CASE("Associations among the concepts are there once, whichever way was walked") {
  plain_graph g;
  g.learn_all({1, 2, 3});
  g.links[{1, 2, 0}] = {0.5F, 2.0F};
  g.links[{2, 1, 1}] = {0.25F, 1.0F};
  g.links[{2, 2, 0}] = {1.0F, 1.0F};
  g.links[{2, 3, 0}] = {1.0F, 1.0F};
  context_memory m;
  m.hold(g);
  const std::string links =
    "1@0 2@1 | 1-0->2:0.500000*2.000000 2-1->1:0.250000*1.000000 2-0->2:1.000000*1.000000";
  CHECK(text(m, ask(m, {1}, {.hops = 1})) == links);
  for (const direction d : {direction::incoming, direction::both})
    CHECK(text(m, ask(m, {1}, {.hops = 1, .filter = {.along = d}})) == links);
  CHECK(text(m, ask(m, {1}, {.hops = 1, .associations_max = 1}))
        == "1@0 2@1 | 2-0->2:1.000000*1.000000 more associations");
  CHECK(text(m, ask(m, {1}, {.hops = 1, .associations_max = 0})) == "1@0 2@1 |");
}

TEST_CASE("Whether concepts were left out is told exactly") {
  plain_graph g;
  g.learn_all({1, 2, 3});
  g.chain({1, 2});
  g.chain({1, 3});
  g.chain({2, 3, 1});
  context_memory m;
  m.hold(g);
  CHECK_FALSE(ask(m, {1}, {.hops = 5, .concepts_max = 3}).concepts_cut);
  CHECK(ask(m, {1}, {.hops = 5, .concepts_max = 2}).concepts_cut);
  CHECK(ask(m, {1}, {.hops = 5, .concepts_max = 1}).concepts_cut);
  CHECK_FALSE(ask(m, {1}, {.hops = 0, .concepts_max = 1}).concepts_cut);
  const auto none = ask(m, {1}, {.concepts_max = 0});
  CHECK(none.concepts.empty());
  CHECK(none.concepts_cut);
}

TEST_CASE("Small graphs: a plain search finds the same subgraph, whatever the order of learning") {
  std::mt19937 random(11);
  context_memory m;
  context_memory other;
  for (std::size_t round = 0, rounds = sweep(400); round < rounds; ++round) {
    const plain_graph g = random_plain_graph(random);
    m.hold(g, random);
    other.hold(g, random);
    for (int i = 0; i < 4; ++i) {
      std::vector<concept_number> seeds;
      for (const auto& [n, strength] : g.concepts)
        if (seeds.empty() || below(random, 6) == 0)
          seeds.push_back(n);
      std::shuffle(seeds.begin(), seeds.end(), random);
      subgraph_query query;
      query.hops = below(random, 5);
      query.filter = random_filter(random);
      query.concepts_max = below(random, 2) == 0 ? all : below(random, 12);
      query.associations_max = below(random, 2) == 0 ? all : below(random, 12);
      INFO("round " << round << ", query " << i << ", hops " << query.hops);
      const std::string found = text(m, ask(m, seeds, query));
      REQUIRE(found == expected(g, seeds, query));
      REQUIRE(found == text(other, ask(other, seeds, query)));
    }
  }
}

TEST_CASE("Many associations are cut to the best as they come") {
  plain_graph g;
  for (concept_number n = 1; n <= 80; ++n) {
    g.concepts[n] = 1.0F;
    for (concept_number t = 1; t <= 80; ++t)
      g.links[{n, t, 0}] = {static_cast<float>((n * 31 + t * 17) % 101) / 128.0F, 1.0F};
  }
  context_memory m;
  m.hold(g);
  const subgraph_query query{.hops = 1, .associations_max = 50};
  CHECK(text(m, ask(m, {1}, query)) == expected(g, {1}, query));
}

TEST_CASE("Many concepts of one hop come by id, and the first of them where there are too many") {
  constexpr concept_number concepts = 9'000;
  plain_graph g;
  for (concept_number n = 1; n <= concepts; ++n) {
    g.concepts[n] = 1.0F;
    g.chain({1, n});
  }
  context_memory m;
  m.hold(g);
  const auto all_of_them = ask(m, {1}, {.concepts_max = all, .associations_max = 0});
  REQUIRE(all_of_them.concepts.size() == concepts);
  for (concept_number n = 1; n <= concepts; ++n)
    if (m.number(all_of_them.concepts[n - 1].index) != n)
      FAIL("no " << n << " in its place");
  for (const std::size_t most : {2U, 100U, 5'000U, concepts - 1}) {
    const auto some = ask(m, {1}, {.concepts_max = most, .associations_max = 0});
    CHECK(some.concepts_cut);
    CHECK(some.visited == concepts);
    CHECK(some.concepts
          == std::vector(all_of_them.concepts.begin(),
                         all_of_them.concepts.begin() + static_cast<std::ptrdiff_t>(most)));
  }
}

TEST_CASE("A limit leaves whole hops, and says so") {
  plain_graph g;
  for (concept_number n = 1; n <= 40; ++n)
    g.concepts[n] = 1.0F;
  g.chain({1, 2});
  for (concept_number n = 3; n <= 40; ++n)
    g.chain({2, n});
  context_memory m;
  m.hold(g);
  const auto at_once =
    ask(m, {1}, {.hops = 3, .limits = {.deadline = std::chrono::steady_clock::time_point::min()}});
  CHECK(text(m, at_once) == "1@0 | deadline");
  CHECK(at_once.hops == 0);
  subgraph_query query{.hops = 3, .limits = {.visited_max = 39}};
  const auto cut = ask(m, {1}, query);
  CHECK(cut.end == traversal_end::visited_max);
  CHECK(cut.visited <= 39);
  CHECK(cut.hops == 1);
  CHECK(cut.concepts == ask(m, {1}, {.hops = cut.hops}).concepts);
  query.limits.visited_max = 40;
  CHECK(ask(m, {1}, query).end == traversal_end::complete);
  query.limits.visited_max = 0;
  CHECK(near(m, {1}, query) == "1@0 ");
}

TEST_CASE("A long deadline changes nothing") {
  context_memory m;
  m.hold(two_ways());
  const auto hour = traversal_limits::within(std::chrono::hours(1));
  CHECK(text(m, ask(m, {1}, {.limits = hour})) == text(m, ask(m, {1}, {})));
}

TEST_CASE("Bad queries are refused") {
  context_memory m;
  m.hold(two_ways());
  const auto refused = [&](const std::vector<concept_number>& seeds, const subgraph_query& query) {
    return refusal(subgraph(m.snapshot(), ids(seeds), query, m.scratch()));
  };
  CHECK_THAT(refused({}, {}), ContainsSubstring("invalid_argument: no seeds"));
  CHECK_THAT(refused({1, 7}, {}), ContainsSubstring("not_found: concept " + id_of(7).hex()));
  CHECK_THAT(refused({1}, {.hops = path_depth_max + 1}),
             ContainsSubstring("hops is 1025: at most 1024"));
  CHECK_THAT(refused({1}, {.filter = {.confidence_min = std::nanf("")}}),
             ContainsSubstring("confidence_min is NaN"));
  CHECK_THAT(refused({1}, {.filter = {.strength_min = std::nanf("")}}),
             ContainsSubstring("strength_min is NaN"));
  CHECK(near(m, {1}, {.filter = {.confidence_min = 2.0F}}) == "1@0 ");
}
