#include "storage/breadth_first.hpp"

#include "storage/engine.hpp"
#include "tests/catch.hpp"
#include "tests/counted_news.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

using namespace cmem;
using test::news;

namespace {

concept_id id_of(std::uint32_t n) { return concept_id::from_halves(7, n); }

struct edge {
  std::uint32_t source;
  std::uint32_t target;
  kind_id kind = kinds::semantic;
  float confidence = 1.0F;
};

/// A memory, and lists of what is in it.
class graph {
public:
  graph() {
    engine_options o;
    o.overflow = overflow_policy::reject;
    o.log_capacity = 200'000;
    o.arena_bytes = std::size_t{1} << 30;
    engine_ = std::move(engine::create(std::move(o))).value();
  }
  void learn(std::uint32_t n, float strength = 1.0F) {
    strengths_[n] = strength;
    write(op::learn_concept{.id = id_of(n), .strength = strength});
  }
  void add(const edge& l) {
    links_.push_back(l);
    write(op::learn_association{id_of(l.source), id_of(l.target), l.kind, l.confidence});
  }
  void publish() {
    while (engine_->reconcile().entries > 0) {}
    snapshot_ = engine_->share();
    pending_ = 0;
  }
  [[nodiscard]] const graph_snapshot& snapshot() const { return *snapshot_; }
  [[nodiscard]] std::uint32_t index(std::uint32_t n) const {
    return snapshot_->index_of(id_of(n)).value();
  }

  /// Looks at all associations once for each level.
  [[nodiscard]] std::map<std::uint32_t, std::uint32_t> plain_hops(
    const std::vector<std::uint32_t>& seeds, const breadth_first_query& q) const {
    std::map<std::uint32_t, std::uint32_t> hops;
    for (const std::uint32_t n : seeds)
      hops[n] = 0;
    for (std::uint32_t level = 0; level < q.max_hops; ++level) {
      std::set<std::uint32_t> next;
      const auto follow = [&](std::uint32_t from, std::uint32_t to) {
        const auto at = hops.find(from);
        const auto there = strengths_.find(to);
        if (at != hops.end() && at->second == level && there != strengths_.end()
            && there->second >= q.filter.strength_min && !hops.contains(to))
          next.insert(to);
      };
      for (const edge& l : links_) {
        if (l.confidence < q.filter.confidence_min
            || (!q.filter.kinds.empty() && !q.filter.kinds.contains(l.kind)))
          continue;
        if (q.filter.along != direction::incoming)
          follow(l.source, l.target);
        if (q.filter.along != direction::outgoing)
          follow(l.target, l.source);
      }
      if (next.empty())
        break;
      for (const std::uint32_t n : next)
        hops[n] = level + 1;
    }
    return hops;
  }

private:
  template <class Op>
  void write(const Op& o) {
    REQUIRE(engine_->write(o));
    if (++pending_ == 100'000)
      publish();
  }

  std::unique_ptr<engine> engine_;
  snapshot_handle snapshot_;
  std::map<std::uint32_t, float> strengths_; // of what is learned
  std::vector<edge> links_;                  // each (source, target, kind) once
  std::size_t pending_ = 0;
};

std::string text(const std::map<std::uint32_t, std::uint32_t>& hops) {
  std::string s;
  for (const auto& [n, h] : hops)
    s += std::to_string(n) + "@" + std::to_string(h) + " ";
  return s;
}

/// Checks what every answer promises, too.
std::string text(const graph& g, const breadth_first_answer& a) {
  std::map<std::uint32_t, std::uint32_t> hops;
  std::vector<std::uint64_t> levels;
  REQUIRE(a.hops.size() == g.snapshot().index_count());
  for (std::uint32_t i = 0; i < a.hops.size(); ++i)
    if (a.hops[i] != hops_unreached) {
      hops[static_cast<std::uint32_t>(g.snapshot().node(i).id.bytes[15])
           + (static_cast<std::uint32_t>(g.snapshot().node(i).id.bytes[14]) << 8)
           + (static_cast<std::uint32_t>(g.snapshot().node(i).id.bytes[13]) << 16)] = a.hops[i];
      levels.resize(std::max<std::size_t>(levels.size(), a.hops[i] + 1));
      ++levels[a.hops[i]];
    }
  CHECK(a.visited == hops.size());
  CHECK(std::vector(a.levels.begin(), a.levels.end()) == levels);
  return text(hops);
}

std::vector<std::uint32_t> indices(const graph& g, const std::vector<std::uint32_t>& numbers) {
  std::vector<std::uint32_t> all;
  for (const std::uint32_t n : numbers)
    all.push_back(g.index(n));
  return all;
}

std::string found(const graph& g, const std::vector<std::uint32_t>& seeds,
                  const breadth_first_query& q, breadth_first_scratch& scratch) {
  const auto a = breadth_first(g.snapshot(), indices(g, seeds), q, scratch);
  CHECK(a.end == traversal_end::complete);
  return text(g, a);
}

void add_random(graph& g, std::mt19937& random, std::uint32_t concepts, std::size_t links,
                bool skewed) {
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  std::vector<std::uint32_t> order;
  for (std::uint32_t n = 0; n < concepts; ++n)
    order.push_back(n);
  std::shuffle(order.begin(), order.end(), random);
  for (const std::uint32_t n : order)
    if (n == 0 || below(10) != 0)
      g.learn(n, static_cast<float>(below(4)) / 4);
  const auto end = [&] { return skewed ? below(1 + below(concepts)) : below(concepts); };
  std::set<std::tuple<std::uint32_t, std::uint32_t, kind_id>> known;
  for (std::size_t i = 0; i < links; ++i) {
    const edge l{end(), end(), static_cast<kind_id>(below(3)), static_cast<float>(below(5)) / 4};
    if (known.emplace(l.source, l.target, l.kind).second)
      g.add(l);
  }
  g.publish();
}

breadth_first_query random_query(std::mt19937& random) {
  breadth_first_query q;
  q.filter.along = static_cast<direction>(random() % 3);
  if (random() % 3 == 0)
    q.max_hops = static_cast<std::uint32_t>(random() % 5);
  if (random() % 3 == 0)
    q.filter.kinds.insert(static_cast<kind_id>(random() % 4));
  if (random() % 4 == 0)
    q.filter.kinds.insert(static_cast<kind_id>(random() % 4));
  if (random() % 3 == 0)
    q.filter.confidence_min = static_cast<float>(random() % 6) / 4;
  if (random() % 3 == 0)
    q.filter.strength_min = static_cast<float>(random() % 5) / 4;
  q.cores = 1 + static_cast<unsigned>(random() % 3);
  return q;
}

} // namespace

TEST_CASE("A search counts the fewest hops to everything it can reach") {
  graph g;
  for (std::uint32_t n = 1; n <= 7; ++n)
    g.learn(n);
  for (const edge& l : {edge{1, 2}, edge{2, 3}, edge{1, 3}, edge{3, 4}, edge{5, 4}, edge{4, 1},
                        edge{6, 6}, edge{4, 9}, edge{9, 7}}) // 9 is not learned
    g.add(l);
  g.publish();
  breadth_first_scratch scratch;
  CHECK(found(g, {1}, {}, scratch) == "1@0 2@1 3@1 4@2 ");
  CHECK(found(g, {1}, {.max_hops = 1}, scratch) == "1@0 2@1 3@1 ");
  CHECK(found(g, {1}, {.max_hops = 0}, scratch) == "1@0 ");
  CHECK(found(g, {1, 5, 1}, {}, scratch) == "1@0 2@1 3@1 4@1 5@0 ");
  CHECK(found(g, {6}, {}, scratch) == "6@0 ");
  CHECK(found(g, {}, {}, scratch).empty());
  breadth_first_query q;
  q.filter.along = direction::incoming;
  CHECK(found(g, {4}, q, scratch) == "1@2 2@2 3@1 4@0 5@1 ");
  q.filter.along = direction::both;
  CHECK(found(g, {5}, q, scratch) == "1@2 2@3 3@2 4@1 5@0 ");
  q.max_hops = std::numeric_limits<std::uint32_t>::max();
  CHECK(found(g, {5}, q, scratch) == "1@2 2@3 3@2 4@1 5@0 ");
}

TEST_CASE("A search goes along and into what passes the filter, and no seed needs to") {
  graph g;
  g.learn(1, 0.0F);
  g.learn(2, 0.5F);
  g.learn(3, 1.0F);
  g.learn(4, 1.0F);
  g.add({1, 2, kinds::semantic, 0.5F});
  g.add({1, 3, kinds::causal, 1.0F});
  g.add({2, 3, kinds::semantic, 1.0F});
  g.add({3, 4, kinds::temporal, 0.25F});
  g.publish();
  breadth_first_scratch scratch;
  const auto with = [&](const traversal_filter& f) {
    return found(g, {1}, {.filter = f}, scratch);
  };
  CHECK(with({.kinds = {kinds::semantic}}) == "1@0 2@1 3@2 ");
  CHECK(with({.kinds = {kinds::causal, kinds::temporal}}) == "1@0 3@1 4@2 ");
  CHECK(with({.kinds = {kinds::compositional}}) == "1@0 ");
  CHECK(with({.confidence_min = 0.5F}) == "1@0 2@1 3@1 ");
  CHECK(with({.confidence_min = 2.0F}) == "1@0 ");
  CHECK(with({.strength_min = 0.75F}) == "1@0 3@1 4@2 ");
  CHECK(with({.kinds = {kinds::semantic}, .strength_min = 0.75F}) == "1@0 ");
}

TEST_CASE("Small graphs: a plain search sees the same, with every filter and in every direction") {
  std::mt19937 random(5);
  breadth_first_scratch scratch; // of them all: any snapshot may follow any other
  for (std::size_t round = 0, rounds = cmem::test::sweep(60); round < rounds; ++round) {
    graph g;
    const auto concepts = 1 + static_cast<std::uint32_t>(random() % (round % 5 == 0 ? 400 : 60));
    add_random(g, random, concepts, random() % (6 * concepts), round % 2 == 0);
    for (int i = 0; i < 30; ++i) {
      std::vector<std::uint32_t> seeds;
      for (std::size_t k = random() % 3; k <= 2; ++k)
        if (const auto n = static_cast<std::uint32_t>(random() % concepts);
            g.snapshot().index_of(id_of(n)))
          seeds.push_back(n);
      const breadth_first_query q = random_query(random);
      INFO("round " << round << ", query " << i);
      REQUIRE(found(g, seeds, q, scratch) == text(g.plain_hops(seeds, q)));
    }
  }
}

TEST_CASE("Several cores answer as one does, also on lists that are trees") {
  std::mt19937 random(9);
  graph g;
  const std::uint32_t concepts = 70'000;
  for (std::uint32_t n = 0; n < concepts; ++n)
    g.learn(n, static_cast<float>(n % 4) / 4);
  for (std::uint32_t n = 1; n <= 600; ++n) { // a hub, and a way to it
    g.add({0, n});
    g.add({concepts - n, 0});
  }
  for (std::uint32_t i = 0; i < 300'000; ++i) {
    const auto a = static_cast<std::uint32_t>(random() % (1 + random() % concepts));
    const auto b = static_cast<std::uint32_t>(random() % (1 + random() % concepts));
    if (a > 600 && b > 600 && b <= concepts - 601)
      g.add({a, b, static_cast<kind_id>(random() % 3), static_cast<float>(random() % 5) / 4});
  }
  g.publish();
  breadth_first_scratch one, several;
  for (int round = 0; round < 6; ++round) {
    breadth_first_query q;
    q.filter.along = static_cast<direction>(round % 3);
    if (round >= 3) {
      q.filter.confidence_min = 0.5F;
      q.filter.strength_min = 0.5F;
    }
    std::vector<std::uint32_t> seeds(round % 2 == 0 ? 1 : 20'000, g.index(0));
    for (std::uint32_t n = 0; n < seeds.size() - 1; ++n) // so many that the first level is shared
      seeds[n + 1] = g.index(3 * n);
    const auto alone = breadth_first(g.snapshot(), seeds, q, one);
    q.cores = 3;
    const auto shared = breadth_first(g.snapshot(), seeds, q, several);
    INFO("round " << round);
    CHECK(alone.visited > seeds.size());
    CHECK(shared.end == traversal_end::complete);
    REQUIRE(
      std::equal(alone.hops.begin(), alone.hops.end(), shared.hops.begin(), shared.hops.end()));
    REQUIRE(std::equal(alone.levels.begin(), alone.levels.end(), shared.levels.begin(),
                       shared.levels.end()));
  }
}

TEST_CASE("What visited_max cuts off are whole levels, whatever the order of the associations") {
  std::mt19937 random(17);
  breadth_first_scratch scratch;
  for (std::size_t round = 0, rounds = cmem::test::sweep(40); round < rounds; ++round) {
    graph g;
    add_random(g, random, 120, random() % 700, round % 2 == 0);
    for (int i = 0; i < 20; ++i) {
      breadth_first_query q = random_query(random);
      const auto all = g.plain_hops({0}, q);
      const std::vector<std::uint32_t> seeds = indices(g, {0});
      q.limits.visited_max = random() % (all.size() + 3);
      std::map<std::uint32_t, std::uint32_t> kept;
      std::uint32_t whole = 0; // levels that fit
      for (const auto fits =
             [&](std::uint32_t levels) {
               const auto n = std::count_if(all.begin(), all.end(),
                                            [&](const auto& c) { return c.second < levels; });
               return static_cast<std::uint64_t>(n) <= q.limits.visited_max;
             };
           whole <= all.size() && fits(whole + 1); ++whole) {}
      for (const auto& [n, hops] : all)
        if (hops < whole)
          kept[n] = hops;
      INFO("round " << round << ", query " << i << ", at most " << q.limits.visited_max);
      const auto a = breadth_first(g.snapshot(), seeds, q, scratch);
      REQUIRE(text(g, a) == text(kept));
      REQUIRE(
        a.end
        == (kept.size() == all.size() ? traversal_end::complete : traversal_end::visited_max));
    }
  }
}

TEST_CASE("A deadline that has passed leaves the seeds, and says so") {
  graph g;
  for (std::uint32_t n = 1; n <= 4; ++n)
    g.learn(n);
  g.add({1, 2});
  g.publish();
  breadth_first_scratch scratch;
  breadth_first_query q;
  q.limits.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  for (const unsigned cores : {1U, 4U}) {
    q.cores = cores;
    const auto a = breadth_first(g.snapshot(), indices(g, {1, 3}), q, scratch);
    CHECK(a.end == traversal_end::deadline);
    CHECK(text(g, a) == "1@0 3@0 ");
  }
  q.limits = traversal_limits::within(std::chrono::hours(1));
  CHECK(found(g, {1}, q, scratch) == "1@0 2@1 ");
}

TEST_CASE("Wherever a deadline falls, hops are right and all levels but the last are whole") {
  std::mt19937 random(23);
  graph g;
  add_random(g, random, 20'000, 150'000, true);
  const std::vector<std::uint32_t> seeds = indices(g, {0});
  breadth_first_scratch whole, scratch;
  breadth_first_query q;
  q.filter.along = direction::both;
  const auto all = breadth_first(g.snapshot(), seeds, q, whole);
  for (std::size_t round = 0, rounds = cmem::test::sweep(200); round < rounds; ++round) {
    q.cores = 1 + static_cast<unsigned>(round % 2);
    q.limits = traversal_limits::within(std::chrono::microseconds(10 * round));
    const auto a = breadth_first(g.snapshot(), seeds, q, scratch);
    std::vector<std::uint64_t> levels;
    for (std::size_t i = 0; i < a.hops.size(); ++i)
      if (a.hops[i] != hops_unreached) {
        REQUIRE(a.hops[i] == all.hops[i]);
        levels.resize(std::max<std::size_t>(levels.size(), a.hops[i] + 1));
        ++levels[a.hops[i]];
      }
    REQUIRE(std::equal(a.levels.begin(), a.levels.end(), levels.begin(), levels.end()));
    for (std::size_t l = 0; l + 1 < levels.size(); ++l)
      REQUIRE(levels[l] == all.levels[l]);
    REQUIRE((a.end == traversal_end::complete || a.end == traversal_end::deadline));
    if (a.end == traversal_end::complete)
      REQUIRE(a.visited == all.visited);
  }
}

TEST_CASE("Bad searches by ids fail with an error that names what is wrong") {
  graph g;
  g.learn(1);
  g.add({1, 2}); // 2 is not learned
  g.publish();
  breadth_first_scratch scratch;
  const auto error = [&](const std::vector<concept_id>& seeds, const breadth_first_query& q) {
    const auto a = breadth_first(g.snapshot(), seeds, q, scratch);
    return a ? std::string("none")
             : std::string(to_string(a.error().code)) + ": " + a.error().detail;
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  using Catch::Matchers::ContainsSubstring;
  CHECK(error({id_of(1)}, {}) == "none");
  CHECK(error({}, {}) == "none");
  CHECK_THAT(error({id_of(1), id_of(2)}, {}), ContainsSubstring(id_of(2).hex()));
  CHECK_THAT(error({id_of(3)}, {}), ContainsSubstring("not_found"));
  CHECK_THAT(error({id_of(1)}, {.filter = {.confidence_min = nan}}),
             ContainsSubstring("confidence_min"));
  CHECK_THAT(error({id_of(1)}, {.filter = {.strength_min = nan}}),
             ContainsSubstring("strength_min"));
  CHECK_THAT(error({id_of(1)}, {.cores = 0}), ContainsSubstring("cores"));
  CHECK_THAT(error({id_of(1)}, {.cores = traversal_cores_max + 1}), ContainsSubstring("cores"));
  CHECK(breadth_first(g.snapshot(), std::vector{id_of(1)}, {}, scratch)->visited == 1);
}

#if !defined(CMEM_ASAN) && !defined(CMEM_TSAN)
TEST_CASE("A search in memory that was used before allocates nothing") {
  std::mt19937 random(29);
  graph g;
  add_random(g, random, 3'000, 30'000, true);
  const std::vector<std::uint32_t> seeds = indices(g, {0});
  breadth_first_scratch scratch;
  std::vector<breadth_first_query> asked(40);
  for (breadth_first_query& q : asked)
    q = random_query(random);
  for (const breadth_first_query& q : asked)
    (void) breadth_first(g.snapshot(), seeds, q, scratch);
  const std::uint64_t before = news;
  for (const breadth_first_query& q : asked)
    (void) breadth_first(g.snapshot(), seeds, q, scratch);
  CHECK(news == before);
}
#endif
