#include "tests/storage/query_fixture.hpp"

#include <array>
#include <functional>
#include <span>

using namespace cmem;
using namespace cmem::test;

namespace {

struct written_link {
  concept_number from, to;
  kind_id kind;
  float confidence;
};

struct written_graph {
  std::vector<concept_number> learned;
  std::vector<written_link> links;
};

written_graph any_graph(std::mt19937& random, concept_number concepts, std::size_t links) {
  written_graph g;
  for (concept_number n = 1; n <= concepts; ++n)
    if (below(random, 10) != 0)
      g.learned.push_back(n);
  std::set<std::tuple<concept_number, concept_number, kind_id>> known;
  while (g.links.size() < links) {
    const concept_number from = below(random, 4) == 0 ? 1 : 1 + below(random, concepts);
    const written_link l{from, 1 + below(random, concepts), static_cast<kind_id>(below(random, 3)),
                         random_confidence(random)};
    if (known.insert({l.from, l.to, l.kind}).second)
      g.links.push_back(l);
  }
  return g;
}

// Writes concepts and associations mixed in a random order, among them some that are gone at the
// end.
void write_shuffled(graph_memory& m, written_graph g, std::mt19937& random,
                    std::size_t publish_every) {
  std::vector<std::function<void()>> writes;
  for (const concept_number n : g.learned)
    writes.emplace_back([&m, n] { m.learn(n); });
  for (const written_link& l : g.links)
    writes.emplace_back([&m, l] { m.link(l.from, l.to, l.kind, l.confidence); });
  std::shuffle(writes.begin(), writes.end(), random);
  const concept_number passing = 900'000 + below(random, 1000);
  m.learn(passing);
  for (std::size_t i = 0; i < writes.size(); ++i) {
    if (i % 7 == below(random, 7))
      m.link(passing, 1 + below(random, 50));
    if (i == writes.size() / 2)
      m.forget(passing);
    writes[i]();
    if (i % publish_every == publish_every - 1)
      m.publish();
  }
  m.forget(passing);
  m.publish();
}

// Every query's answer in terms of ids.
std::string answers(graph_memory& m, const std::vector<concept_number>& learned) {
  context_scratch around;
  const graph_snapshot& s = m.snapshot();
  std::string text = std::to_string(s.concept_count()) + " " + std::to_string(s.edge_count()) + " "
                     + std::to_string(s.placeholder_count()) + "\n";
  for (std::size_t i = 0; i < learned.size(); i += 3) {
    const std::uint32_t from = m.index(learned[i]);
    const std::uint32_t to = m.index(learned[(i * 7 + 5) % learned.size()]);
    text += m.text(find_path(s, from, to, 20, m.scratch())) + "\n";
    for (const path_order order : {path_order::fewest_hops, path_order::most_confident})
      for (const direction along : {direction::outgoing, direction::both})
        text += m.texts(find_paths(s, from, to,
                                   {.order = order,
                                    .max_depth = 6,
                                    .alternatives = 5,
                                    .filter = {.along = along},
                                    .limits = {}},
                                   m.scratch()));
    const std::array seeds{from};
    for (const subgraph_concept& c :
         subgraph(s, seeds, {.hops = 3, .concepts_max = 25}, around).concepts)
      text += std::to_string(m.number(c.index)) + "@" + std::to_string(c.hops) + " ";
    const activation_seed active{from};
    for (const activation_hit& h : activate(s, std::span(&active, 1), {.top_k = 25}, around).hits)
      text += std::to_string(m.number(h.index)) + "=" + std::to_string(h.activation) + " ";
    for (const direction d : {direction::outgoing, direction::incoming}) {
      std::vector<neighbor> found;
      neighbors(s, from, d, {.limit = 10}, found);
      for (const neighbor& n : found)
        text += std::to_string(m.number(n.index)) + "/" + std::to_string(n.kind) + ":"
                + std::to_string(n.confidence) + " ";
    }
    text += "\n";
  }
  return text;
}

} // namespace

TEST_CASE("Equal snapshots give equal answers, however they came about") {
  std::mt19937 random(2);
  for (std::size_t round = 0, rounds = sweep(20); round < rounds; ++round) {
    const written_graph g = any_graph(random, 200, 900);
    std::string first;
    for (const std::size_t batch : {10'000U, 64U, 1U}) {
      graph_memory m(0, batch);
      write_shuffled(m, g, random, 1 + below(random, 2000));
      const std::string now = answers(m, g.learned);
      if (first.empty())
        first = now;
      INFO("round " << round << ", batches of " << batch);
      REQUIRE(now == first);
    }
  }
}
