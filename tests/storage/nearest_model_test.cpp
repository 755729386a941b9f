// The nearest, whatever the index has by then, against comparing everything: random operations,
// generations made at random times, old snapshots asked again.

#include "storage/engine.hpp"
#include "storage/nearest.hpp"
#include "storage/vector_indexer.hpp"
#include "tests/storage/query_fixture.hpp"

#include <cmath>
#include <deque>
#include <limits>

using namespace cmem;
using namespace cmem::test;

namespace {

constexpr const char* keys[] = {"colour", "place", "tone"};
constexpr const char* values[] = {"red", "green", ""};
constexpr timestamp_us half_life = 1'000'000;

/// A snapshot as the engine of a memory would have it, and what it carries.
struct moment {
  snapshot_handle snapshot;
  std::shared_ptr<const vector_index> index; // null: none yet
  std::vector<std::uint32_t> changed;        // since the index
};

class model_run {
public:
  model_run(std::uint32_t seed, std::uint32_t dimension, concept_number concepts)
    : random_(seed),
      dimension_(dimension),
      concepts_(concepts),
      indexer_({.dead_slots_min = 200, .concepts_a_step = 100}) {
    engine_options o;
    o.overflow = overflow_policy::reject;
    o.vector_dimension = dimension;
    o.arena_bytes = std::size_t{1} << 28;
    o.strength_half_life = half_life;
    o.clock = [this] { return now_; };
    engine_ = std::move(engine::create(std::move(o))).value();
    publish();
  }

  void operate() {
    now_ += below(20'000);
    const concept_ref id = id_of(1 + below(concepts_));
    switch (below(10)) {
      case 0: write(op::forget_concept{id}); break;
      case 1:
      case 2: {
        if (!known(id))
          break;
        attribute_update a{keys[below(std::size(keys))], std::nullopt};
        if (below(5) != 0)
          a.value = values[below(std::size(values))];
        write(op::set_attributes{id, std::span(&a, 1)});
        break;
      }
      case 3:
        if (known(id))
          write(op::strengthen{id, 0.5F});
        break;
      case 4:
        if (known(id))
          write(op::record_access{id});
        break;
      case 5: write(op::learn_association{id, id_of(1 + below(concepts_))}); break;
      default: {
        const std::vector<float> vector = below(12) == 0 ? std::vector<float>() : any_vector();
        write(op::learn_concept{.id = id,
                                .content = "content",
                                .vector = vector,
                                .strength = static_cast<float>(below(5)) / 2.0F,
                                .confidence = static_cast<float>(below(5)) / 4.0F});
      }
    }
    touched_.push_back(id.id);
    if (below(8) == 0)
      publish();
    if (below(60) == 0)
      make_generation();
    if (below(40) == 0 && held_.size() < 6)
      held_.push_back(newest_);
    if (below(300) == 0)
      held_.clear();
  }

  void ask() {
    const bool old = !held_.empty() && below(3) == 0;
    const moment& m = old ? held_[below(held_.size())] : newest_;
    const graph_snapshot& s = *m.snapshot;
    const std::vector<float> vector = any_vector();
    const nearest_query q{.vector = vector,
                          .k = below(4) == 0 ? below(2 * concepts_) : below(12),
                          .metric = static_cast<vector_metric>(below(3)),
                          .filter = any_filter()};
    if (q.metric == vector_metric::cosine && multiply(vector, vector).with_self == 0.0)
      return;
    nearest_sources sources{.index = m.index.get(), .changed = m.changed};
    std::vector<std::uint32_t> with_attributes;
    if (!q.filter.attributes.empty() && below(2) == 0) {
      with_attributes = some_with_attributes(s, q.filter);
      sources.with_attributes = with_attributes;
    }
    const auto expected = plain_scan(s, q);
    const auto found = nearest(s, sources, q).value();
    CAPTURE(to_string(q.metric), q.k, s.version(), old, m.changed.size());
    REQUIRE(found.end == traversal_end::complete);
    REQUIRE(found.found.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CAPTURE(i, found.found[i].score, expected[i].score);
      REQUIRE(found.found[i] == expected[i]);
    }
    found_ += expected.size();
    if (below(3) == 0) { // made ready before, nothing is different
      const filtered_concepts ready(s, q.filter);
      nearest_query again = q;
      again.filter = {};
      again.ready = &ready;
      REQUIRE(nearest(s, sources, again).value().found == expected);
    }
    if (below(20) == 0)
      REQUIRE(nearest(s, {}, q).value().found == expected);
  }

  [[nodiscard]] std::uint64_t found() const noexcept { return found_; }
  [[nodiscard]] std::uint32_t lineages() const noexcept { return lineages_; }

private:
  std::uint32_t below(std::uint64_t bound) { return test::below(random_, bound); }

  template <class Op>
  void write(const Op& o) {
    REQUIRE(engine_->write(o).has_value());
  }
  [[nodiscard]] bool known(const concept_ref& id) const {
    return newest_.snapshot->index_of(id.id).has_value();
  }

  void publish() {
    const snapshot_handle before = newest_.snapshot;
    while (engine_->reconcile().entries > 0) {}
    newest_.snapshot = engine_->share();
    for (const concept_id& id : touched_) {
      if (const auto i = newest_.snapshot->index_of(id))
        newest_.changed.push_back(*i);
      if (const auto i = before ? before->index_of(id) : std::nullopt)
        newest_.changed.push_back(*i);
    }
    touched_.clear();
  }
  void make_generation() {
    auto made = indexer_.update(*newest_.snapshot, newest_.changed);
    if (newest_.index == nullptr || !made->columns->same_lineage(*newest_.index->columns))
      ++lineages_;
    newest_.index = std::move(made);
    newest_.changed.clear();
  }

  std::vector<float> any_vector() {
    std::vector<float> v(dimension_);
    std::normal_distribution<float> normal;
    const std::uint32_t shape = below(20);
    for (float& x : v)
      x = shape < 8 ? static_cast<float>(below(3)) - 1.0F : normal(random_);
    if (shape == 8)
      v[below(dimension_)] = 1e6F;
    if (shape == 9)
      for (float& x : v)
        x = std::copysign(std::numeric_limits<float>::max(), x);
    if (shape == 10)
      for (float& x : v)
        x *= 1e-44F;
    return v;
  }
  concept_filter any_filter() {
    concept_filter f;
    if (below(3) == 0)
      return f;
    if (below(3) == 0)
      f.confidence_min = static_cast<float>(below(6)) / 4.0F;
    if (below(4) == 0)
      f.strength_min = static_cast<float>(below(100)) / 100.0F;
    if (below(2) == 0)
      for (std::uint32_t n = 1 + below(2); n > 0; --n)
        f.attributes.emplace_back(keys[below(std::size(keys))], values[below(std::size(values))]);
    if (below(4) == 0) {
      f.ids.emplace();
      for (std::uint32_t n = below(below(2) == 0 ? 8 : 2 * concepts_); n > 0; --n)
        f.ids->push_back(id_of(below(concepts_ + 5)));
    }
    return f;
  }

  static bool passes(const concept_view& c, const concept_filter& f) {
    const concept_record r = c.copy();
    for (const auto& wanted : f.attributes)
      if (std::find(r.attributes.begin(), r.attributes.end(), wanted) == r.attributes.end())
        return false;
    return r.confidence >= f.confidence_min && r.strength >= f.strength_min
           && (!f.ids || std::find(f.ids->begin(), f.ids->end(), r.id) != f.ids->end());
  }
  /// As an index of attributes might have them: all that do, and some that do not (any more).
  std::vector<std::uint32_t> some_with_attributes(const graph_snapshot& s,
                                                  const concept_filter& f) {
    std::vector<std::uint32_t> all;
    for (std::uint32_t i = 0; i < s.index_count(); ++i) {
      const bool has = s.is_learned(i) && passes(s.at(i), {.attributes = f.attributes});
      for (std::uint32_t n = has ? 1 + below(2) : below(20) == 0 ? 1 : 0; n > 0; --n)
        all.push_back(i);
    }
    if (below(2) == 0)
      std::shuffle(all.begin(), all.end(), random_);
    return all;
  }
  /// Without any of what is tested, but the sums of vector_kernels.hpp as plain code has them.
  static std::vector<similar_concept> plain_scan(const graph_snapshot& s, const nearest_query& q) {
    const float_kernels& plain = float_kernels_here().back();
    const double norm = std::sqrt(plain.multiply(q.vector, q.vector).with_self);
    std::vector<similar_concept> all;
    for (std::uint32_t i = 0; i < s.index_count(); ++i) {
      if (!s.is_learned(i) || s.at(i).vector().empty() || !passes(s.at(i), q.filter))
        continue;
      const vector_products p = plain.multiply(s.at(i).vector().floats(), q.vector);
      if (q.metric == vector_metric::inner_product)
        all.push_back({i, p.with_other});
      else if (q.metric == vector_metric::l2)
        all.push_back({i, std::sqrt(plain.squared_distance(s.at(i).vector().floats(), q.vector))});
      else if (p.with_self > 0.0)
        all.push_back({i, static_cast<float>(std::clamp(
                            p.with_other / (norm * std::sqrt(p.with_self)), -1.0, 1.0))});
    }
    const double sign = q.metric == vector_metric::l2 ? 1.0 : -1.0;
    std::sort(all.begin(), all.end(), [&](const similar_concept& a, const similar_concept& b) {
      return std::tuple(sign * a.score, s.node(a.index).id)
             < std::tuple(sign * b.score, s.node(b.index).id);
    });
    all.resize(std::min(all.size(), q.k));
    return all;
  }

  std::mt19937 random_;
  std::uint32_t dimension_;
  concept_number concepts_;
  timestamp_us now_ = 1'000'000'000;
  std::unique_ptr<engine> engine_;
  vector_indexer indexer_;
  moment newest_;
  std::deque<moment> held_;
  std::vector<concept_id> touched_; // since the newest snapshot
  std::uint64_t found_ = 0;
  std::uint32_t lineages_ = 0;
};

} // namespace

TEST_CASE("After any operations, with any index, the nearest are those of a plain scan") {
  for (const auto& [seed, dimension, concepts] :
       {std::tuple(1U, 3U, 40U), std::tuple(2U, 16U, 400U), std::tuple(3U, 70U, 2000U)}) {
    model_run run(seed, dimension, concepts);
    for (std::size_t i = 0; i < sweep(10'000); ++i) {
      run.operate();
      if (i % 7 == 0)
        run.ask();
    }
    CAPTURE(seed);
    CHECK(run.found() > 0);
    if (sweep(10'000) >= 10'000)
      CHECK(run.lineages() > 1); // new columns were made on the way
  }
}
