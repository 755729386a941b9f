// That searches look at the clock, however little they find: a clock counts how often they do.

#include "storage/breadth_first_level.hpp"
#include "storage/context_search.hpp"
#include "storage/deadline_watch.hpp"
#include "storage/path_search.hpp"
#include "tests/storage/counting_clock.hpp"
#include "tests/storage/query_fixture.hpp"

using namespace cmem;
using namespace cmem::test;

namespace {

constexpr concept_number many = 30'000; // concepts, some looks' worth
constexpr std::uint64_t looks_for(std::uint64_t work) { return work / deadline_watch::look_every; }

/// A graph, and how often queries of it look at the clock.
class watched : public graph_memory {
public:
  watched() {
    scratch().get().clock = &counting_clock::now;
    breadth_.get().clock = &counting_clock::now;
    context_.get().clock = &counting_clock::now;
  }
  /// Concepts `first` and so on.
  void learn_many(concept_number first) {
    for (concept_number n = first; n < first + many; ++n)
      learn(n);
  }
  void link_to_many(concept_number from, concept_number first) {
    for (concept_number n = first; n < first + many; ++n)
      link(from, n);
  }
  void link_from_many(concept_number first, concept_number to) {
    for (concept_number n = first; n < first + many; ++n)
      link(n, to);
  }

  std::uint64_t breadth_first_looks(concept_number first, concept_number last,
                                    std::uint32_t max_hops) {
    std::vector<std::uint32_t> seeds;
    for (concept_number n = first; n <= last; ++n)
      seeds.push_back(index(n));
    const auto limits = counting_clock::start();
    const auto a =
      breadth_first(snapshot(), seeds, {.max_hops = max_hops, .limits = limits}, breadth_);
    CHECK(a.end == traversal_end::complete);
    return counting_clock::looks();
  }
  std::uint64_t path_looks(concept_number from, concept_number to, path_query q) {
    q.limits = counting_clock::start();
    CHECK(ask(from, to, q).end == traversal_end::complete);
    return counting_clock::looks();
  }
  subgraph_answer subgraph(concept_number seed, subgraph_query q, const traversal_limits& limits) {
    q.limits = limits;
    q.associations_max = 0;
    return cmem::subgraph(snapshot(), std::vector{index(seed)}, q, context_);
  }
  std::uint64_t subgraph_looks(concept_number seed, const subgraph_query& q) {
    CHECK(subgraph(seed, q, counting_clock::start()).end == traversal_end::complete);
    return counting_clock::looks();
  }
  activation_answer activation(concept_number seed, activation_query q,
                               const traversal_limits& limits) {
    q.limits = limits;
    return activate(snapshot(), std::vector<activation_seed>{{index(seed), 1.0}}, q, context_);
  }
  std::uint64_t activation_looks(concept_number seed, const activation_query& q) {
    CHECK(activation(seed, q, counting_clock::start()).end == traversal_end::complete);
    return counting_clock::looks();
  }

private:
  breadth_first_scratch breadth_;
  context_scratch context_;
};

/// 1 to many, which lead nowhere.
void write_star(watched& m) {
  m.learn(1);
  m.learn_many(2);
  m.link_to_many(1, 2);
  m.publish();
}

/// From 1 over 2, and over each of many, to 3.
void write_lens(watched& m) {
  m.learn_all({1, 2, 3});
  m.learn_many(4);
  m.chain({1, 2});
  m.link_to_many(2, 4);
  m.link_from_many(4, 3);
  m.publish();
}

/// 1 to many, which lead nowhere. Nor does anything lead to those many that lead to 3, and it to 2.
void write_two_stars(watched& m) {
  m.learn_all({1, 2, 3});
  m.learn_many(4);
  m.learn_many(4 + many);
  m.learn(4 + 2 * many);
  m.link_to_many(1, 4);
  m.link_from_many(4 + many, 3);
  m.link(4 + 2 * many, 3);
  m.chain({3, 2});
  m.publish();
}

/// A chain from 1 on, and then so many times either of two ways.
void write_diamonds(watched& m, concept_number hops, int diamonds) {
  concept_number last = 1;
  m.learn(last);
  for (concept_number i = 0; i < hops; ++i, ++last) {
    m.learn(last + 1);
    m.link(last, last + 1);
  }
  for (int i = 0; i < diamonds; ++i, last += 3) {
    for (concept_number n = last + 1; n <= last + 3; ++n)
      m.learn(n);
    m.chain({last, last + 1, last + 3});
    m.chain({last, last + 2, last + 3});
  }
  m.publish();
}

} // namespace

TEST_CASE("Breadth-first search looks at the clock where there are no associations") {
  watched m;
  write_star(m);
  CHECK(m.breadth_first_looks(1, 1, 2) - m.breadth_first_looks(1, 1, 1)
        >= looks_for(2 * std::uint64_t{many}));
}

TEST_CASE("Breadth-first search looks at the clock where the first association always hits") {
  watched m;
  m.learn_many(1);
  m.learn_many(1 + many);
  for (concept_number n = 1; n <= many; ++n)
    m.link(n, n + many);
  m.publish();
  CHECK(m.breadth_first_looks(1, many, 1) >= looks_for(3 * std::uint64_t{many}));
}

TEST_CASE("Breadth-first search looks at the clock where nothing leads to what is left") {
  watched m;
  m.learn_many(1);
  m.learn_many(1 + many);
  m.learn(1 + 2 * many);
  m.link_from_many(1, 1 + 2 * many);
  m.publish();
  CHECK(m.breadth_first_looks(1, many, 1) >= looks_for(2 * std::uint64_t{many}));
}

TEST_CASE("Path searches look at the clock where there are no associations") {
  watched m;
  write_two_stars(m);
  const auto order = GENERATE(path_order::fewest_hops, path_order::most_confident);
  CHECK(m.path_looks(1, 2, {.order = order, .filter = {}}) >= looks_for(2 * std::uint64_t{many}));
}

TEST_CASE("Path searches look at the clock while they choose among many paths") {
  watched m;
  write_lens(m);
  const auto order = GENERATE(path_order::fewest_hops, path_order::most_confident);
  CHECK(m.path_looks(1, 3, {.order = order, .filter = {}}) >= looks_for(6 * std::uint64_t{many}));
}

TEST_CASE("Alternatives look at the clock while they are compared") {
  constexpr concept_number hops = 500;
  constexpr std::size_t k = 200;
  watched m;
  write_diamonds(m, hops, 8);
  const auto order = GENERATE(path_order::fewest_hops, path_order::most_confident);
  const path_query q{.order = order, .alternatives = k, .filter = {}};
  // Each path found has been compared with others, all of which begin alike.
  CHECK(m.path_looks(1, 1 + hops + 3 * 8, q) >= looks_for(8 * k * hops));
}

TEST_CASE("Subgraphs look at the clock where there are no associations") {
  watched m;
  write_star(m);
  const auto looks = [&](std::uint32_t hops) {
    return m.subgraph_looks(1, {.hops = hops, .concepts_max = 2 * many});
  };
  CHECK(looks(2) - looks(1) >= looks_for(many));
}

TEST_CASE("Subgraphs look at the clock while they put concepts in their places") {
  watched m;
  write_star(m);
  // The association, the concept's id, its places in the runs that are sorted and, four times,
  // merged, and its place at last.
  CHECK(m.subgraph_looks(1, {.hops = 1, .concepts_max = 2 * many})
        >= looks_for(8 * std::uint64_t{many}));
}

TEST_CASE("Activation looks at the clock where there are no associations") {
  watched m;
  write_star(m);
  const double threshold = GENERATE(0.0, 0.9); // of which nothing spreads
  const auto looks = [&](std::uint32_t hops) {
    return m.activation_looks(1, {.hops = hops, .threshold = threshold});
  };
  CHECK(looks(2) - looks(1) >= looks_for(many));
}

TEST_CASE("Whenever the deadline passes, what paths there are are the best") {
  watched m;
  const bool diamonds = GENERATE(false, true);
  if (diamonds)
    write_diamonds(m, 50, 6);
  else
    write_lens(m);
  const concept_number to = diamonds ? 1 + 50 + 3 * 6 : 3;
  path_query q;
  q.order = GENERATE(path_order::fewest_hops, path_order::most_confident);
  q.alternatives = diamonds ? 100U : 1U;
  q.limits = counting_clock::start();
  const path_answer all = m.ask(1, to, q);
  const std::uint64_t looks = counting_clock::looks();
  REQUIRE(all.end == traversal_end::complete);
  std::size_t cut = 0; // answers with some path
  for (std::uint64_t nth = 1; nth <= looks; ++nth) {
    q.limits = counting_clock::start(nth);
    const path_answer a = m.ask(1, to, q);
    INFO("the deadline passes at look " << nth << " of " << looks);
    REQUIRE(a.end == traversal_end::deadline);
    REQUIRE(counting_clock::looks() == nth);
    REQUIRE(a.found.size() <= all.found.size());
    for (const path& p : a.found) {
      REQUIRE(p.steps.back().index == m.index(to));
      REQUIRE(p.hops() == all.found.front().hops());
      REQUIRE(p.confidence == 1.0);
      (void) m.to_model(p);
    }
    cut += a.found.empty() ? 0U : 1U;
  }
  if (diamonds || q.order == path_order::most_confident)
    CHECK(cut > 0);
}

TEST_CASE("Whenever the deadline passes, hops are there as a whole or not at all") {
  watched m;
  write_star(m);
  const traversal_filter both{.along = direction::both};
  std::set<std::uint32_t> hops;
  activation_query activation{.hops = 3, .with_seeds = true, .filter = both};
  const std::uint64_t looks = m.activation_looks(1, activation);
  for (std::uint64_t nth = 1; nth <= looks; ++nth) {
    activation.hops = 3;
    const auto a = m.activation(1, activation, counting_clock::start(nth));
    REQUIRE(a.end == traversal_end::deadline);
    activation.hops = a.hops;
    const auto whole = m.activation(1, activation, {});
    INFO("the deadline passes at look " << nth << " of " << looks);
    REQUIRE(a.hits == whole.hits);
    REQUIRE(a.visited == whole.visited);
    hops.insert(a.hops);
  }
  CHECK(hops == std::set<std::uint32_t>{0, 1, 2});
}

TEST_CASE("Whenever the deadline passes, a subgraph has whole hops") {
  watched m;
  write_star(m);
  const std::size_t concepts_max = GENERATE(100U, 2U * many);
  subgraph_query query{.hops = 2, .concepts_max = concepts_max, .associations_max = 0};
  const std::uint64_t looks = m.subgraph_looks(1, query);
  for (std::uint64_t nth = 1; nth <= looks; ++nth) {
    query.hops = 2;
    const auto a = m.subgraph(1, query, counting_clock::start(nth));
    REQUIRE(a.end == traversal_end::deadline);
    query.hops = a.hops;
    const auto whole = m.subgraph(1, query, {});
    INFO("the deadline passes at look " << nth << " of " << looks);
    REQUIRE(a.concepts == whole.concepts);
    REQUIRE(a.visited == whole.visited);
    REQUIRE(a.concepts_cut == whole.concepts_cut);
  }
}
