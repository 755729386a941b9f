// The nearest by a graph of neighbors: what it finds is right, current and complete in number,
// whatever the graph has by then, and little is missed.

#include "storage/engine.hpp"
#include "storage/nearest.hpp"
#include "storage/vector_graph_builder.hpp"
#include "storage/vector_indexer.hpp"
#include "tests/storage/query_fixture.hpp"

#include <array>
#include <deque>

using namespace cmem;
using namespace cmem::test;

namespace {

constexpr std::uint32_t dimension = 20;
constexpr std::size_t k = 10;

/// A snapshot, and what it carries.
struct moment {
  snapshot_handle snapshot;
  std::shared_ptr<const vector_index> index;
  std::vector<std::uint32_t> changed; // since the index
};

class indexed_run {
public:
  explicit indexed_run(std::uint64_t seed) : random_(seed), indexer_(options()) {
    engine_options o;
    o.overflow = overflow_policy::reject;
    o.vector_dimension = dimension;
    o.arena_bytes = std::size_t{1} << 28;
    engine_ = std::move(engine::create(std::move(o))).value();
    for (std::vector<float>& c : centers_)
      c = draw(1.0F);
    for (concept_number n = 1; n <= 1500; ++n)
      learn(n);
    publish();
    make_generation();
  }

  /// Some are learned, replaced and forgotten, and the index follows now and then.
  void go_on() {
    for (int i = 0; i < 60; ++i) {
      const concept_number n = 1 + below(2000);
      if (below(4) == 0)
        write(op::forget_concept{id_of(n)});
      else
        learn(n);
      touched_.insert(n);
    }
    publish();
    if (below(3) == 0)
      make_generation();
  }
  [[nodiscard]] nearest_answer ask(const moment& m, const nearest_query& q) const {
    return nearest(*m.snapshot, {.index = m.index.get(), .changed = m.changed}, q).value();
  }
  /// What is found is among all that there is, best first; counts what of the best is missed.
  void check(const moment& m, nearest_query q) {
    q.effort = 60;
    const std::vector<similar_concept> found = ask(m, q).found;
    q.exact = true;
    const std::vector<similar_concept> right = ask(m, q).found;
    q.k = m.snapshot->index_count();
    const std::vector<similar_concept> all = ask(m, q).found; // in order
    REQUIRE(found.size() == right.size());
    std::size_t at = 0;
    for (const similar_concept& f : found) {
      at = static_cast<std::size_t>(
        std::find(all.begin() + static_cast<std::ptrdiff_t>(at), all.end(), f) - all.begin());
      REQUIRE(at < all.size());
      hits_ += at < right.size() ? 1U : 0U;
    }
    expected_ += right.size();
  }

  [[nodiscard]] const moment& now() const { return now_; }
  [[nodiscard]] std::vector<float> near_something() {
    std::vector<float> v = centers_[below(centers_.size())];
    const std::vector<float> off = draw(0.5F);
    for (std::size_t i = 0; i < v.size(); ++i)
      v[i] += off[i];
    return v;
  }
  [[nodiscard]] double recall() const {
    return static_cast<double>(hits_) / static_cast<double>(expected_);
  }
  /// This share of all that have a vector.
  [[nodiscard]] std::vector<concept_id> nearest_to(const std::vector<float>& v,
                                                   double share) const {
    const graph_snapshot& s = *now_.snapshot;
    const nearest_query q{.vector = v, .k = s.index_count(), .exact = true};
    std::vector<similar_concept> all = ask(now_, q).found;
    all.resize(static_cast<std::size_t>(share * static_cast<double>(all.size())));
    std::vector<concept_id> ids;
    for (const similar_concept& c : all)
      ids.push_back(s.at(c.index).id());
    return ids;
  }
  std::uint32_t below(std::uint64_t bound) { return static_cast<std::uint32_t>(random_() % bound); }

private:
  static vector_indexer_options options() {
    vector_indexer_options o;
    o.make_graph = [](auto) {
      return std::make_unique<vector_graph_builder>(vector_graph_options{
        .breadth = 60, .slots_min = 300, .tail_max = 100, .slots_a_step = 400, .rows_a_step = 900});
    };
    o.dead_slots_min = 300;
    o.concepts_a_step = 700;
    return o;
  }
  std::vector<float> draw(float spread) {
    std::vector<float> v(dimension);
    for (float& x : v)
      for (int i = 0; i < 4; ++i)
        x += spread * (static_cast<float>(below(2048)) / 1024.0F - 1.0F);
    return v;
  }
  template <class Op>
  void write(const Op& o) {
    REQUIRE(engine_->write(o).has_value());
  }
  void learn(concept_number n) {
    const std::vector<float> v = near_something();
    write(op::learn_concept{
      .id = id_of(n), .vector = v, .confidence = static_cast<float>(below(100)) / 100.0F});
    const attribute_update a{"third", below(3) == 0 ? "yes" : "no"};
    write(op::set_attributes{id_of(n), std::span(&a, 1)});
  }
  void publish() {
    const snapshot_handle before = now_.snapshot;
    while (engine_->reconcile().entries > 0) {}
    now_.snapshot = engine_->share();
    for (const concept_number n : touched_) // as it is now, and as it was where it is no more
      for (const snapshot_handle* s :
           std::array{&before, static_cast<const snapshot_handle*>(&now_.snapshot)})
        if (*s)
          if (const auto i = (*s)->index_of(id_of(n)))
            now_.changed.push_back(*i);
    touched_.clear();
  }
  void make_generation() {
    now_.index = indexer_.update(*now_.snapshot, now_.changed);
    now_.changed.clear();
    // Sometimes it gets to the end of it, sometimes readers come before.
    while (below(4) != 0 && indexer_.has_more_to_do())
      now_.index = indexer_.update(*now_.snapshot, {});
  }

  std::mt19937_64 random_;
  std::vector<std::vector<float>> centers_{30};
  std::unique_ptr<engine> engine_;
  vector_indexer indexer_;
  moment now_;
  std::set<concept_number> touched_; // since the snapshot
  std::uint64_t hits_ = 0;
  std::uint64_t expected_ = 0;
};

std::vector<float> opposite(std::vector<float> v) {
  for (float& x : v)
    x = -x;
  return v;
}

} // namespace

TEST_CASE("What the graph leads to is right and as much as there is, and little is missed") {
  indexed_run run(11);
  while (run.now().index->graph == nullptr)
    run.go_on();
  std::uint64_t with_graph = 0;
  const std::size_t rounds = sweep(150);
  for (std::size_t round = 0; round < rounds; ++round) {
    run.go_on();
    with_graph += run.now().index->graph != nullptr ? 1U : 0U;
    const std::vector<float> v = run.near_something();
    run.check(run.now(), {.vector = v, .k = k});
    run.check(run.now(), {.vector = v, .k = k, .filter = {.confidence_min = 0.5F}});
    run.check(run.now(), {.vector = v, .k = k, .filter = {.attributes = {{"third", "yes"}}}});
    run.check(run.now(), {.vector = v, .k = k, .metric = vector_metric::l2});
    run.check(run.now(), {.vector = v, .k = 1 + run.below(300)});
  }
  CHECK(2 * with_graph > rounds); // else this says nothing of graphs
  CHECK(run.recall() > 0.95);
}

TEST_CASE("More than the graph finds comes from a scan") {
  indexed_run run(12);
  while (run.now().index->graph == nullptr)
    run.go_on();
  const std::vector<float> v = run.near_something();
  for (const float least : {0.0F, 0.9F, 0.985F, 1.0F})
    for (const std::size_t wanted : {std::size_t{1}, k, std::size_t{5000}})
      run.check(run.now(), {.vector = v, .k = wanted, .filter = {.confidence_min = least}});
}

TEST_CASE("A snapshot that is held answers as before") {
  indexed_run run(13);
  struct asked {
    moment when;
    std::vector<float> vector;
    std::vector<similar_concept> found;
  };
  std::deque<asked> all;
  const auto answer = [&run](const asked& a) {
    return run.ask(a.when, {.vector = a.vector, .k = k, .effort = 40}).found;
  };
  for (int round = 0; round < 40; ++round) {
    run.go_on();
    all.push_back({run.now(), run.near_something(), {}});
    all.back().found = answer(all.back());
    for (const asked& a : all)
      REQUIRE(answer(a) == a.found);
    if (all.size() > 5)
      all.pop_front();
  }
}

// The worst for a search that begins near to the query: all that pass lie together.
TEST_CASE("Of one region as many are found as there are, and few are missed, from wherever") {
  indexed_run run(14);
  while (run.now().index->graph == nullptr)
    run.go_on();
  for (std::size_t round = 0; round < sweep(25); ++round) {
    run.go_on();
    const std::vector<float> middle = run.near_something();
    for (const double share : {0.5, 0.2, 0.05, 0.005}) {
      const std::vector<concept_id> region = run.nearest_to(middle, share);
      const concept_filter there{.ids = region};
      const filtered_concepts ready(*run.now().snapshot, there);
      for (const std::vector<float>& v : {middle, opposite(middle), run.near_something()}) {
        run.check(run.now(), {.vector = v, .k = k, .filter = {.ids = region}});
        run.check(run.now(), {.vector = v, .k = k, .ready = &ready});
        run.check(run.now(), {.vector = v, .k = 200, .ready = &ready});
      }
    }
  }
  CHECK(run.recall() > 0.95);
}

TEST_CASE("What passes and lies beyond all that does not is found") {
  engine_options o;
  o.vector_dimension = 2;
  o.overflow = overflow_policy::reject;
  o.arena_bytes = std::size_t{1} << 28;
  const auto memory = std::move(engine::create(std::move(o))).value();
  // A fan of directions: the confident half of them is far from where the query looks.
  constexpr std::uint32_t concepts = 2000;
  for (concept_number n = 0; n < concepts; ++n) {
    const float turn = static_cast<float>(n) / concepts;
    const std::vector<float> v{1.0F - turn, turn};
    REQUIRE(memory
              ->write(op::learn_concept{
                .id = id_of(n), .vector = v, .confidence = 2 * n < concepts ? 0.1F : 0.9F})
              .has_value());
  }
  while (memory->reconcile().entries > 0) {}
  const snapshot_handle s = memory->share();
  vector_indexer_options options;
  options.make_graph = [](auto) {
    return std::make_unique<vector_graph_builder>(
      vector_graph_options{.slots_min = 1, .tail_max = 1});
  };
  vector_indexer indexer(std::move(options));
  auto index = indexer.rebuild(*s);
  while (indexer.has_more_to_do())
    index = indexer.update(*s, {});
  REQUIRE(index->graph->slots() > concepts - 64); // the rest is scanned
  const std::vector<float> query{1.0F, 0.0F};
  const auto found =
    nearest(*s, {.index = index.get()},
            {.vector = query, .k = k, .filter = {.confidence_min = 0.5F}, .effort = 20})
      .value()
      .found;
  REQUIRE(found.size() == k);
  for (std::size_t i = 0; i < k; ++i)
    CHECK(number_of(s->at(found[i].index).id()) < concepts / 2 + 2 * k); // codes are no finer
}
