// The whole of WordNet in a memory: nothing is missing, and paths are the shortest there are.

#include "storage/engine.hpp"
#include "storage/queries.hpp"
#include "tests/catch.hpp"
#include "tools/wordnet.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <tuple>
#include <utility>
#include <vector>

using namespace cmem;
using namespace cmem::tools;

namespace {

constexpr std::uint32_t unreached = 0xFFFF'FFFFU;

class wordnet_memory {
public:
  wordnet_memory() {
    auto read = read_wordnet();
    if (!read)
      FAIL(to_string(read.error()));
    source_ = std::move(*read);
    engine_options options;
    options.overflow = overflow_policy::reject;
    engine_ = std::move(engine::create(std::move(options))).value();
    for (const wordnet_kind& kind : wordnet_kinds)
      kinds_.push_back(engine_->kinds().add(kind.name).value());
    learn();
    for (std::uint32_t i = 0; i < source_.synsets.size(); ++i) {
      const auto index = snapshot().index_of(concept_id::from_name(source_.synsets[i].name));
      REQUIRE(index);
      index_.push_back(*index);
    }
  }

  [[nodiscard]] const wordnet& source() const { return source_; }
  [[nodiscard]] const graph_snapshot& snapshot() const { return *snapshot_; }
  [[nodiscard]] std::uint32_t index(std::uint32_t synset) const { return index_[synset]; }
  [[nodiscard]] kind_id kind(std::uint8_t wordnet_kind) const { return kinds_[wordnet_kind]; }

private:
  // Associations are mixed with the concepts: many arrive before their ends.
  void learn() {
    std::size_t next = 0;
    for (const synset& s : source_.synsets) {
      write(op::learn_concept{.id = s.name, .content = s.gloss});
      for (int i = 0; i < 4 && next < source_.pointers.size(); ++i, ++next)
        write_pointer(source_.pointers[next]);
    }
    for (; next < source_.pointers.size(); ++next)
      write_pointer(source_.pointers[next]);
    publish();
    snapshot_ = engine_->share();
  }
  void write_pointer(const synset_pointer& p) {
    write(op::learn_association{.source = source_.synsets[p.source].name,
                                .target = source_.synsets[p.target].name,
                                .kind = kinds_[p.kind]});
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

// Shares nothing with the memory but the source files.
class plain_graph {
public:
  explicit plain_graph(const wordnet& source)
    : next_(source.synsets.size()), hops_(source.synsets.size()) {
    for (const synset_pointer& p : source.pointers)
      next_[p.source].push_back(p.target);
  }

  // Breadth-first from `from` to everything.
  const std::vector<std::uint32_t>& hops(std::uint32_t from) {
    std::fill(hops_.begin(), hops_.end(), unreached);
    order_.assign(1, from);
    hops_[from] = 0;
    for (std::size_t i = 0; i < order_.size(); ++i)
      for (const std::uint32_t to : next_[order_[i]])
        if (hops_[to] == unreached) {
          hops_[to] = hops_[order_[i]] + 1;
          order_.push_back(to);
        }
    return hops_;
  }

private:
  std::vector<std::vector<std::uint32_t>> next_;
  std::vector<std::uint32_t> hops_;
  std::vector<std::uint32_t> order_;
};

// Every association of the snapshot, as (source, target, kind) in indices.
std::vector<std::tuple<std::uint32_t, std::uint32_t, kind_id>> associations(const graph_snapshot& s,
                                                                            direction d) {
  std::vector<std::tuple<std::uint32_t, std::uint32_t, kind_id>> all;
  std::vector<neighbor> found;
  for (std::uint32_t i = 0; i < s.index_count(); ++i) {
    neighbors(s, i, d, {}, found);
    for (const neighbor& n : found)
      if (d == direction::outgoing)
        all.emplace_back(i, n.index, n.kind);
      else
        all.emplace_back(n.index, i, n.kind);
  }
  std::sort(all.begin(), all.end());
  return all;
}

const wordnet_memory& memory() {
  static const wordnet_memory m;
  return m;
}

} // namespace

TEST_CASE("WordNet is in the memory as its files have it") {
  const wordnet_memory& m = memory();
  CHECK(m.source().synsets.size() == 117'659);
  CHECK(m.source().pointers.size() == 364'552);
  CHECK(m.snapshot().concept_count() == m.source().synsets.size());
  CHECK(m.snapshot().edge_count() == m.source().pointers.size());
  CHECK(m.snapshot().placeholder_count() == 0);

  std::vector<std::tuple<std::uint32_t, std::uint32_t, kind_id>> expected;
  for (const synset_pointer& p : m.source().pointers)
    expected.emplace_back(m.index(p.source), m.index(p.target), m.kind(p.kind));
  std::sort(expected.begin(), expected.end());
  CHECK((associations(m.snapshot(), direction::outgoing) == expected));
  CHECK((associations(m.snapshot(), direction::incoming) == expected));

  std::size_t different = 0;
  for (std::uint32_t i = 0; i < m.source().synsets.size(); ++i) {
    const concept_view c = m.snapshot().at(m.index(i));
    different +=
      c.name() != m.source().synsets[i].name || c.content() != m.source().synsets[i].gloss;
  }
  CHECK(different == 0);
}

TEST_CASE("Between 1,000 random synsets paths have the hops of a plain search") {
  const wordnet_memory& m = memory();
  plain_graph plain(m.source());
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<kind_id>> kinds;
  for (const synset_pointer& p : m.source().pointers)
    kinds[{m.index(p.source), m.index(p.target)}].push_back(m.kind(p.kind));

  std::mt19937 random(1985);
  path_scratch scratch;
  std::size_t reached = 0;
  std::size_t wrong_hops = 0;
  std::size_t wrong_steps = 0;
  for (std::size_t i = 0, pairs = test::sweep(1000); i < pairs; ++i) {
    const auto from = static_cast<std::uint32_t>(random() % m.source().synsets.size());
    const auto to = static_cast<std::uint32_t>(random() % m.source().synsets.size());
    const std::uint32_t hops = plain.hops(from)[to];
    const auto p = find_path(m.snapshot(), m.index(from), m.index(to), path_depth_max, scratch);
    reached += hops != unreached;
    wrong_hops += (p ? p->hops() : unreached) != hops;
    if (!p)
      continue;
    wrong_steps += (p->steps.empty() ? p->source : p->steps.back().index) != m.index(to);
    std::uint32_t at = m.index(from);
    for (const path_step& step : p->steps) {
      const auto known = kinds.find({at, step.index});
      // All are equally confident: the least kind stands for parallel ones.
      wrong_steps += known == kinds.end()
                     || *std::min_element(known->second.begin(), known->second.end()) != step.kind;
      at = step.index;
    }
    if (hops != unreached && hops > 0)
      wrong_hops +=
        find_path(m.snapshot(), m.index(from), m.index(to), hops - 1, scratch).has_value();
  }
  CHECK(wrong_hops == 0);
  CHECK(wrong_steps == 0);
  CHECK(reached * 2 > test::sweep(1000)); // else it has shown little
}
