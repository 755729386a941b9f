// Searches of a store that lives, against a plain scan of what it should hold: no ghost, none
// missing.

#include "storage/search.hpp"
#include "storage/vector_graph.hpp"
#include "tests/storage/builder_fixture.hpp"
#include "tests/storage/store_fixture.hpp"

#include <cmath>
#include <deque>
#include <map>
#include <random>
#include <set>

using namespace cmem;
using namespace cmem::test;

namespace {

constexpr std::uint32_t dimension = 6;
constexpr std::uint64_t concepts = 1'500;
constexpr std::size_t k = 10;

struct known_concept {
  std::vector<float> vector;
  std::string word;
};
using model = std::map<std::uint64_t, known_concept>;

/// A snapshot that is held, and what it should find.
struct held_snapshot {
  snapshot_handle snapshot;
  model should;
};

struct search_run : store_fixture {
  explicit search_run(std::uint64_t seed) : random(seed) {
    options.vector_dimension = dimension;
    options.graph_vectors_min = 400;
    options.index_text = true;
    options.log_capacity = 4'000;
    options.arena_bytes = std::size_t{128} << 20;
    options.store->compaction.fan_in = 2;
    options.store->flush_concepts = 400;
    options.store->map_flushed = true;
    open();
  }

  std::uint64_t below(std::uint64_t bound) { return random() % bound; }
  std::vector<float> draw() {
    std::vector<float> v(dimension);
    for (float& x : v)
      x = static_cast<float>(below(2048)) / 1024.0F - 1.0F;
    v[0] += 0.001F; // never all zero
    return v;
  }
  void change_one() {
    const std::uint64_t n = below(concepts);
    if (below(4) == 0 && should.contains(n)) {
      write(op::forget_concept{cid(n)});
      should.erase(n);
      return;
    }
    known_concept c{draw(), "word" + std::to_string(below(40))};
    write(op::learn_concept{.id = cid(n), .content = c.word, .vector = c.vector});
    should[n] = std::move(c);
  }
  /// Goes on with what actors do in the background, as chance has it.
  void live_on() {
    reconcile();
    for (std::uint64_t steps = below(30); steps != 0; --steps)
      REQUIRE(memory->index_some().has_value());
    switch (below(8)) {
      case 0:
        memory->ask_for_flush();
        reconcile();
        REQUIRE(memory->flush().has_value());
        break;
      case 1: REQUIRE(memory->compact(std::uint64_t{1} << 18).has_value()); break;
      case 2: held.push_back({memory->share(), should}); break;
      case 3:
        if (below(2) == 0)
          restart();
        break;
      default: break;
    }
    while (held.size() > 3)
      held.pop_front();
  }
  void restart() {
    ++restarts;
    held.clear();
    if (below(2) == 0) {
      memory->close();
      REQUIRE(memory->store_index().has_value());
      REQUIRE(close().code == errc::ok);
    } else {
      commit();
      die();
    }
    open();
  }

  void check() {
    check(*memory->share(), should);
    for (const held_snapshot& h : held)
      check(*h.snapshot, h.should);
  }
  void check(const graph_snapshot& s, const model& m) {
    const std::vector<float> v = draw();
    std::vector<std::pair<double, std::uint64_t>> all;
    for (const auto& [n, c] : m) {
      double square = 0;
      for (std::size_t i = 0; i != dimension; ++i) {
        const double d = double{v[i]} - double{c.vector[i]};
        square += d * d;
      }
      all.emplace_back(square, n);
    }
    std::sort(all.begin(), all.end());
    all.resize(std::min(all.size(), k));
    const auto exact =
      nearest(s, {.vector = v, .k = k, .metric = vector_metric::l2, .exact = true}).value();
    REQUIRE(exact.found.size() == all.size());
    for (std::size_t i = 0; i != all.size(); ++i)
      REQUIRE(s.at(exact.found[i].index).id() == cid(all[i].second));
    check_graph(s, m, v);
    check_words(s, m);
  }
  /// What a graph finds: all k, none twice, none that is gone or was replaced.
  void check_graph(const graph_snapshot& s, const model& m, const std::vector<float>& v) {
    const bool graph = s.index() != nullptr && s.index()->vectors->graph != nullptr;
    graphs += graph ? 1 : 0;
    const auto near = nearest(s, {.vector = v, .k = k, .effort = 60}).value();
    const auto exact = nearest(s, {.vector = v, .k = k, .exact = true}).value();
    REQUIRE(near.found.size() == std::min<std::size_t>(m.size(), k));
    std::set<std::uint32_t> found;
    for (const similar_concept& c : near.found) {
      REQUIRE(s.is_learned(c.index));
      REQUIRE(found.insert(c.index).second);
      REQUIRE(c.score == Approx(cosine(v, m.at(number_of(s.at(c.index).id())).vector)));
      hits += static_cast<std::uint64_t>(
        std::any_of(exact.found.begin(), exact.found.end(),
                    [&](const similar_concept& e) { return e.index == c.index; }));
    }
    expected += exact.found.size();
  }
  void check_words(const graph_snapshot& s, const model& m) {
    const std::string word = "word" + std::to_string(below(40));
    std::set<std::uint64_t> right;
    for (const auto& [n, c] : m)
      if (c.word == word)
        right.insert(n);
    search_query q;
    q.text = word;
    q.k = q.depth = concepts;
    std::set<std::uint64_t> found;
    const auto hits_of_word = search(s, q, scratch);
    REQUIRE(hits_of_word.has_value());
    for (const search_hit& h : *hits_of_word)
      found.insert(number_of(s.at(h.index).id()));
    REQUIRE(found == right);
  }
  /// Of cid().
  static std::uint64_t number_of(const concept_id& id) {
    return std::stoull(id.hex().substr(16), nullptr, 16);
  }
  static double cosine(const std::vector<float>& a, const std::vector<float>& b) {
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (std::size_t i = 0; i != dimension; ++i) {
      ab += double{a[i]} * double{b[i]};
      aa += double{a[i]} * double{a[i]};
      bb += double{b[i]} * double{b[i]};
    }
    return ab / std::sqrt(aa * bb);
  }

  std::mt19937_64 random;
  model should;
  std::deque<held_snapshot> held;
  search_scratch scratch;
  std::uint64_t restarts = 0;
  std::uint64_t graphs = 0; // that were asked
  std::uint64_t hits = 0;   // of the nearest, found by a search in a graph
  std::uint64_t expected = 0;
};

} // namespace

TEST_CASE("R5: no ghost and none missing in 10,000 changes, over restarts, compactions and held "
          "snapshots") {
  search_run run(20);
  std::size_t checks = 0;
  const std::size_t changes = sweep(10'000);
  for (std::size_t change = 0; change < changes;) {
    for (std::uint64_t some = 1 + run.below(150); some != 0; --some, ++change)
      run.change_one();
    run.live_on();
    run.reconcile();
    run.check();
    ++checks;
  }
  CHECK(run.restarts > changes / 4'000);
  CHECK(run.graphs > checks / 2);
  CHECK(static_cast<double>(run.hits) > 0.95 * static_cast<double>(run.expected));
}
