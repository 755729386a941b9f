// Paths of WordNet beside igraph's: hops, and confidences where each kind of pointer has its own.

#include "storage/engine.hpp"
#include "storage/queries.hpp"
#include "tests/igraph_graph.hpp"
#include "tools/wordnet.hpp"

#include <memory>
#include <random>
#include <vector>

using namespace cmem;
using namespace cmem::tools;

namespace {

class wordnet_graph {
public:
  wordnet_graph() {
    auto read = read_wordnet();
    if (!read)
      FAIL(to_string(read.error()));
    source_ = std::move(*read);
    engine_options options;
    options.overflow = overflow_policy::reject;
    engine_ = std::move(engine::create(std::move(options))).value();
    for (const wordnet_kind& kind : wordnet_kinds)
      kinds_.push_back(engine_->kinds().add(kind.name).value());
    for (const synset& s : source_.synsets)
      write(op::learn_concept{.id = s.name});
    for (const synset_pointer& p : source_.pointers)
      write(op::learn_association{.source = source_.synsets[p.source].name,
                                  .target = source_.synsets[p.target].name,
                                  .kind = kinds_[p.kind],
                                  .confidence = confidence_of(p)});
    publish();
    snapshot_ = engine_->share();
    for (const synset& s : source_.synsets)
      index_.push_back(snapshot_->index_of(concept_id::from_name(s.name)).value());
  }

  [[nodiscard]] const graph_snapshot& snapshot() const { return *snapshot_; }
  [[nodiscard]] std::uint32_t size() const {
    return static_cast<std::uint32_t>(source_.synsets.size());
  }
  [[nodiscard]] std::uint32_t index(std::uint32_t synset) const { return index_[synset]; }
  [[nodiscard]] kind_id kind(std::uint8_t of_wordnet) const { return kinds_[of_wordnet]; }
  /// Pointers of these kinds of WordNet's, of at least some confidence.
  [[nodiscard]] std::vector<test::igraph_link> links(const std::vector<bool>& kinds,
                                                     float confidence_min) const {
    std::vector<test::igraph_link> all;
    for (const synset_pointer& p : source_.pointers)
      if (kinds[p.kind] && confidence_of(p) >= confidence_min)
        all.push_back({p.source, p.target, confidence_of(p)});
    return all;
  }

private:
  static float confidence_of(const synset_pointer& p) {
    return 1.0F / static_cast<float>(1 + (p.source + 3 * p.target + p.kind) % 7);
  }
  template <class Op>
  void write(const Op& o) {
    const auto t = engine_->write(o);
    if (!t)
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
  }

  wordnet source_;
  std::unique_ptr<engine> engine_;
  std::vector<kind_id> kinds_;
  snapshot_handle snapshot_;
  std::vector<std::uint32_t> index_; // by synset
  std::size_t unpublished_ = 0;
};

const wordnet_graph& graph() {
  static const wordnet_graph g;
  return g;
}

// Asks for paths from some synsets to many; how many there were of several hops.
std::size_t compare(const std::vector<test::igraph_link>& links, const traversal_filter& filter,
                    std::size_t sources) {
  const wordnet_graph& g = graph();
  const test::igraph_graph theirs(g.size(), links);
  const igraph_neimode_t mode = filter.along == direction::outgoing   ? IGRAPH_OUT
                                : filter.along == direction::incoming ? IGRAPH_IN
                                                                      : IGRAPH_ALL;
  std::mt19937 random(2006);
  path_scratch scratch;
  std::size_t some = 0;
  for (std::size_t i = 0; i < sources; ++i) {
    const auto from = static_cast<std::uint32_t>(random() % g.size());
    const auto hops = theirs.hops(from, mode);
    const auto costs = theirs.costs(from, mode);
    for (int j = 0; j < 50; ++j) {
      const auto to = static_cast<std::uint32_t>(random() % g.size());
      INFO("synsets " << from << " to " << to);
      const auto ask = [&](path_order order) {
        return find_paths(g.snapshot(), g.index(from), g.index(to),
                          {.order = order, .filter = filter, .limits = {}}, scratch);
      };
      const path_answer shortest = ask(path_order::fewest_hops);
      const path_answer confident = ask(path_order::most_confident);
      const bool there = hops[to] < std::numeric_limits<double>::infinity();
      REQUIRE(shortest.found.empty() == !there);
      REQUIRE(confident.found.empty() == !there);
      if (!there)
        continue;
      REQUIRE(static_cast<double>(shortest.found[0].hops()) == hops[to]);
      REQUIRE(confident.found[0].confidence == Approx(std::exp2(-costs[to])).epsilon(1e-7));
      some += confident.found[0].hops() > 3;
    }
  }
  return some;
}

} // namespace

TEST_CASE("Hops and confidences on WordNet are igraph's, whichever way one walks") {
  const auto all = graph().links(std::vector<bool>(wordnet_kinds.size(), true), 0.0F);
  const auto along = GENERATE(direction::outgoing, direction::incoming, direction::both);
  const std::size_t sources = test::sweep(8);
  CHECK(compare(all, {.kinds = {}, .along = along}, sources) > 5 * sources);
}

TEST_CASE("So they are where kinds and confidences are asked for") {
  std::vector<bool> kinds(wordnet_kinds.size());
  traversal_filter filter{.kinds = {}, .confidence_min = 0.3F, .along = direction::both};
  for (std::uint8_t kind = 0; kind < wordnet_kinds.size(); ++kind)
    if (kind < 10 || kind == 23) {
      kinds[kind] = true;
      filter.kinds.insert(graph().kind(kind));
    }
  (void) compare(graph().links(kinds, 0.3F), filter, test::sweep(8));
}
