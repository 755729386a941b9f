#pragma once
// What the tests of queries share: a memory with verbs, and a plain model of the same graph whose
// answers come from trying everything.

#include "storage/engine.hpp"
#include "storage/queries.hpp"
#include "tests/catch.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace cmem::test {

using concept_number = std::uint32_t;

/// Concept n of a test. Ids ascend with n, whatever order concepts are learned in.
inline concept_id id_of(concept_number n) { return concept_id::from_halves(0, n); }

inline concept_number number_of(const concept_id& id) {
  concept_number n = 0;
  for (std::size_t i = 12; i < 16; ++i)
    n = n << 8 | id.bytes[i];
  return n;
}

/// The same graph as the memory's, in maps.
struct graph_model {
  struct link {
    float confidence = 1.0F;
    float weight = 1.0F;
  };
  std::set<concept_number> learned;
  std::map<std::tuple<concept_number, concept_number, kind_id>, link> links;

  void forget(concept_number n) {
    learned.erase(n);
    std::erase_if(
      links, [n](const auto& l) { return std::get<0>(l.first) == n || std::get<1>(l.first) == n; });
  }
  /// Learned concepts that n has associations to, ascending, with the one that stands for parallel
  /// ones.
  [[nodiscard]] std::map<concept_number, std::pair<kind_id, float>> next(concept_number n) const {
    std::map<concept_number, std::pair<kind_id, float>> found;
    for (auto i = links.lower_bound({n, 0, 0}); i != links.end() && std::get<0>(i->first) == n;
         ++i) {
      const auto [source, target, kind] = i->first;
      const auto known = found.find(target);
      if (learned.contains(target)
          && (known == found.end() || known->second.second < i->second.confidence))
        found[target] = {kind, i->second.confidence};
    }
    return found;
  }
};

/// A path as a string, e.g. "1 -0:0.5-> 4 = 0.5".
struct model_path {
  std::vector<concept_number> concepts;
  std::string text;
  double confidence = 1.0;
  std::vector<double> confidences = {}; // of each hop

  [[nodiscard]] std::size_t hops() const { return concepts.size() - 1; }
};

inline model_path start_path(concept_number n) { return {{n}, std::to_string(n), 1.0}; }

inline model_path extend_path(model_path p, concept_number to, kind_id kind, float confidence) {
  p.concepts.push_back(to);
  p.text +=
    " -" + std::to_string(kind) + ":" + std::to_string(confidence) + "-> " + std::to_string(to);
  p.confidence *= static_cast<double>(confidence);
  p.confidences.push_back(static_cast<double>(confidence));
  return p;
}

inline void try_all_paths(const graph_model& g, const model_path& so_far, concept_number target,
                          std::size_t max_depth, std::vector<model_path>& found) {
  const concept_number at = so_far.concepts.back();
  if (at == target) {
    found.push_back(so_far);
    return;
  }
  if (so_far.hops() == max_depth)
    return;
  for (const auto& [to, by] : g.next(at))
    if (std::find(so_far.concepts.begin(), so_far.concepts.end(), to) == so_far.concepts.end())
      try_all_paths(g, extend_path(so_far, to, by.first, by.second), target, max_depth, found);
}

/// Every path that visits no concept twice, by hops, then ids. For small graphs.
inline std::vector<model_path> all_paths(const graph_model& g, concept_number source,
                                         concept_number target, std::size_t max_depth) {
  std::vector<model_path> found;
  try_all_paths(g, start_path(source), target, max_depth, found);
  std::sort(found.begin(), found.end(), [](const model_path& a, const model_path& b) {
    return std::tuple(a.hops(), a.concepts) < std::tuple(b.hops(), b.concepts);
  });
  return found;
}

/// Fewest hops from `source` to all that can be reached, by a plain breadth-first search.
inline std::map<concept_number, std::uint32_t> all_hops(const graph_model& g,
                                                        concept_number source) {
  std::map<concept_number, std::uint32_t> hops{{source, 0}};
  std::vector<concept_number> order{source};
  for (std::size_t i = 0; i < order.size(); ++i)
    for (const auto& [to, by] : g.next(order[i]))
      if (hops.try_emplace(to, hops[order[i]] + 1).second)
        order.push_back(to);
  return hops;
}

/// A memory without actors, and the model of what was written to it.
class graph_memory {
public:
  explicit graph_memory(std::uint32_t vector_dimension = 0,
                        std::size_t batch_entries_max = 10'000) {
    engine_options o;
    o.overflow = overflow_policy::reject;
    o.batch_entries_max = batch_entries_max;
    o.vector_dimension = vector_dimension;
    o.arena_bytes = std::size_t{1} << 30;
    engine_ = std::move(engine::create(std::move(o))).value();
    publish();
  }

  void learn(concept_number n, std::vector<float> vector = {}, float strength = 1.0F) {
    model_.learned.insert(n);
    write(op::learn_concept{
      .id = id_of(n), .content = "content", .vector = vector, .strength = strength});
  }
  void learn_all(std::initializer_list<concept_number> all) {
    for (const concept_number n : all)
      learn(n);
  }
  void link(concept_number from, concept_number to, kind_id kind = kinds::semantic,
            float confidence = 1.0F, float weight = 1.0F) {
    model_.links[{from, to, kind}] = {confidence, weight};
    write(op::learn_association{id_of(from), id_of(to), kind, confidence, weight});
  }
  /// Associations from each to the next.
  void chain(std::initializer_list<concept_number> all) {
    for (auto i = all.begin(); i + 1 < all.end(); ++i)
      link(*i, *(i + 1));
  }
  void unlink(concept_number from, concept_number to, kind_id kind = kinds::semantic) {
    model_.links.erase({from, to, kind});
    write(op::forget_association{id_of(from), id_of(to), kind});
  }
  void forget(concept_number n) {
    model_.forget(n);
    write(op::forget_concept{id_of(n)});
  }
  void forget_everything() {
    std::set<concept_number> all = model_.learned;
    for (const auto& [key, link] : model_.links) {
      all.insert(std::get<0>(key));
      all.insert(std::get<1>(key));
    }
    for (const concept_number n : all)
      forget(n);
  }
  /// An empty graph, in which old indices come back.
  void start_over() {
    forget_everything();
    publish();
  }
  /// Makes everything written so far visible in snapshot().
  void publish() {
    reconcile_report done;
    do {
      done = engine_->reconcile();
      if (done.failed > 0)
        FAIL(done.failed << " of " << done.entries << " entries failed");
    } while (done.entries > 0);
    snapshot_ = engine_->share();
    unpublished_ = 0;
  }

  [[nodiscard]] const graph_snapshot& snapshot() const { return *snapshot_; }
  [[nodiscard]] const graph_model& model() const { return model_; }
  [[nodiscard]] std::uint32_t index(concept_number n) const {
    return snapshot_->index_of(id_of(n)).value();
  }
  [[nodiscard]] concept_number number(std::uint32_t index) const {
    return number_of(snapshot_->at(index).id());
  }
  [[nodiscard]] model_path to_model(const path& p) const {
    model_path m = start_path(number(p.source));
    for (const path_step& step : p.steps)
      m = extend_path(std::move(m), number(step.index), step.kind, step.confidence);
    CHECK(p.confidence == Approx(m.confidence));
    return m;
  }
  [[nodiscard]] std::string text(const std::optional<path>& p) const {
    return p ? to_model(*p).text : "none";
  }
  /// Concepts of the path found: "1 4 2", or "none".
  [[nodiscard]] std::string find(concept_number from, concept_number to,
                                 std::uint32_t max_depth = path_depth_max) {
    const auto p = find_path(snapshot(), index(from), index(to), max_depth, scratch_);
    if (!p)
      return "none";
    std::string s;
    for (const concept_number n : to_model(*p).concepts)
      s += (s.empty() ? "" : " ") + std::to_string(n);
    return s;
  }
  [[nodiscard]] path_answer ask(concept_number from, concept_number to, const path_query& query) {
    return find_paths(snapshot(), index(from), index(to), query, scratch_);
  }
  /// A path a line, best first.
  [[nodiscard]] std::string texts(const path_answer& a) const {
    std::string s;
    for (const path& p : a.found)
      s += to_model(p).text + "\n";
    return s;
  }
  [[nodiscard]] path_scratch& scratch() { return scratch_; }

private:
  template <class Op>
  void write(const Op& o) {
    if (++unpublished_ > 50'000)
      publish();
    const auto t = engine_->write(o);
    if (!t)
      FAIL(to_string(t.error()));
  }

  std::unique_ptr<engine> engine_;
  snapshot_handle snapshot_;
  path_scratch scratch_;
  graph_model model_;
  std::size_t unpublished_ = 0;
};

inline std::uint32_t below(std::mt19937& random, std::uint64_t bound) {
  return static_cast<std::uint32_t>(random() % bound);
}

/// Confidences whose products are exact in any order of multiplication.
inline float random_confidence(std::mt19937& random) {
  constexpr float all[] = {0.0F, 0.25F, 0.5F, 0.5F, 1.0F, 1.0F};
  return all[below(random, std::size(all))];
}

/// Writes a graph of concepts 1 … `concepts`, some of which stay placeholders, learned in a random
/// order.
inline void write_random_graph(graph_memory& m, std::mt19937& random, concept_number concepts,
                               std::size_t links) {
  std::vector<concept_number> order;
  for (concept_number n = 1; n <= concepts; ++n)
    order.push_back(n);
  std::shuffle(order.begin(), order.end(), random);
  const auto any = [&] { return 1 + below(random, concepts); };
  const std::size_t early = below(random, links + 1);
  for (std::size_t i = 0; i < early; ++i)
    m.link(any(), any(), static_cast<kind_id>(below(random, 3)), random_confidence(random));
  for (const concept_number n : order)
    if (n <= 2 || below(random, 8) != 0)
      m.learn(n);
  for (std::size_t i = early; i < links; ++i)
    m.link(any(), any(), static_cast<kind_id>(below(random, 3)), random_confidence(random));
}

} // namespace cmem::test
