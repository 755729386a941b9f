// Hops and confidences beside igraph's, with every filter. igraph knows no filters: it is given
// what passes them.

#include "tests/igraph_graph.hpp"
#include "tests/storage/query_fixture.hpp"

using namespace cmem;
using namespace cmem::test;

namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

struct any_link {
  concept_number from, to;
  kind_id kind;
  float confidence;
};

// Concepts are numbered from 0 on; all are learned.
struct random_graph {
  concept_number concepts = 0;
  std::vector<any_link> links;
  std::vector<float> strengths;

  void write(graph_memory& m) const {
    for (concept_number n = 0; n < concepts; ++n)
      m.learn(n, {}, strengths[n]);
    for (const any_link& l : links)
      m.link(l.from, l.to, l.kind, l.confidence);
    m.publish();
  }
  // What a path to `target` may walk.
  [[nodiscard]] std::vector<igraph_link> passing(const traversal_filter& f,
                                                 concept_number target) const {
    std::vector<igraph_link> all;
    const auto add = [&](concept_number from, concept_number to, float confidence) {
      if (to == target || strengths[to] >= f.strength_min)
        all.push_back({from, to, confidence});
    };
    for (const any_link& l : links) {
      if (l.confidence < f.confidence_min || (!f.kinds.empty() && !f.kinds.contains(l.kind)))
        continue;
      if (f.along != direction::incoming)
        add(l.from, l.to, l.confidence);
      if (f.along != direction::outgoing)
        add(l.to, l.from, l.confidence);
    }
    return all;
  }
};

random_graph make_graph(std::mt19937& random, concept_number concepts, std::size_t links,
                        bool coarse) {
  std::uniform_real_distribution<float> even(0.0F, 1.0F);
  random_graph g;
  g.concepts = concepts;
  for (concept_number n = 0; n < concepts; ++n)
    g.strengths.push_back(even(random));
  std::set<std::tuple<concept_number, concept_number, kind_id>> known;
  for (std::size_t i = 0; i < links; ++i) {
    const any_link l{below(random, concepts), below(random, concepts),
                     static_cast<kind_id>(below(random, 4)),
                     coarse ? random_confidence(random) : even(random)};
    if (known.insert({l.from, l.to, l.kind}).second)
      g.links.push_back(l);
  }
  return g;
}

traversal_filter random_filter(std::mt19937& random) {
  traversal_filter f;
  constexpr direction ways[] = {direction::outgoing, direction::incoming, direction::both};
  f.along = ways[below(random, 3)];
  if (below(random, 2) == 0)
    for (kind_id kind = 0; kind < 4; ++kind)
      if (below(random, 3) != 0)
        f.kinds.insert(kind);
  if (below(random, 2) == 0)
    f.confidence_min = static_cast<float>(below(random, 5)) / 8;
  if (below(random, 2) == 0)
    f.strength_min = static_cast<float>(below(random, 5)) / 8;
  return f;
}

// Least cost of the paths of at most so many hops, by a graph of layers: one for each hop.
double least_cost(concept_number concepts, const std::vector<igraph_link>& links,
                  concept_number from, concept_number to, std::uint32_t max_depth) {
  std::vector<igraph_link> layered;
  for (std::uint32_t hop = 0; hop < max_depth; ++hop)
    for (const igraph_link& l : links)
      layered.push_back({hop * concepts + l.source, (hop + 1) * concepts + l.target, l.confidence});
  const igraph_graph g((max_depth + 1) * concepts, layered);
  const std::vector<double> costs = g.costs(from, IGRAPH_OUT);
  double least = infinite;
  for (std::uint32_t hop = 0; hop <= max_depth; ++hop)
    least = std::min(least, costs[hop * concepts + to]);
  return least;
}

void check_hops(const path_answer& a, double hops, std::uint32_t max_depth) {
  REQUIRE(a.end == traversal_end::complete);
  REQUIRE(a.found.empty() == (hops > max_depth));
  if (!a.found.empty())
    REQUIRE(static_cast<double>(a.found[0].hops()) == hops);
}

void check_confidence(const path_answer& a, double cost, double hops, std::uint32_t max_depth) {
  REQUIRE(a.end == traversal_end::complete);
  REQUIRE(a.found.empty() == (hops > max_depth));
  if (!a.found.empty())
    REQUIRE(a.found[0].confidence == Approx(std::exp2(-cost)).epsilon(1e-7));
}

} // namespace

TEST_CASE("1,000 small random graphs, every filter: hops and confidences are igraph's") {
  std::mt19937 random(1969);
  std::size_t some = 0;
  graph_memory m;
  for (std::size_t round = 0, rounds = sweep(1000); round < rounds; ++round) {
    m.start_over();
    const concept_number concepts = 2 + below(random, 30);
    const random_graph g =
      make_graph(random, concepts, below(random, 4 * concepts), round % 2 == 0);
    g.write(m);
    for (int i = 0; i < 6; ++i) {
      const traversal_filter filter = random_filter(random);
      const concept_number from = below(random, concepts);
      const concept_number to = below(random, concepts);
      const std::uint32_t max_depth = below(random, 2) == 0 ? 40 : below(random, 5);
      const auto links = g.passing(filter, to);
      const double hops = igraph_graph(concepts, links).hops(from, IGRAPH_OUT)[to];
      INFO("round " << round << ", " << from << " to " << to << ", depth " << max_depth);
      check_hops(m.ask(from, to, {.max_depth = max_depth, .filter = filter, .limits = {}}), hops,
                 max_depth);
      const path_answer a = m.ask(from, to,
                                  {.order = path_order::most_confident,
                                   .max_depth = max_depth,
                                   .filter = filter,
                                   .limits = {}});
      check_confidence(a, least_cost(concepts, links, from, to, max_depth), hops, max_depth);
      some += !a.found.empty() && a.found[0].hops() > 1;
    }
  }
  CHECK(some > sweep(500)); // else it has shown little
}

TEST_CASE("An RMAT graph: hops and confidences are igraph's, with and without a filter") {
  std::mt19937 random(2004);
  constexpr unsigned scale = 12;
  random_graph g = make_graph(random, 1U << scale, 0, false);
  std::set<std::tuple<concept_number, concept_number, kind_id>> known;
  std::uniform_real_distribution<float> even(0.0F, 1.0F);
  for (int i = 0; i < 16 << scale; ++i) {
    any_link l{0, 0, static_cast<kind_id>(below(random, 4)), even(random)};
    for (unsigned bit = 0; bit < scale; ++bit) {
      const std::uint32_t r = below(random, 100);
      l.from = l.from << 1 | (r >= 76 ? 1U : 0U);
      l.to = l.to << 1 | ((r >= 57 && r < 76) || r >= 95 ? 1U : 0U);
    }
    if (known.insert({l.from, l.to, l.kind}).second)
      g.links.push_back(l);
  }
  graph_memory m;
  g.write(m);
  std::size_t some = 0;
  const auto all = g.passing({}, 0);
  const igraph_graph whole(g.concepts, all);
  for (std::size_t i = 0; i < sweep(8); ++i) {
    // One with a link of its own: few searches are run under a sanitizer.
    const concept_number from = g.links[below(random, concept_number(g.links.size()))].from;
    const auto hops = whole.hops(from, IGRAPH_OUT);
    const auto costs = whole.costs(from, IGRAPH_OUT);
    for (int j = 0; j < 100; ++j) {
      const concept_number to = below(random, g.concepts);
      INFO(from << " to " << to);
      check_hops(m.ask(from, to, path_query{}), hops[to], path_depth_max);
      const path_answer a = m.ask(from, to, {.order = path_order::most_confident});
      check_confidence(a, costs[to], hops[to], path_depth_max);
      some += !a.found.empty() && a.found[0].hops() > 2;
    }
  }
  CHECK(some > sweep(8) * 10);
  for (std::size_t i = 0; i < sweep(100); ++i) {
    const traversal_filter filter = random_filter(random);
    const concept_number from = below(random, g.concepts);
    const concept_number to = below(random, g.concepts);
    const igraph_graph part(g.concepts, g.passing(filter, to));
    const double hops = part.hops(from, IGRAPH_OUT)[to];
    INFO("filter " << i << ", " << from << " to " << to);
    check_hops(m.ask(from, to, {.filter = filter, .limits = {}}), hops, path_depth_max);
    check_confidence(
      m.ask(from, to, {.order = path_order::most_confident, .filter = filter, .limits = {}}),
      part.costs(from, IGRAPH_OUT)[to], hops, path_depth_max);
  }
}
