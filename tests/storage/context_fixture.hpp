#pragma once
// What the tests of subgraph() and activate() share: a graph as a value, and a memory that learns
// it in any order.

#include "storage/engine.hpp"
#include "tests/catch.hpp"
#include "tests/storage/query_fixture.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace cmem::test {

struct plain_graph {
  std::map<concept_number, float> concepts; // learned ones, with their strengths
  std::map<std::tuple<concept_number, concept_number, kind_id>, graph_model::link> links;

  void chain(std::initializer_list<concept_number> all, float confidence = 1.0F) {
    for (auto i = all.begin(); i + 1 < all.end(); ++i)
      links[{*i, *(i + 1), kinds::semantic}] = {confidence, 1.0F};
  }
  void learn_all(std::initializer_list<concept_number> all) {
    for (const concept_number n : all)
      concepts[n] = 1.0F;
  }
  [[nodiscard]] bool enters(concept_number n, const traversal_filter& f) const {
    const auto found = concepts.find(n);
    return found != concepts.end() && found->second >= f.strength_min;
  }
};

/// One association as a traversal from `n` takes it.
struct plain_step {
  concept_number to;
  kind_id kind;
  graph_model::link link;
  direction along;
};

inline bool passes(kind_id kind, const graph_model::link& l, const traversal_filter& f) {
  return l.confidence >= f.confidence_min && (f.kinds.empty() || f.kinds.contains(kind));
}

/// All that pass and whose other end may be entered.
inline std::vector<plain_step> steps_from(const plain_graph& g, concept_number n,
                                          const traversal_filter& f) {
  std::vector<plain_step> steps;
  for (const auto& [key, link] : g.links) {
    const auto [source, target, kind] = key;
    if (!passes(kind, link, f))
      continue;
    const bool out = source == n && f.along != direction::incoming;
    if (out && g.enters(target, f))
      steps.push_back({target, kind, link, direction::outgoing});
    if (target == n && f.along != direction::outgoing && !(out && source == target)
        && g.enters(source, f))
      steps.push_back({source, kind, link, direction::incoming});
  }
  return steps;
}

inline plain_graph random_plain_graph(std::mt19937& random) {
  constexpr float confidences[] = {0.0F, 0.25F, 0.3F, 0.5F, 0.5F, 1.0F, 1.0F};
  constexpr float weights[] = {0.0F, 0.5F, 1.0F, 1.0F, 2.0F};
  plain_graph g;
  const std::uint32_t concepts = 2 + below(random, 14);
  for (concept_number n = 1; n <= concepts; ++n)
    if (n <= 2 || below(random, 8) != 0)
      g.concepts[n] = static_cast<float>(below(random, 4));
  for (std::uint32_t i = below(random, 3 * concepts); i > 0; --i)
    g.links[{1 + below(random, concepts), 1 + below(random, concepts),
             static_cast<kind_id>(below(random, 3))}] = {
      confidences[below(random, std::size(confidences))],
      weights[below(random, std::size(weights))]};
  return g;
}

inline traversal_filter random_filter(std::mt19937& random) {
  traversal_filter f;
  f.along = static_cast<direction>(below(random, 3));
  for (std::uint32_t i = below(random, 3); i > 0; --i)
    f.kinds.insert(static_cast<kind_id>(below(random, 3)));
  if (below(random, 3) == 0)
    f.confidence_min = 0.3F;
  if (below(random, 3) == 0)
    f.strength_min = 2.0F;
  return f;
}

/// A memory without actors that holds one graph after another.
class context_memory {
public:
  context_memory() {
    engine_options o;
    o.overflow = overflow_policy::reject;
    o.arena_bytes = std::size_t{256} << 20;
    engine_ = std::move(engine::create(std::move(o))).value();
  }

  /// Forgets what was there and learns the graph, all in an order that `random` says.
  void hold(const plain_graph& g, std::mt19937& random) {
    for (const auto& n : known_)
      write(op::forget_concept{id_of(n)});
    publish();
    known_.clear();
    std::vector<std::function<void()>> writes;
    for (const auto& each : g.concepts)
      writes.emplace_back([this, each] {
        known_.insert(each.first);
        write(op::learn_concept{.id = id_of(each.first), .strength = each.second});
      });
    for (const auto& each : g.links)
      writes.emplace_back([this, each] {
        const auto [source, target, kind] = each.first;
        known_.insert({source, target});
        write(op::learn_association{id_of(source), id_of(target), kind, each.second.confidence,
                                    each.second.weight});
      });
    std::shuffle(writes.begin(), writes.end(), random);
    for (const auto& w : writes)
      w();
    publish();
  }
  void hold(const plain_graph& g) {
    std::mt19937 random(1);
    hold(g, random);
  }

  [[nodiscard]] const graph_snapshot& snapshot() const { return *snapshot_; }
  [[nodiscard]] concept_number number(std::uint32_t index) const {
    return number_of(snapshot_->at(index).id());
  }
  [[nodiscard]] context_scratch& scratch() { return scratch_; }

private:
  template <class Op>
  void write(const Op& o) {
    const auto t = engine_->write(o);
    if (!t)
      FAIL(to_string(t.error()));
  }
  void publish() {
    reconcile_report done;
    do {
      done = engine_->reconcile();
      if (done.failed > 0)
        FAIL(done.failed << " entries failed");
    } while (done.entries > 0);
    snapshot_ = engine_->share();
  }

  std::unique_ptr<engine> engine_;
  snapshot_handle snapshot_;
  context_scratch scratch_;
  std::set<concept_number> known_;
};

template <class T>
std::string refusal(const result<T>& r) {
  return r ? "" : to_string(r.error());
}

} // namespace cmem::test
