#include "storage/activation.hpp"

#include "tests/storage/context_fixture.hpp"

#include <cmath>

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

using id_seed = basic_activation_seed<concept_id>;
using numbered_seeds = std::vector<std::pair<concept_number, double>>;

result<activation_answer> try_ask(context_memory& m, const numbered_seeds& seeds,
                                  const activation_query& query) {
  std::vector<id_seed> by_id;
  for (const auto& [n, energy] : seeds)
    by_id.push_back({id_of(n), energy});
  return activate(m.snapshot(), by_id, query, m.scratch());
}

activation_answer ask(context_memory& m, const numbered_seeds& seeds,
                      const activation_query& query) {
  const auto found = try_ask(m, seeds, query);
  if (!found)
    FAIL(to_string(found.error()));
  return *found;
}

std::string shown(double x) {
  std::ostringstream s;
  s.precision(17);
  s << x;
  return s.str();
}

/// "2=0.5 (0.5: 1 -0-> 2)", one a line; "<-" where an association was followed backwards.
std::string text(const context_memory& m, const activation_answer& a) {
  std::string s;
  for (const activation_hit& h : a.hits) {
    s += std::to_string(m.number(h.index)) + "=" + shown(h.activation) + " (" + shown(h.carried)
         + ": " + std::to_string(m.number(h.way.source));
    for (const path_step& step : h.way.steps)
      s += (step.along == direction::outgoing ? " -" : " <-") + std::to_string(step.kind)
           + (step.along == direction::outgoing ? "-> " : "- ")
           + std::to_string(m.number(step.index));
    s += ")\n";
  }
  return s;
}

/// The naive one: maps, hop by hop, in whole units.
class plain_activation {
public:
  plain_activation(const plain_graph& g, const numbered_seeds& seeds, const activation_query& q)
    : g_(g), q_(q) {
    hop first;
    for (const auto& [n, energy] : seeds) {
      pulse& p = first[n];
      p.energy += units(energy);
      p.best = p.energy;
      p.way = std::to_string(n);
      seeds_.insert(n);
    }
    hops_.push_back(first);
    for (std::uint32_t i = 0; i < q.hops; ++i)
      hops_.push_back(next(hops_.back()));
  }

  [[nodiscard]] std::string text() const {
    struct total {
      std::uint64_t energy = 0;
      std::uint64_t best = 0;
      std::string way;
    };
    std::map<concept_number, total> totals;
    for (const hop& h : hops_)
      for (const auto& [n, p] : h) {
        total& t = totals[n];
        t.energy += p.energy;
        if (p.best > t.best || t.way.empty()) {
          t.best = p.best;
          t.way = p.way;
        }
      }
    std::vector<std::pair<concept_number, total>> ranked;
    for (const auto& [n, t] : totals)
      if (t.energy > 0 && (q_.with_seeds || !seeds_.contains(n)))
        ranked.emplace_back(n, t);
    std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
      return a.second.energy > b.second.energy;
    });
    ranked.resize(std::min(ranked.size(), q_.top_k));
    std::string s;
    for (const auto& [n, t] : ranked)
      s += std::to_string(n) + "=" + shown(std::ldexp(static_cast<double>(t.energy), -40)) + " ("
           + shown(std::ldexp(static_cast<double>(t.best), -40)) + ": " + t.way + ")\n";
    return s;
  }

private:
  struct pulse {
    std::uint64_t energy = 0;
    std::uint64_t best = 0;
    std::tuple<concept_number, kind_id, direction> by = {};
    std::string way;
  };
  using hop = std::map<concept_number, pulse>;

  static std::uint64_t units(double x) { return static_cast<std::uint64_t>(std::ldexp(x, 40)); }

  static double conductance(const graph_model::link& l) {
    return std::min(1.0, static_cast<double>(l.confidence) * static_cast<double>(l.weight));
  }

  hop next(const hop& before) const {
    hop after;
    for (const auto& [n, p] : before) {
      if (std::ldexp(static_cast<double>(p.energy), -40) < q_.threshold)
        continue;
      const auto steps = steps_from(g_, n, q_.filter);
      double share = q_.decay;
      if (q_.fan_effect) {
        double sum = 0; // exact: of few, of few bits
        for (const plain_step& step : steps)
          sum += conductance(step.link);
        if (sum > 0)
          share = q_.decay / sum;
      }
      for (const plain_step& step : steps) {
        const double factor = std::min(1.0, share * conductance(step.link));
        const auto part = [factor](std::uint64_t u) {
          return static_cast<std::uint64_t>(static_cast<double>(u) * factor);
        };
        if (part(p.energy) == 0)
          continue;
        const bool known = after.contains(step.to);
        pulse& to = after[step.to];
        to.energy += part(p.energy);
        const std::tuple by{n, step.kind, step.along};
        if (!known || part(p.best) > to.best || (part(p.best) == to.best && by < to.by)) {
          to.best = part(p.best);
          to.by = by;
          const bool out = step.along == direction::outgoing;
          to.way = p.way + (out ? " -" : " <-") + std::to_string(step.kind) + (out ? "-> " : "- ")
                   + std::to_string(step.to);
        }
      }
    }
    return after;
  }

  const plain_graph& g_;
  activation_query q_;
  std::set<concept_number> seeds_;
  std::vector<hop> hops_;
};

} // namespace

TEST_CASE("Activation fades by hops, and takes what associations conduct") {
  plain_graph g;
  g.learn_all({1, 2, 3, 4, 5});
  g.chain({1, 2, 3, 4, 5});
  g.links[{2, 3, 0}] = {0.5F, 1.0F};
  g.links[{3, 4, 0}] = {0.5F, 4.0F}; // conducts 1, not 2
  context_memory m;
  m.hold(g);
  CHECK(text(m, ask(m, {{1, 1.0}}, {}))
        == "2=0.5 (0.5: 1 -0-> 2)\n"
           "3=0.125 (0.125: 1 -0-> 2 -0-> 3)\n"
           "4=0.0625 (0.0625: 1 -0-> 2 -0-> 3 -0-> 4)\n");
  const auto hits = ask(m, {{1, 2.0}}, {.hops = 2}).hits;
  REQUIRE(hits.size() == 2);
  CHECK(hits[1].activation == 0.25);
  CHECK(hits[1].way.confidence == 0.5);
}

TEST_CASE("Activation of several seeds meets, and the way that brought the most explains it") {
  plain_graph g;
  g.learn_all({1, 2, 3, 4});
  g.chain({1, 3});
  g.chain({2, 3}, 0.5F);
  g.chain({2, 4}, 0.75F);
  context_memory m;
  m.hold(g);
  CHECK(text(m, ask(m, {{1, 1.0}, {2, 1.0}}, {}))
        == "3=0.75 (0.5: 1 -0-> 3)\n4=0.375 (0.375: 2 -0-> 4)\n");
  CHECK(text(m, ask(m, {{2, 4.0}, {1, 1.0}}, {.top_k = 1})) == "3=1.5 (1: 2 -0-> 3)\n");
  CHECK(text(m, ask(m, {{2, 1.5}, {2, 0.5}}, {.top_k = 1})) == "4=0.75 (0.75: 2 -0-> 4)\n");
}

TEST_CASE("With the fan effect a concept shares out what it passes on") {
  plain_graph g;
  g.learn_all({1, 2, 3});
  g.chain({1, 2}, 0.75F);
  g.chain({1, 3}, 0.25F);
  g.chain({1, 4}); // 4 is not learned: it takes no share
  context_memory m;
  m.hold(g);
  CHECK(text(m, ask(m, {{1, 1.0}}, {.fan_effect = true}))
        == "2=0.375 (0.375: 1 -0-> 2)\n3=0.125 (0.125: 1 -0-> 3)\n");
}

TEST_CASE("With the fan effect a concept shares out all there is, however little it conducts") {
  for (const float confidence : {1.0F, 0x1p-7F, 0x1p-9F, 0x1p-32F, 0x1p-60F, 0x1p-149F}) {
    plain_graph g;
    g.learn_all({1, 2, 3});
    g.chain({1, 2}, confidence);
    g.links[{1, 3, kinds::semantic}] = {confidence, confidence}; // its square
    context_memory m;
    m.hold(g);
    const auto a = ask(m, {{1, 1.0}}, {.fan_effect = true});
    const double c = static_cast<double>(confidence);
    INFO("confidence " << confidence);
    REQUIRE(!a.hits.empty());
    CHECK(a.hits[0].activation == Approx(0.5 / (1 + c)).epsilon(1e-9));
    if (c * 0.5 > 0x1p-40) {
      REQUIRE(a.hits.size() == 2);
      CHECK(a.hits[1].activation == Approx(0.5 * c / (1 + c)).epsilon(1e-9).margin(0x1p-40));
    }
  }
}

TEST_CASE("With the fan effect many small shares are no more than there is to share") {
  // Alone, and beside one that is much greater.
  const bool beside = GENERATE(false, true);
  constexpr concept_number many = 3'000;
  plain_graph g;
  for (concept_number n = 1; n <= many + 1; ++n)
    g.concepts[n] = 1.0F;
  for (concept_number n = 2; n <= many; ++n)
    g.chain({1, n}, 1.9F * 0x1p-32F);
  if (beside)
    g.chain({1, many + 1}, 0x1p-20F);
  context_memory m;
  m.hold(g);
  const auto a = ask(m, {{1, 1.0}}, {.hops = 1, .top_k = many, .fan_effect = true});
  double sum = 0;
  for (const activation_hit& h : a.hits)
    sum += h.activation;
  CHECK(sum == Approx(0.5).epsilon(1e-8));
  CHECK(sum <= 0.5);
}

TEST_CASE("What is under the threshold is a hit, and spreads no further") {
  plain_graph g;
  g.learn_all({1, 2, 3, 4});
  g.chain({1, 2, 3, 4});
  context_memory m;
  m.hold(g);
  CHECK(text(m, ask(m, {{1, 1.0}}, {.threshold = 0.5}))
        == "2=0.5 (0.5: 1 -0-> 2)\n3=0.25 (0.25: 1 -0-> 2 -0-> 3)\n");
  CHECK(ask(m, {{1, 1.0}}, {.threshold = 0.5}).hops == 2);
  CHECK(ask(m, {{1, 1.0}}, {.threshold = HUGE_VAL}).hits.empty());
}

TEST_CASE("Seeds are hits when asked for, with their own energy and what came back") {
  plain_graph g;
  g.learn_all({1, 2});
  g.chain({1, 2, 1});
  context_memory m;
  m.hold(g);
  CHECK(text(m, ask(m, {{1, 1.0}}, {.with_seeds = true, .filter = {}}))
        == "1=1.25 (1: 1)\n2=0.625 (0.5: 1 -0-> 2)\n");
}

TEST_CASE("A self-loop conducts once in both directions") {
  plain_graph g;
  g.learn_all({1});
  g.chain({1, 1});
  context_memory m;
  m.hold(g);
  CHECK(text(m, ask(m, {{1, 1.0}},
                    {.hops = 1, .with_seeds = true, .filter = {.along = direction::both}}))
        == "1=1.5 (1: 1)\n");
}

TEST_CASE("Small graphs: the naive sums are the same, whatever the order of learning") {
  std::mt19937 random(12);
  context_memory m;
  context_memory other;
  for (std::size_t round = 0, rounds = sweep(400); round < rounds; ++round) {
    const plain_graph g = random_plain_graph(random);
    m.hold(g, random);
    other.hold(g, random);
    for (int i = 0; i < 4; ++i) {
      numbered_seeds seeds;
      for (const auto& [n, strength] : g.concepts)
        if (seeds.empty() || below(random, 6) == 0)
          seeds.emplace_back(n, below(random, 5) * 0.3);
      std::shuffle(seeds.begin(), seeds.end(), random);
      activation_query query;
      query.hops = below(random, 6);
      query.decay = below(random, 2) == 0 ? 0.5 : 0.85;
      query.threshold = below(random, 2) == 0 ? 0.0 : 0.1;
      query.top_k = below(random, 2) == 0 ? 100 : below(random, 5);
      query.fan_effect = below(random, 2) == 0;
      query.with_seeds = below(random, 2) == 0;
      query.filter = random_filter(random);
      INFO("round " << round << ", query " << i << ", hops " << query.hops);
      const std::string found = text(m, ask(m, seeds, query));
      REQUIRE(found == plain_activation(g, seeds, query).text());
      REQUIRE(found == text(other, ask(other, seeds, query)));
    }
  }
}

TEST_CASE("Sums stop growing at the most there is") {
  plain_graph g;
  g.learn_all({1, 2, 3});
  g.chain({1, 3, 3});
  g.chain({2, 3});
  context_memory m;
  m.hold(g);
  const auto hits =
    ask(m, {{1, activation_max}, {2, activation_max}}, {.hops = 16, .decay = 1.0}).hits;
  REQUIRE(hits.size() == 1);
  CHECK(hits[0].activation == activation_max);
}

TEST_CASE("A limit leaves whole hops of activation, and says so") {
  plain_graph g;
  for (concept_number n = 1; n <= 40; ++n)
    g.concepts[n] = 1.0F;
  g.chain({1, 2});
  for (concept_number n = 3; n <= 40; ++n)
    g.chain({2, n});
  context_memory m;
  m.hold(g);
  const auto at_once =
    ask(m, {{1, 1.0}}, {.limits = {.deadline = std::chrono::steady_clock::time_point::min()}});
  CHECK(at_once.hits.empty());
  CHECK(at_once.end == traversal_end::deadline);
  CHECK(at_once.hops == 0);
  activation_query query{.top_k = 100, .limits = {.visited_max = 39}};
  const auto cut = ask(m, {{1, 1.0}}, query);
  CHECK(cut.end == traversal_end::visited_max);
  CHECK(cut.visited <= 39);
  CHECK(cut.hops == 1);
  CHECK(cut.hits == ask(m, {{1, 1.0}}, {.hops = cut.hops}).hits);
  query.limits.visited_max = 40;
  const auto whole = ask(m, {{1, 1.0}}, query);
  CHECK(whole.end == traversal_end::complete);
  CHECK(whole.hits.size() == 39);
  CHECK(whole.visited == 40);
  query.limits = traversal_limits::within(std::chrono::hours(1));
  CHECK(ask(m, {{1, 1.0}}, query).hits == whole.hits);
}

TEST_CASE("Bad activations are refused, and none wanted is none") {
  plain_graph g;
  g.learn_all({1, 2});
  g.chain({1, 2, 3});
  context_memory m;
  m.hold(g);
  const auto refused = [&](const numbered_seeds& seeds, const activation_query& query) {
    return refusal(try_ask(m, seeds, query));
  };
  const double nan = std::nan("");
  CHECK_THAT(refused({}, {}), ContainsSubstring("invalid_argument: no seeds"));
  CHECK_THAT(refused({{1, 1.0}, {3, 1.0}}, {}), ContainsSubstring("not_found"));
  for (const double energy : {-1.0, nan, HUGE_VAL, 2 * activation_max})
    CHECK_THAT(refused({{1, energy}}, {}), ContainsSubstring("the energy of a seed is"));
  for (const double decay : {0.0, -0.5, 1.5, nan})
    CHECK_THAT(refused({{1, 1.0}}, {.decay = decay}), ContainsSubstring("decay is"));
  for (const double threshold : {-1.0, nan})
    CHECK_THAT(refused({{1, 1.0}}, {.threshold = threshold}), ContainsSubstring("threshold is"));
  CHECK_THAT(refused({{1, 1.0}}, {.hops = 17}), ContainsSubstring("hops is 17: at most 16"));
  CHECK_THAT(refused({{1, 1.0}}, {.filter = {.confidence_min = std::nanf("")}}),
             ContainsSubstring("confidence_min is NaN"));
  CHECK(ask(m, {{1, 1.0}}, {.top_k = 0}).hits.empty());
  CHECK(ask(m, {{1, 1.0}}, {.hops = 0}).hits.empty());
  CHECK(ask(m, {{1, 0.0}}, {}).hits.empty());
}
