// The baseline's plain answers against the memory's.

#include "tools/mutable_graph_context.hpp"

#include "tests/storage/context_fixture.hpp"

#include <array>
#include <cmath>

using namespace cmem;
using namespace cmem::test;
using namespace cmem::tools;

namespace {

mutable_graph mapped(const plain_graph& g) {
  mutable_graph m(g.concepts.size());
  for (const auto& [key, link] : g.links) {
    const auto [source, target, kind] = key;
    m.apply(op::learn_association{id_of(source), id_of(target), kind, link.confidence, link.weight},
            1);
  }
  for (const auto& [n, strength] : g.concepts)
    m.apply(op::learn_concept{.id = id_of(n), .strength = strength}, 1);
  return m;
}

} // namespace

TEST_CASE("the map answers traversals as the memory does") {
  std::mt19937 random(13);
  context_memory memory;
  path_scratch paths;
  mutable_graph_context plain;
  for (std::size_t round = 0, rounds = sweep(200); round < rounds; ++round) {
    const plain_graph g = random_plain_graph(random);
    memory.hold(g, random);
    const graph_snapshot& s = memory.snapshot();
    const mutable_graph map = mapped(g);
    for (int i = 0; i < 4; ++i) {
      const concept_number from = 1 + below(random, 2);
      const auto last = std::next(g.concepts.begin(),
                                  static_cast<std::ptrdiff_t>(below(random, g.concepts.size())));
      const concept_number to = last->first;
      const std::uint32_t a = s.index_of(id_of(from)).value();
      const std::uint32_t b = s.index_of(id_of(to)).value();
      const std::uint32_t start = map.index_of(*map.find(id_of(from)));
      const std::uint32_t goal = map.index_of(*map.find(id_of(to)));
      const std::uint32_t most = 1 + below(random, 5);
      INFO("round " << round << ", " << from << " to " << to << ", " << most);

      path_query query;
      query.order = path_order::most_confident;
      const auto best = find_paths(s, a, b, query, paths).found;
      const auto confident = plain.confident_path(map, start, goal, path_depth_max);
      REQUIRE(confident.has_value() == !best.empty());
      if (confident)
        REQUIRE(*confident == Approx(best.front().confidence));

      query = {};
      query.max_depth = most;
      query.alternatives = most;
      REQUIRE(plain.alternative_paths(map, start, goal, most, most)
              == find_paths(s, a, b, query, paths).found.size());

      const std::array seeds{a};
      const auto near = subgraph(s, seeds, {.hops = most}, memory.scratch());
      REQUIRE(plain.subgraph(map, start, most, 1'000)
              == std::pair(near.concepts.size(), near.associations.size()));
      const std::size_t few = most;
      REQUIRE(plain.subgraph(map, start, most, few).first
              == subgraph(s, seeds, {.hops = most, .concepts_max = few}, memory.scratch())
                   .concepts.size());

      const std::array active{activation_seed{a}};
      for (const std::size_t top : {few, std::size_t{100}})
        REQUIRE(plain.activation(map, start, most, top)
                == activate(s, active, {.hops = most, .top_k = top}, memory.scratch()).hits.size());
    }
  }
}
