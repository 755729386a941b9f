#include "tests/storage/query_fixture.hpp"

#include <limits>

using namespace cmem;
using namespace cmem::test;

namespace {

std::string text(const graph_memory& m, const std::vector<neighbor>& all) {
  std::string s;
  for (const neighbor& n : all)
    s += (n.along == direction::incoming ? "<" : "") + std::to_string(m.number(n.index)) + "/"
         + std::to_string(n.kind) + ":" + std::to_string(n.confidence) + "*"
         + std::to_string(n.weight) + " ";
  return s;
}

std::string found(const graph_memory& m, concept_number n, direction d = direction::outgoing,
                  const neighbor_filter& f = {}) {
  std::vector<neighbor> out(3); // what was in it is replaced
  neighbors(m.snapshot(), m.index(n), d, f, out);
  return text(m, out);
}

// From the model: everything, sorted, then filtered.
std::string expected(const graph_model& g, concept_number n, direction d,
                     const neighbor_filter& f) {
  std::vector<std::tuple<float, concept_number, kind_id, bool, float>> all;
  for (const auto& [key, link] : g.links) {
    const auto [source, target, kind] = key;
    for (const bool incoming : {false, true}) {
      const concept_number here = incoming ? target : source;
      const concept_number there = incoming ? source : target;
      const bool asked = incoming ? d != direction::outgoing : d != direction::incoming;
      const bool again = incoming && d == direction::both && here == there;
      if (here == n && asked && !again && g.learned.contains(there)
          && (f.kinds.empty() || f.kinds.contains(kind)) && link.confidence >= f.confidence_min)
        all.emplace_back(-link.confidence, there, kind, incoming, link.weight);
    }
  }
  std::sort(all.begin(), all.end());
  std::string s;
  for (std::size_t i = 0; i < std::min(f.limit, all.size()); ++i) {
    const auto& [confidence, there, kind, incoming, weight] = all[i];
    s += (incoming ? "<" : "") + std::to_string(there) + "/" + std::to_string(kind) + ":"
         + std::to_string(0.0F - confidence) + "*" + std::to_string(weight) + " ";
  }
  return s;
}

} // namespace

TEST_CASE("Neighbors come by confidence, then id, then kind, in both directions") {
  graph_memory m;
  m.learn_all({4, 3, 2, 1});
  m.link(1, 4, kinds::semantic, 0.5F, 2.0F);
  m.link(1, 3, kinds::causal, 0.5F);
  m.link(1, 3, kinds::semantic, 0.5F);
  m.link(1, 2, kinds::temporal, 0.25F);
  m.link(1, 1, kinds::semantic, 1.0F);
  m.link(1, 9, kinds::semantic, 1.0F); // 9 is not learned
  m.publish();
  CHECK(found(m, 1)
        == "1/0:1.000000*1.000000 3/0:0.500000*1.000000 3/1:0.500000*1.000000 "
           "4/0:0.500000*2.000000 2/2:0.250000*1.000000 ");
  CHECK(found(m, 3, direction::incoming) == "<1/0:0.500000*1.000000 <1/1:0.500000*1.000000 ");
  CHECK(found(m, 1, direction::incoming) == "<1/0:1.000000*1.000000 ");
  CHECK(found(m, 4).empty());
}

TEST_CASE("Neighbors in both directions say which way they lead") {
  graph_memory m;
  m.learn_all({1, 2, 3});
  m.link(1, 2, kinds::semantic, 0.5F);
  m.link(2, 1, kinds::semantic, 0.5F);
  m.link(3, 1, kinds::causal, 0.75F);
  m.link(1, 1, kinds::causal, 0.5F); // one association: it comes once
  m.publish();
  CHECK(found(m, 1, direction::both)
        == "<3/1:0.750000*1.000000 1/1:0.500000*1.000000 2/0:0.500000*1.000000 "
           "<2/0:0.500000*1.000000 ");
  CHECK(found(m, 1, direction::both, {.limit = 2})
        == "<3/1:0.750000*1.000000 1/1:0.500000*1.000000 ");
  CHECK(found(m, 3, direction::both, {.kinds = {kinds::semantic}}).empty());
}

TEST_CASE("Neighbors can be asked for by strength") {
  const auto e = std::move(engine::create({})).value();
  for (const auto& [n, strength] : {std::pair(1U, 0.0F), {2U, 0.5F}, {3U, 1.0F}})
    REQUIRE(e->write(op::learn_concept{.id = id_of(n), .strength = strength}));
  for (const concept_number n : {2U, 3U, 4U}) // 4 is not learned
    REQUIRE(e->write(op::learn_association{.source = id_of(1), .target = id_of(n)}));
  (void) e->reconcile();
  const auto s = e->share();
  const auto strong = [&](float least) {
    std::string found;
    const auto near = neighbors(*s, id_of(1), direction::outgoing, {.strength_min = least});
    REQUIRE(near);
    for (const neighbor& n : *near)
      found += std::to_string(number_of(s->node(n.index).id)) + " ";
    return found;
  };
  CHECK(strong(0.0F) == "2 3 ");
  CHECK(strong(0.5F) == "2 3 ");
  CHECK(strong(0.75F) == "3 ");
  CHECK(strong(2.0F).empty());
  CHECK(strong(std::numeric_limits<float>::quiet_NaN()).empty());
}

TEST_CASE("Lists of many concepts come in order, each as it is") {
  std::mt19937 random(6);
  graph_memory m;
  for (concept_number n = 1; n <= 400; ++n)
    m.learn(n);
  for (int i = 0; i < 3000; ++i)
    m.link(below(random, 4) == 0 ? 7 : 1 + below(random, 400), 1 + below(random, 400),
           static_cast<kind_id>(below(random, 3)), random_confidence(random));
  m.publish();
  const graph_snapshot& s = m.snapshot();
  for (const std::size_t count : {0U, 1U, 31U, 32U, 63U, 64U, 65U, 127U, 128U, 129U, 1000U})
    for (const direction d : {direction::outgoing, direction::incoming}) {
      std::vector<std::uint32_t> asked;
      for (std::size_t i = 0; i < count; ++i)
        asked.push_back(m.index(below(random, 3) == 0 ? 7 : 1 + below(random, 400)));
      std::uint32_t next = 0;
      const auto visit = [&](std::uint32_t position, const adjacency_list& list) {
        REQUIRE(position == next++);
        const adjacency_list own =
          d == direction::outgoing ? s.out(asked[position]) : s.in(asked[position]);
        std::vector<std::uint32_t> there, here;
        list.for_each_target([&](std::uint32_t t) { there.push_back(t); });
        own.for_each_target([&](std::uint32_t t) { here.push_back(t); });
        REQUIRE(there == here);
      };
      visit_lists(s, asked, d, visit);
      CHECK(next == count);
      next = 0;
      visit_lists<list_part::targets>(s, asked, d, visit);
      CHECK(next == count);
    }
}

TEST_CASE("Neighbors can be asked for by kind, confidence and number") {
  graph_memory m;
  m.learn_all({1, 2, 3, 4});
  m.link(1, 2, kinds::semantic, 0.25F);
  m.link(1, 3, kinds::semantic, 0.5F);
  m.link(1, 4, kinds::causal, 1.0F);
  m.publish();
  const auto out = direction::outgoing;
  CHECK(found(m, 1, out, {.kinds = {kinds::semantic}})
        == "3/0:0.500000*1.000000 2/0:0.250000*1.000000 ");
  CHECK(found(m, 1, out, {.confidence_min = 0.5F})
        == "4/1:1.000000*1.000000 3/0:0.500000*1.000000 ");
  CHECK(found(m, 1, out, {.limit = 2}) == "4/1:1.000000*1.000000 3/0:0.500000*1.000000 ");
  CHECK(found(m, 1, out, {.kinds = {kinds::semantic}, .limit = 1}) == "3/0:0.500000*1.000000 ");
  CHECK(found(m, 1, out, {.limit = 0}).empty());
  CHECK(found(m, 1, out, {.kinds = {kinds::temporal}}).empty());
  CHECK(found(m, 1, out, {.confidence_min = std::numeric_limits<float>::quiet_NaN()}).empty());
}

TEST_CASE("Neighbors by id; what is not learned has none to ask for") {
  graph_memory m;
  m.learn_all({1, 2});
  m.chain({1, 2, 3});
  m.publish();
  const auto out = neighbors(m.snapshot(), id_of(1));
  REQUIRE(out);
  CHECK(text(m, *out) == found(m, 1));
  const auto in = neighbors(m.snapshot(), id_of(2), direction::incoming, {.limit = 1});
  REQUIRE(in);
  CHECK(text(m, *in) == found(m, 2, direction::incoming));
  for (const concept_number n : {3U, 7U}) {
    const auto none = neighbors(m.snapshot(), id_of(n));
    REQUIRE_FALSE(none);
    CHECK(none.error().code == errc::not_found);
    CHECK_THAT(none.error().detail, Catch::Matchers::ContainsSubstring(id_of(n).hex()));
  }
}

TEST_CASE("Neighbors of hubs: those of the model, under every filter") {
  std::mt19937 random(3);
  for (std::size_t round = 0, rounds = sweep(40); round < rounds; ++round) {
    graph_memory m;
    const concept_number concepts = round % 4 == 0 ? 1500 : 60;
    const bool placeholders = round % 2 == 0;
    for (concept_number n = concepts; n > 0; --n)
      if (n < 3 || !placeholders || below(random, 10) != 0)
        m.learn(n);
    for (std::size_t i = 0; i < 2 * concepts; ++i) {
      const concept_number other = 1 + below(random, concepts);
      const auto kind = static_cast<kind_id>(below(random, 3));
      if (below(random, 2) == 0)
        m.link(1, other, kind, random_confidence(random), static_cast<float>(i));
      else
        m.link(other, 1, kind, random_confidence(random), static_cast<float>(i));
    }
    m.publish();
    for (const direction d : {direction::outgoing, direction::incoming, direction::both})
      for (int i = 0; i < 20; ++i) {
        neighbor_filter f;
        if (below(random, 2) == 0)
          f.kinds.insert(static_cast<kind_id>(below(random, 4)));
        if (below(random, 4) == 0)
          f.kinds.insert(static_cast<kind_id>(below(random, 4)));
        if (below(random, 2) == 0)
          f.confidence_min = random_confidence(random);
        if (below(random, 2) == 0)
          f.limit = below(random, concepts + concepts / 4);
        INFO("round " << round << ", filter " << i);
        REQUIRE(found(m, 1, d, f) == expected(m.model(), 1, d, f));
      }
  }
}
