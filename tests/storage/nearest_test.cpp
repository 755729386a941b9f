#include "storage/vector_indexer.hpp"
#include "tests/storage/counting_clock.hpp"
#include "tests/storage/query_fixture.hpp"

#include <cmath>
#include <limits>
#include <sstream>

using namespace cmem;
using namespace cmem::test;

namespace {

std::string found(const graph_memory& m, std::vector<float> query, std::size_t k) {
  const auto all = nearest(m.snapshot(), {}, {.vector = query, .k = k});
  if (!all)
    return std::string(to_string(all.error().code)) + ": " + all.error().detail;
  std::string s;
  for (const similar_concept& c : all->found)
    s += std::to_string(m.number(c.index)) + ":" + std::to_string(c.score) + " ";
  return s;
}

} // namespace

TEST_CASE("The nearest come by cosine, then id; length does not matter") {
  graph_memory m(2);
  m.learn(6, {-1.0F, 0.0F});
  m.learn(5, {0.0F, 7.0F});
  m.learn(4, {0.0F, 1.0F});
  m.learn(3, {1.0F, 1.0F});
  m.learn(2, {5.0F, 0.0F});
  m.learn(1, {1e-30F, 0.0F});
  m.learn(7, {0.0F, 0.0F}); // no direction
  m.learn(8);               // no vector
  m.link(1, 9);             // not learned
  m.publish();
  const std::string all = "1:1.000000 2:1.000000 3:0.707107 4:0.000000 5:0.000000 6:-1.000000 ";
  CHECK(found(m, {2.0F, 0.0F}, 10) == all);
  CHECK(found(m, {2.0F, 0.0F}, 6) == all);
  CHECK(found(m, {3e38F, 0.0F}, 4) == "1:1.000000 2:1.000000 3:0.707107 4:0.000000 ");
  CHECK(found(m, {2.0F, 0.0F}, 0).empty());
  m.forget(2);
  m.learn(1);
  m.publish();
  CHECK(found(m, {2.0F, 0.0F}, 1) == "3:0.707107 ");
}

TEST_CASE("A query without a direction is refused") {
  graph_memory m(2);
  m.learn(1, {1.0F, 0.0F});
  m.publish();
  CHECK(found(m, {1.0F}, 1) == "invalid_argument: query vector has dimension 1: the memory's is 2");
  CHECK(found(m, {}, 1) == "invalid_argument: query vector has dimension 0: the memory's is 2");
  CHECK(found(m, {0.0F, 0.0F}, 1)
        == "invalid_argument: query vector is all zero: it has no direction");
  CHECK(found(m, {1.0F, std::numeric_limits<float>::quiet_NaN()}, 1)
        == "invalid_argument: query vector[1] is nan: must be finite");
  CHECK(found(m, {std::numeric_limits<float>::infinity(), 0.0F}, 1)
        == "invalid_argument: query vector[0] is inf: must be finite");
  graph_memory without;
  CHECK(found(without, {1.0F}, 1)
        == "invalid_argument: query vector has dimension 1: the memory's is 0");
  CHECK(found(without, {}, 1)
        == "invalid_argument: query vector has dimension 0: the memory's is 0");
}

TEST_CASE("Random vectors: the k nearest are those of a full sort") {
  std::mt19937 random(17);
  for (const std::uint32_t dimension : {1U, 3U, 4U, 7U, 32U}) {
    graph_memory m(dimension);
    std::map<concept_number, std::vector<float>> vectors;
    const auto any = [&] {
      std::vector<float> v(dimension);
      for (float& x : v)
        x = static_cast<float>(below(random, 5)) - 2.0F; // few values, many ties
      v[0] += 0.5F;                                      // never all zero
      return v;
    };
    for (concept_number n = 300; n > 0; --n)
      m.learn(n, vectors[n] = any());
    m.publish();
    for (int i = 0; i < 30; ++i) {
      const std::vector<float> query = any();
      const std::size_t k = 1 + below(random, 320);
      const auto all = nearest(m.snapshot(), {}, {.vector = query, .k = k}).value().found;
      REQUIRE(all.size() == std::min<std::size_t>(k, vectors.size()));
      std::vector<float> cosines;
      for (const auto& [n, v] : vectors) {
        long double dot = 0, a = 0, b = 0;
        for (std::size_t j = 0; j < dimension; ++j) {
          dot += static_cast<long double>(v[j]) * query[j];
          a += static_cast<long double>(v[j]) * v[j];
          b += static_cast<long double>(query[j]) * query[j];
        }
        cosines.push_back(static_cast<float>(dot / std::sqrt(a * b)));
      }
      std::sort(cosines.rbegin(), cosines.rend());
      for (std::size_t j = 0; j < all.size(); ++j) {
        REQUIRE(all[j].score == Approx(cosines[j]).margin(1e-6));
        if (j > 0)
          REQUIRE(std::pair(-all[j - 1].score, m.number(all[j - 1].index))
                  < std::pair(-all[j].score, m.number(all[j].index)));
      }
    }
  }
}

TEST_CASE("Inner products and distances know lengths, and vectors of none") {
  graph_memory m(2);
  m.learn(1, {1.0F, 0.0F});
  m.learn(2, {3.0F, 4.0F});
  m.learn(3, {0.0F, 0.0F});
  m.learn(4, {-3e38F, 3e38F});
  m.learn(5);
  m.learn(6, {1.0F, 0.0F});
  m.publish();
  const auto indexed = vector_indexer().rebuild(m.snapshot());
  const auto found_by = [&](std::vector<float> query, vector_metric metric, std::size_t k = 10) {
    const nearest_query q{.vector = query, .k = k, .metric = metric};
    const auto all = nearest(m.snapshot(), {}, q).value();
    CHECK(nearest(m.snapshot(), {.index = indexed.get()}, q).value().found == all.found);
    std::ostringstream s;
    for (const similar_concept& c : all.found)
      s << m.number(c.index) << ":" << c.score << " ";
    return s.str();
  };
  CHECK(found_by({1.0F, 1.0F}, vector_metric::inner_product) == "2:7 1:1 6:1 3:0 4:0 ");
  CHECK(found_by({0.0F, 0.0F}, vector_metric::inner_product) == "1:0 2:0 3:0 4:0 6:0 ");
  CHECK(found_by({0.0F, 0.0F}, vector_metric::l2) == "3:0 1:1 6:1 2:5 4:4.24264e+38 ");
  CHECK(found_by({3.0F, 4.0F}, vector_metric::l2, 2) == "2:0 1:4.47214 ");
  CHECK(found_by({-3e38F, 3e38F}, vector_metric::inner_product, 2) == "4:1.8e+77 2:3e+38 ");
  CHECK(found_by({1.0F, 0.0F}, vector_metric::cosine) == "1:1 6:1 2:0.6 4:-0.707107 ");
}

TEST_CASE("A filter that is no number is refused") {
  graph_memory m(2);
  const std::vector<float> query{1.0F, 0.0F};
  const auto refused = [&](concept_filter f) {
    const auto answer = nearest(m.snapshot(), {}, {.vector = query, .filter = std::move(f)});
    return answer ? "answered" : answer.error().detail;
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(refused({.confidence_min = nan})
        == "confidence_min is NaN: give the least confidence that a concept may have, from 0 to 1");
  CHECK(refused({.strength_min = nan})
        == "strength_min is NaN: give the least strength that a concept may have, 0 or more");
  CHECK(refused({.confidence_min = 7.0F}) == "answered");
}

TEST_CASE("A search ends soon after its deadline, with what it has by then") {
  constexpr concept_number many = 30'000;
  graph_memory m(2);
  const auto empty = vector_indexer().rebuild(m.snapshot());
  for (concept_number n = 1; n <= many; ++n)
    m.learn(n, {1.0F, static_cast<float>(n)});
  m.publish();
  const auto indexed = vector_indexer().rebuild(m.snapshot());
  std::vector<std::uint32_t> all;
  for (std::uint32_t i = 0; i < m.snapshot().index_count(); ++i)
    all.push_back(i);
  const std::vector<float> query{1.0F, 0.0F};
  const concept_filter nobody{.attributes = {{"key", "value"}}};

  struct way {
    const char* name;
    nearest_sources sources;
    concept_filter filter;
  };
  for (const way& w : {way{"no index", {}, {}}, way{"slots in a row", {.index = indexed.get()}, {}},
                       way{"best first", {.index = indexed.get()}, nobody},
                       way{"the few with attributes", {.with_attributes = all}, nobody},
                       way{"what changed", {.index = empty.get(), .changed = all}, {}}}) {
    CAPTURE(w.name);
    const auto ask = [&](const traversal_limits& limits) {
      return nearest(m.snapshot(), w.sources,
                     {.vector = query, .filter = w.filter, .deadline = limits.deadline},
                     &counting_clock::now)
        .value();
    };
    const auto whole = ask(counting_clock::start());
    CHECK(whole.end == traversal_end::complete);
    const std::uint64_t looks = counting_clock::looks();
    CHECK(looks >= many / deadline_watch::look_every);
    for (std::uint64_t nth = 1; nth < looks; nth += 1 + looks / 16) {
      const auto part = ask(counting_clock::start(nth));
      REQUIRE(part.end == traversal_end::deadline);
      REQUIRE(counting_clock::looks() <= nth + 8);
      REQUIRE(part.found.size() <= whole.found.size());
    }
    CHECK(ask(counting_clock::start(1)).found.empty());
  }
}
