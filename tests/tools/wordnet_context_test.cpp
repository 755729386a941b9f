// Subgraphs and spreading activation on the whole of WordNet, against plain loops over its files'
// pointers.

#include "storage/engine.hpp"
#include "storage/queries.hpp"
#include "tests/catch.hpp"
#include "tools/wordnet.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace cmem;
using namespace cmem::tools;

namespace {

class wordnet_memory {
public:
  wordnet_memory() {
    auto read = read_wordnet();
    if (!read)
      FAIL(to_string(read.error()));
    source = std::move(*read);
    engine_options options;
    options.overflow = overflow_policy::reject;
    engine_ = std::move(engine::create(std::move(options))).value();
    for (const wordnet_kind& kind : wordnet_kinds)
      kinds.push_back(engine_->kinds().add(kind.name).value());
    for (const synset& s : source.synsets)
      write(op::learn_concept{.id = s.name});
    for (const synset_pointer& p : source.pointers)
      write(op::learn_association{.source = source.synsets[p.source].name,
                                  .target = source.synsets[p.target].name,
                                  .kind = kinds[p.kind],
                                  .confidence = confidence(p)});
    publish();
    for (std::uint32_t i = 0; i < source.synsets.size(); ++i)
      synset_at_[snapshot().index_of(concept_id::from_name(source.synsets[i].name)).value()] = i;
  }

  /// Some, so that they differ.
  [[nodiscard]] static float confidence(const synset_pointer& p) {
    return static_cast<float>(1 + (p.source * 7 + p.target * 13 + p.kind) % 8) / 8.0F;
  }
  [[nodiscard]] const graph_snapshot& snapshot() const { return *snapshot_; }
  [[nodiscard]] std::uint32_t index(std::uint32_t synset) const {
    return snapshot().index_of(concept_id::from_name(source.synsets[synset].name)).value();
  }
  [[nodiscard]] std::uint32_t synset_at(std::uint32_t index) const { return synset_at_.at(index); }
  /// The first that has the word.
  [[nodiscard]] std::uint32_t find(const std::string& word) const {
    for (std::uint32_t i = 0; i < source.synsets.size(); ++i)
      for (const std::string& w : source.synsets[i].words)
        if (w == word)
          return i;
    FAIL("no synset has the word " << word);
    return 0;
  }

  wordnet source;
  std::vector<kind_id> kinds;

private:
  template <class Op>
  void write(const Op& o) {
    if (const auto t = engine_->write(o); !t)
      FAIL(to_string(t.error()));
    if (++unpublished_ == 50'000)
      publish();
  }
  void publish() {
    reconcile_report done;
    do {
      done = engine_->reconcile();
      REQUIRE(done.failed == 0);
    } while (done.entries > 0);
    unpublished_ = 0;
    snapshot_ = engine_->share();
  }

  std::unique_ptr<engine> engine_;
  snapshot_handle snapshot_;
  std::map<std::uint32_t, std::uint32_t> synset_at_;
  std::size_t unpublished_ = 0;
};

const wordnet_memory& memory() {
  static const wordnet_memory m;
  return m;
}

} // namespace

TEST_CASE("WordNet: a subgraph has what pointers lead to, and all pointers among it") {
  const wordnet_memory& m = memory();
  context_scratch scratch;
  std::mt19937 random(14);
  for (int i = 0; i < 20; ++i) {
    const auto seed = static_cast<std::uint32_t>(random() % m.source.synsets.size());
    std::vector<std::uint32_t> hops(m.source.synsets.size(), 9);
    hops[seed] = 0;
    for (std::uint32_t hop = 1; hop <= 3; ++hop)
      for (const synset_pointer& p : m.source.pointers)
        if (hops[p.source] == hop - 1 && hops[p.target] == 9)
          hops[p.target] = hop;
    std::size_t concepts = 0;
    std::size_t pointers = 0;
    for (const std::uint32_t h : hops)
      concepts += h < 9 ? 1U : 0U;
    for (const synset_pointer& p : m.source.pointers)
      pointers += hops[p.source] < 9 && hops[p.target] < 9 ? 1U : 0U;

    const std::array seeds{m.index(seed)};
    const auto found =
      subgraph(m.snapshot(), seeds,
               {.hops = 3, .concepts_max = 200'000, .associations_max = 1'000'000}, scratch);
    CHECK(found.concepts.size() == concepts);
    CHECK(found.associations.size() == pointers);
    CHECK_FALSE(found.concepts_cut);
    for (const subgraph_concept& c : found.concepts)
      if (c.hops != hops[m.synset_at(c.index)])
        FAIL("another number of hops to " << m.source.synsets[m.synset_at(c.index)].name);
  }
}

TEST_CASE("WordNet: activation is the sum over all ways") {
  const wordnet_memory& m = memory();
  context_scratch scratch;
  std::mt19937 random(15);
  for (int i = 0; i < 20; ++i) {
    const auto seed = static_cast<std::uint32_t>(random() % m.source.synsets.size());
    std::vector<double> now(m.source.synsets.size(), 0.0);
    std::vector<double> total = now;
    now[seed] = 1.0;
    for (int hop = 0; hop < 3; ++hop) {
      std::vector<double> next(now.size(), 0.0);
      for (const synset_pointer& p : m.source.pointers)
        next[p.target] += now[p.source] * 0.5 * static_cast<double>(wordnet_memory::confidence(p));
      now.swap(next);
      for (std::size_t n = 0; n < now.size(); ++n)
        total[n] += now[n];
    }
    const std::array seeds{activation_seed{m.index(seed)}};
    const auto found = activate(m.snapshot(), seeds,
                                {.threshold = 0, .top_k = 1'000'000, .with_seeds = true}, scratch);
    total[seed] += 1.0;
    std::size_t active = 0;
    for (const double t : total)
      active += t > 0 ? 1U : 0U;
    CHECK(found.hits.size() == active);
    for (const activation_hit& h : found.hits) {
      const double wanted = total[m.synset_at(h.index)];
      if (h.activation > wanted + 1e-9 || h.activation < wanted - 1e-6 || h.carried > h.activation)
        FAIL(h.activation << " instead of " << wanted);
      double carried = 1.0;
      for (const path_step& step : h.way.steps)
        carried *= 0.5 * static_cast<double>(step.confidence);
      if (h.way.source != m.index(seed) || carried != Approx(h.carried).margin(1e-9))
        FAIL("a way that brings " << carried << " instead of " << h.carried);
    }
  }
}

TEST_CASE("WordNet: what comes to mind with a dog are its kin") {
  const wordnet_memory& m = memory();
  context_scratch scratch;
  const std::uint32_t dog = m.find("domestic dog");
  activation_query query;
  query.hops = 2;
  query.top_k = 1'000;
  query.threshold = 0;
  query.filter.kinds = {m.kinds[0], m.kinds[1]}; // hypernyms and hyponyms
  const std::array seeds{activation_seed{m.index(dog)}};
  const auto found = activate(m.snapshot(), seeds, query, scratch);
  std::vector<std::string> words;
  for (const activation_hit& h : found.hits)
    for (const std::string& w : m.source.synsets[m.synset_at(h.index)].words)
      words.push_back(w);
  const auto has = [&](const char* word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  for (const char* kin : {"canine", "puppy", "wolf", "poodle", "Great Dane"})
    CHECK(has(kin));
  for (const char* stranger : {"true cat", "horse", "philosophy"})
    CHECK_FALSE(has(stranger));
  CHECK(found.hits.size() < 1'000);
}
