#include "storage/vector_graph_builder.hpp"
#include "tests/storage/query_fixture.hpp"

#include <cmath>
#include <limits>
#include <numeric>

using namespace cmem;
using namespace cmem::test;

namespace {

constexpr std::uint32_t dimension = 24;

/// Vectors in clusters, as those of words are.
class clusters {
public:
  explicit clusters(std::uint64_t seed) : random_(seed) {
    for (std::vector<float>& c : centers_)
      c = draw(1.0F);
  }
  std::vector<float> next() {
    std::vector<float> v = centers_[random_() % centers_.size()];
    const std::vector<float> off = draw(0.5F);
    for (std::size_t i = 0; i < v.size(); ++i)
      v[i] += off[i];
    return v;
  }

private:
  std::vector<float> draw(float spread) {
    std::vector<float> v(dimension);
    for (float& x : v) // a sum of some is near enough to a normal one, and the same everywhere
      for (int k = 0; k < 4; ++k)
        x += spread * (static_cast<float>(random_() % 2048) / 1024.0F - 1.0F);
    return v;
  }

  std::mt19937_64 random_;
  std::vector<std::vector<float>> centers_{40};
};

/// A memory of vectors, its columns, and a graph over them.
class graph_rig {
public:
  explicit graph_rig(vector_graph_options options = {})
    : options_(options), memory_(dimension), columns_(dimension), builder_(options) {}

  void learn(concept_number n, const std::vector<float>& v) { memory_.learn(n, v); }
  void learn_some(concept_number count, clusters& from) {
    for (concept_number n = 1; n <= count; ++n)
      memory_.learn(n, from.next());
    publish();
  }
  void forget(concept_number n) { memory_.forget(n); }
  /// Brings the columns up to date.
  void publish() {
    memory_.publish();
    for (std::uint32_t i = 0; i < snapshot().index_count(); ++i)
      columns_.take(snapshot(), i);
    published_ = columns_.publish();
  }
  void insert(std::uint32_t count = graph_links::slots_max) {
    builder_.insert(snapshot(), *published_, count);
  }
  void insert_and_publish() {
    insert();
    graph_ = builder_.publish();
  }

  [[nodiscard]] const graph_snapshot& snapshot() const { return memory_.snapshot(); }
  [[nodiscard]] const vector_columns& columns() const { return *published_; }
  [[nodiscard]] std::shared_ptr<const vector_columns> shared_columns() const { return published_; }
  [[nodiscard]] vector_graph_builder& builder() { return builder_; }
  [[nodiscard]] const vector_graph& graph() const { return *graph_; }
  [[nodiscard]] std::string name_of(std::uint32_t slot) const {
    return std::to_string(memory_.number(columns().owner(slot)));
  }

  vector_graph::result search(const vector_graph& g, const std::vector<float>& query,
                              const graph_effort& effort, const slot_filter* filter = nullptr) {
    codes_.resize(code_stride(dimension));
    const quantized_vector form = quantize(query, codes_.data());
    if (filter == nullptr)
      return g.search(columns(), {codes_.data(), form}, effort, scratch_);
    std::vector<std::uint32_t> from;
    for (std::uint32_t slot = 0; slot < g.slots(); slot += 1 + g.slots() / 256)
      if (filter->passes(slot))
        from.push_back(slot);
    return g.search_among(columns(), {codes_.data(), form}, effort, *filter, from, scratch_);
  }
  vector_graph::result search(const std::vector<float>& query, std::size_t breadth,
                              const slot_filter* filter = nullptr) {
    return search(graph(), query, {.breadth = breadth}, filter);
  }
  std::vector<std::uint32_t> found(const std::vector<float>& query, std::size_t breadth,
                                   const slot_filter* filter = nullptr) {
    std::vector<std::uint32_t> slots;
    for (const graph_candidate& c : search(query, breadth, filter).nearest)
      slots.push_back(c.slot);
    return slots;
  }
  /// Of all slots that pass, by the floats.
  std::vector<std::uint32_t> nearest(const std::vector<float>& query, std::size_t k,
                                     const slot_filter* filter = nullptr) const {
    std::vector<std::pair<double, std::uint32_t>> all;
    for (std::uint32_t slot = 0; slot < columns().slots(); ++slot)
      if (columns().is_current(snapshot(), slot) && (filter == nullptr || filter->passes(slot)))
        all.emplace_back(distance(query, snapshot().at(columns().owner(slot)).vector().floats()),
                         slot);
    std::sort(all.begin(), all.end());
    std::vector<std::uint32_t> slots;
    for (std::size_t i = 0; i < std::min(k, all.size()); ++i)
      slots.push_back(all[i].second);
    return slots;
  }
  /// The share of the ten nearest that is found.
  double recall(clusters& from, std::size_t breadth, const slot_filter* filter = nullptr,
                bool far = false) {
    double hits = 0;
    double of = 0;
    for (int i = 0; i < 100; ++i) {
      std::vector<float> query = from.next();
      if (far)
        query[0] = -std::abs(query[0]);
      const std::vector<std::uint32_t> got = found(query, breadth, filter);
      for (const std::uint32_t slot : nearest(query, 10, filter)) {
        hits += std::find(got.begin(), got.end(), slot) != got.end() ? 1 : 0;
        ++of;
      }
    }
    return hits / of;
  }

private:
  [[nodiscard]] double distance(const std::vector<float>& q, std::span<const float> v) const {
    double inner = 0;
    double squares = 0;
    double apart = 0;
    for (std::size_t i = 0; i < v.size(); ++i) {
      const double x = static_cast<double>(v[i]);
      const double y = static_cast<double>(q[i]);
      inner += x * y;
      squares += x * x;
      apart += (x - y) * (x - y);
    }
    switch (options_.metric) {
      case vector_metric::cosine: return squares == 0 ? 2 : -inner / std::sqrt(squares);
      case vector_metric::inner_product: return -inner;
      case vector_metric::l2: return apart;
    }
    return 0;
  }

  vector_graph_options options_;
  graph_memory memory_;
  vector_columns_builder columns_;
  std::shared_ptr<const vector_columns> published_;
  vector_graph_builder builder_;
  std::shared_ptr<const vector_graph> graph_;
  graph_scratch scratch_;
  std::vector<std::int8_t> codes_;
};

class every_third final : public slot_filter {
public:
  [[nodiscard]] bool passes(std::uint32_t slot) const override { return slot % 3 == 0; }
};

/// A region: what lies in it is as far as can be from queries on the other side.
class one_side final : public slot_filter {
public:
  explicit one_side(const graph_rig& rig) : rig_(rig) {}
  [[nodiscard]] bool passes(std::uint32_t slot) const override {
    return *rig_.columns().codes(slot) > 0;
  }

private:
  const graph_rig& rig_;
};

class the_live final : public slot_filter {
public:
  explicit the_live(const graph_rig& rig) : rig_(rig) {}
  [[nodiscard]] bool passes(std::uint32_t slot) const override {
    return rig_.columns().is_current(rig_.snapshot(), slot);
  }

private:
  const graph_rig& rig_;
};

} // namespace

TEST_CASE("Most of the nearest are found, by each metric") {
  const auto metric =
    GENERATE(vector_metric::cosine, vector_metric::inner_product, vector_metric::l2);
  clusters from(1);
  graph_rig rig({.metric = metric, .breadth = 100});
  rig.learn_some(3000, from);
  rig.insert_and_publish();
  CAPTURE(static_cast<int>(metric));
  CHECK(rig.recall(from, 100) >= 0.95);
  // The list is one of this breadth, best first, each once.
  const auto result = rig.search(from.next(), 30);
  REQUIRE(result.nearest.size() == 30);
  CHECK(result.complete);
  std::set<std::uint32_t> each;
  for (std::size_t i = 0; i < 30; ++i) {
    each.insert(result.nearest[i].slot);
    CHECK((i == 0 || result.nearest[i - 1].score >= result.nearest[i].score));
  }
  CHECK(each.size() == 30);
}

TEST_CASE("Less breadth finds less: the search is not a scan") {
  clusters from(2);
  graph_rig rig({.breadth = 100});
  rig.learn_some(3000, from);
  rig.insert_and_publish();
  const auto few = rig.search(rig.graph(), from.next(), {.breadth = 100, .visits_max = 5});
  CHECK(!few.complete);
  CHECK(few.nearest.size() <= 100);
  CHECK(rig.search(from.next(), 1).nearest.size() == 1);
  CHECK(rig.search(from.next(), 0).nearest.empty());
}

TEST_CASE("How insertion is cut into steps does not matter") {
  clusters from(3);
  graph_rig one({.breadth = 60});
  one.learn_some(1500, from);
  clusters again(3);
  graph_rig other({.breadth = 60});
  other.learn_some(1500, again);
  one.insert_and_publish();
  for (std::uint32_t step = 1; other.builder().slots() < 1500; step = step * 3 % 101)
    other.insert(step);
  other.insert_and_publish();
  CHECK(one.graph().memory_bytes() == other.graph().memory_bytes());
  for (int i = 0; i < 100; ++i) {
    const std::vector<float> query = from.next();
    REQUIRE(one.found(query, 40) == other.found(query, 40));
  }
}

TEST_CASE("What is added later does not change a graph that readers have") {
  clusters from(4);
  graph_rig rig({.breadth = 60});
  rig.learn_some(1000, from);
  rig.insert(500);
  const auto half = rig.builder().publish();
  const std::vector<float> query = from.next();
  const auto slots_of = [](const vector_graph::result& r) {
    std::vector<std::uint32_t> slots;
    for (const graph_candidate& c : r.nearest)
      slots.push_back(c.slot);
    return slots;
  };
  const std::vector<std::uint32_t> before = slots_of(rig.search(*half, query, {.breadth = 50}));
  rig.insert_and_publish();
  CHECK(slots_of(rig.search(*half, query, {.breadth = 50})) == before);
  CHECK(half->slots() == 500);
  CHECK(std::all_of(before.begin(), before.end(), [](std::uint32_t s) { return s < 500; }));
  CHECK(rig.graph().slots() == 1000);
  CHECK(rig.found(query, 50) != before);
}

TEST_CASE("Ways among those that pass lead to most of the nearest of them") {
  clusters from(5);
  graph_rig rig({.breadth = 100});
  rig.learn_some(3000, from);
  rig.insert_and_publish();
  const every_third third;
  CHECK(rig.recall(from, 60, &third) >= 0.95);
  const std::vector<std::uint32_t> found = rig.found(from.next(), 60, &third);
  CHECK(found.size() > 50);
  CHECK(std::all_of(found.begin(), found.end(), [](std::uint32_t s) { return s % 3 == 0; }));
  // Much lies nearer to the query than all that pass, and is never looked at.
  const one_side side(rig);
  CHECK(rig.recall(from, 60, &side) >= 0.95);
  CHECK(rig.recall(from, 60, &side, true) >= 0.95);
  const auto far = rig.search(rig.graph(), from.next(), {.breadth = 60, .visits_max = 120}, &side);
  CHECK(far.complete);
  CHECK(far.nearest.size() > 50);
}

TEST_CASE("Slots that were dead before are never found, and those that died since only lead on") {
  clusters from(6);
  graph_rig rig({.breadth = 100});
  rig.learn_some(2000, from);
  for (concept_number n = 1; n <= 500; ++n)
    rig.learn(n, from.next()); // dead before the graph gets to them …
  rig.publish();
  rig.insert_and_publish();
  for (int i = 0; i < 20; ++i)
    for (const std::uint32_t slot : rig.found(from.next(), 50))
      REQUIRE(rig.columns().is_current(rig.snapshot(), slot));
  for (concept_number n = 1001; n <= 1500; ++n)
    rig.forget(n); // … and after it
  for (concept_number n = 1501; n <= 1600; ++n)
    rig.learn(n, from.next());
  rig.publish();
  rig.insert_and_publish();
  const the_live live(rig);
  CHECK(rig.recall(from, 60, &live) >= 0.95);
  for (const std::uint32_t slot : rig.found(from.next(), 50, &live))
    REQUIRE(rig.columns().is_current(rig.snapshot(), slot));
}

TEST_CASE("Few slots are all found, and of none nothing") {
  clusters from(7);
  graph_rig rig;
  rig.learn_some(7, from);
  rig.insert(0);
  CHECK(rig.search(*rig.builder().publish(), from.next(), {}).nearest.empty());
  rig.insert_and_publish();
  CHECK(rig.found(from.next(), 10).size() == 7);
  for (concept_number n = 1; n <= 7; ++n)
    rig.forget(n);
  rig.publish();
  graph_rig of_dead;
  of_dead.learn_some(7, from);
  for (concept_number n = 1; n <= 7; ++n)
    of_dead.forget(n);
  of_dead.publish();
  of_dead.insert_and_publish();
  CHECK(of_dead.graph().slots() == 7);
  CHECK(of_dead.found(from.next(), 10).empty());
}

TEST_CASE("Many copies of a vector hide nothing") {
  clusters from(8);
  graph_rig rig({.breadth = 100});
  const std::vector<float> same = from.next();
  for (concept_number n = 1; n <= 3000; ++n)
    rig.learn(n, n % 3 == 0 ? same : from.next());
  rig.publish();
  rig.insert_and_publish();
  const auto copies = rig.search(same, 50);
  REQUIRE(copies.nearest.size() == 50);
  CHECK(copies.nearest.back().score > 0.99F);
  class others final : public slot_filter {
  public:
    [[nodiscard]] bool passes(std::uint32_t slot) const override { return slot % 3 != 2; }
  } const other; // slot n - 1 is concept n's
  CHECK(rig.recall(from, 100, &other) >= 0.95);
}

TEST_CASE("Learned again and again with one vector, it does not crowd out what is near") {
  clusters from(10);
  graph_rig rig({.breadth = 60});
  rig.learn_some(500, from);
  const std::vector<float> same = from.next();
  rig.learn(501, same);
  rig.publish();
  for (int i = 0; i < 300; ++i) {
    rig.learn(1, same);
    rig.publish();
    rig.insert();
  }
  rig.insert_and_publish();
  const auto found = rig.found(same, 20);
  std::size_t live = 0;
  std::set<std::string> names;
  for (const std::uint32_t slot : found)
    if (rig.columns().is_current(rig.snapshot(), slot)) {
      ++live;
      names.insert(rig.name_of(slot));
    }
  CHECK(live >= 18); // the first of all copies may be dead
  CHECK(names.contains("1"));
  CHECK(names.contains("501"));
}

TEST_CASE("Huge, tiny and zero vectors keep their places") {
  const auto metric =
    GENERATE(vector_metric::cosine, vector_metric::inner_product, vector_metric::l2);
  graph_rig rig({.metric = metric});
  std::vector<float> v(dimension, 0.0F);
  rig.learn(1, v);
  for (concept_number n = 2; n <= 4; ++n) {
    v[n] = std::numeric_limits<float>::max();
    rig.learn(n, v);
    v[n] = std::numeric_limits<float>::denorm_min();
  }
  rig.publish();
  rig.insert_and_publish();
  v.assign(dimension, 0.0F);
  v[3] = std::numeric_limits<float>::max();
  const std::vector<std::uint32_t> found = rig.found(v, 10);
  REQUIRE(found.size() == 4);
  CHECK(rig.name_of(found.front()) == "3");
  for (const graph_candidate& c : rig.search(v, 10).nearest)
    CHECK(std::isfinite(c.score));
}

TEST_CASE("Steps add slots and copy them for readers when enough are new") {
  clusters from(9);
  graph_rig rig(
    {.breadth = 32, .slots_min = 100, .tail_max = 50, .slots_a_step = 30, .rows_a_step = 64});
  rig.learn_some(99, from);
  CHECK(rig.builder().extend(rig.snapshot(), rig.shared_columns()) == nullptr);
  CHECK(rig.builder().complete());
  rig.learn(100, from.next());
  rig.publish();
  std::shared_ptr<const vector_graph> graph;
  std::size_t steps = 0;
  do {
    graph = rig.builder().extend(rig.snapshot(), rig.shared_columns());
    ++steps;
  } while (!rig.builder().complete());
  REQUIRE(graph != nullptr);
  CHECK(graph->slots() == 100);
  CHECK(steps == 4 + 2);
  // A tail shorter than tail_max stays one.
  for (concept_number n = 101; n < 150; ++n)
    rig.learn(n, from.next());
  rig.publish();
  do
    CHECK(rig.builder().extend(rig.snapshot(), rig.shared_columns()) == graph);
  while (!rig.builder().complete());
  CHECK(rig.builder().slots() == 149);
  rig.learn(150, from.next());
  rig.publish();
  do
    graph = rig.builder().extend(rig.snapshot(), rig.shared_columns());
  while (!rig.builder().complete());
  CHECK(graph->slots() == 150);
}
