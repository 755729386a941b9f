// Concepts by the words of their content and name, beside SQLite's FTS5.

#include "bench/benches.hpp"
#include "bench/peer_module.hpp"
#include "bench/text_peer.hpp"
#include "bench/workbench.hpp"
#include "storage/text_indexer.hpp"
#include "storage/text_search.hpp"
#include "storage/text_tokens.hpp"
#include "tools/wordnet.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace cmem::bench {
namespace {

constexpr std::size_t top = 10;

struct asked_words {
  std::vector<std::string> words;
  std::string text; // the same
  bool all = false;
};

/// Learned concepts of WordNet, and queries of the words of their glosses.
class text_rig {
public:
  text_rig() : source_(or_throw(tools::read_wordnet())), memory_(make_engine()) {
    for (std::size_t i = 0; i < source_.synsets.size(); ++i)
      learn(i, source_.synsets[i].gloss);
    publish();
  }

  void learn(std::size_t synset, const std::string& gloss) {
    (void) or_throw(memory_->write(
      op::learn_concept{.id = std::string_view(source_.synsets[synset].name), .content = gloss}));
    if (++unpublished_ == 10'000)
      publish();
  }
  void publish() {
    while (memory_->reconcile().entries > 0) {}
    snapshot_ = memory_->share();
    unpublished_ = 0;
  }
  /// Learns so many random ones anew, and says which.
  std::vector<std::uint32_t> change(std::size_t count, tools::random_numbers& random) {
    std::vector<std::uint32_t> changed;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t synset = random.below(source_.synsets.size());
      learn(synset, source_.synsets[random.below(source_.synsets.size())].gloss);
      changed.push_back(
        snapshot_->index_of(concept_id::from_name(source_.synsets[synset].name)).value());
    }
    publish();
    return changed;
  }
  /// 1 to 5 words each: for any of them, words of all glosses as often as they are there; for all
  /// of them, words of one gloss.
  [[nodiscard]] std::vector<asked_words> queries(std::size_t count) const {
    tools::random_numbers random(61);
    const auto any_gloss = [&]() -> const std::string& {
      return source_.synsets[random.below(source_.synsets.size())].gloss;
    };
    std::vector<asked_words> made;
    while (made.size() < count) {
      asked_words q;
      q.all = made.size() % 2 == 1;
      const std::string* gloss = &any_gloss();
      for (std::uint64_t n = 1 + random.below(5); n > 0; --n) {
        std::vector<std::string> words;
        word_reader reader(*gloss);
        for (std::string_view word; reader.next(word);)
          words.emplace_back(word);
        if (!words.empty())
          q.words.push_back(words[random.below(words.size())]);
        if (!q.all)
          gloss = &any_gloss();
      }
      std::sort(q.words.begin(), q.words.end());
      q.words.erase(std::unique(q.words.begin(), q.words.end()), q.words.end());
      if (q.words.empty())
        continue;
      for (const std::string& word : q.words)
        q.text += word + " ";
      made.push_back(std::move(q));
    }
    return made;
  }
  void fill(text_peer& peer) const {
    std::string text;
    for (std::uint32_t i = 0; i < snapshot_->index_count(); ++i) {
      const concept_view c = snapshot_->at(i);
      text.assign(c.content()).append(" ").append(c.name());
      peer.add(i, text);
    }
    peer.finish();
  }
  [[nodiscard]] const graph_snapshot& snapshot() const { return *snapshot_; }

private:
  tools::wordnet source_;
  std::unique_ptr<engine> memory_;
  snapshot_handle snapshot_;
  std::size_t unpublished_ = 0;
};

/// Equal but for the order of those whose scores are (to a millionth) equal; of the last of these
/// some may be left out.
bool same_ranking(const std::vector<text_hit>& ours,
                  const std::vector<std::pair<std::uint32_t, double>>& theirs) {
  if (ours.size() != theirs.size())
    return false;
  const auto equal = [](double a, double b) { return std::abs(a - b) <= 1e-6 * (a + b); };
  for (std::size_t begin = 0; begin < theirs.size();) {
    std::size_t end = begin;
    while (end < theirs.size() && equal(theirs[begin].second, theirs[end].second))
      ++end;
    for (std::size_t i = begin; i < end; ++i) {
      if (!equal(static_cast<double>(ours[i].score), theirs[i].second))
        return false;
      const bool is_there = std::any_of(theirs.begin() + static_cast<std::ptrdiff_t>(begin),
                                        theirs.begin() + static_cast<std::ptrdiff_t>(end),
                                        [&](const auto& t) { return t.first == ours[i].index; });
      if (!is_there && end != top)
        return false;
    }
    begin = end;
  }
  return true;
}

/// Microseconds of each query: the median of the rounds, so that what came from outside is left
/// out.
class query_times {
public:
  explicit query_times(std::size_t queries) : times_(queries) {}
  template <class F>
  void time(std::size_t query, F&& f) {
    const stopwatch watch;
    f();
    times_[query].push_back(watch.seconds() * 1e6);
  }
  [[nodiscard]] double quantile(double q) const {
    std::vector<double> all;
    for (const auto& t : times_)
      all.push_back(median(t));
    std::sort(all.begin(), all.end());
    return all[static_cast<std::size_t>(q * static_cast<double>(all.size() - 1))];
  }

private:
  std::vector<std::vector<double>> times_;
};

} // namespace

outcome text(const options& options) {
  outcome o;
  text_rig rig;
  const auto queries = rig.queries(options.scaled(1000));
  const auto documents = static_cast<double>(rig.snapshot().concept_count());
  text_indexer indexer;
  std::unique_ptr<text_peer> peer;
  const auto make = reinterpret_cast<decltype(&cmem_bench_make_text_peer)>(
    peer_symbol("sqlite_text", "cmem_bench_make_text_peer"));
  const window index_ours = [&] {
    const stopwatch watch;
    (void) indexer.rebuild(rig.snapshot());
    return watch.seconds();
  };
  if (make == nullptr) {
    o.rows.push_back({"index all", median_of(index_ours, o, 3), "s"});
    o.notes.emplace_back("SQLite was not there when this was built: nothing to compare with");
  } else {
    const comparison made = compare(
      index_ours,
      [&] {
        peer.reset(make());
        const stopwatch watch;
        rig.fill(*peer);
        return watch.seconds();
      },
      o, 3);
    o.rows.push_back({"index all", made.subject, "s", peer->name(), made.baseline});
    o.notes = {"baseline: " + peer->settings()
               + "; its one column is content, a blank and the name"};
  }
  const auto per_document = [&](std::uint64_t bytes) {
    return static_cast<double>(bytes) / documents;
  };
  const std::string peer_name = peer ? peer->name() : "";
  o.rows.push_back({"index", per_document(indexer.last()->bytes()), "B a document", peer_name,
                    peer ? per_document(peer->bytes()) : 0});

  text_scratch scratch;
  std::size_t seen = 0;
  const auto ask = [&](const asked_words& q, std::span<const std::uint32_t> changed) {
    auto hits = or_throw(search_text(rig.snapshot(), indexer.last().get(), changed,
                                     {.text = q.text, .k = top, .all_words = q.all}, scratch));
    seen += hits.size();
    return hits;
  };
  query_times ours(queries.size());
  query_times theirs(queries.size());
  std::vector<std::pair<std::uint32_t, double>> found;
  std::size_t same = 0;
  for (int round = 0; round < 4; ++round)
    for (std::size_t i = 0; i < queries.size(); ++i) {
      const asked_words& q = queries[i];
      if (round == 0) { // warms up both
        const auto hits = ask(q, {});
        if (peer) {
          peer->search(q.words, q.all, top, found);
          same += same_ranking(hits, found) ? 1U : 0U;
        }
        continue;
      }
      if (peer)
        theirs.time(i, [&] { peer->search(q.words, q.all, top, found); });
      ours.time(i, [&] { (void) ask(q, {}); });
    }
  const auto bar = [&](double limit) {
    return peer ? std::optional(ratio_at_most(limit)) : std::nullopt;
  };
  const auto baseline = [&](double q) { return peer ? theirs.quantile(q) : 0; };
  if (peer)
    o.rows.push_back({"queries ranked as by " + peer_name,
                      100.0 * static_cast<double>(same) / static_cast<double>(queries.size()), "%",
                      "", 0, at_least(95)});
  o.rows.push_back({"query, p50", ours.quantile(0.5), "us", peer_name, baseline(0.5), bar(1)});
  o.rows.push_back({"query, p99", ours.quantile(0.99), "us", peer_name, baseline(0.99), bar(1)});

  // What a memory that is being learned has: many parts, dead documents, and what is not indexed.
  tools::random_numbers random(62);
  std::vector<double> updates;
  for (int i = 0; i < 200; ++i) {
    const auto changed = rig.change(100, random);
    const stopwatch watch;
    (void) indexer.update(rig.snapshot(), changed);
    updates.push_back(watch.seconds() * 1e6);
  }
  const auto changed = rig.change(300, random);
  query_times later(queries.size());
  for (int round = 0; round < 3; ++round)
    for (std::size_t i = 0; i < queries.size(); ++i)
      later.time(i, [&] { (void) ask(queries[i], changed); });
  o.rows.push_back({"query, p50, 20,000 changed, 300 of them since the index", later.quantile(0.5),
                    "us", peer_name, baseline(0.5)});
  o.rows.push_back({"query, p99, likewise", later.quantile(0.99), "us", peer_name, baseline(0.99)});
  o.rows.push_back({"index 100 changes, p50", median(updates), "us"});
  o.rows.push_back(
    {"index 100 changes, longest", *std::max_element(updates.begin(), updates.end()), "us"});
  o.rows.push_back({"index, then", per_document(indexer.last()->bytes()), "B a document"});
  o.notes.push_back("WordNet: " + std::to_string(rig.snapshot().concept_count())
                    + " concepts, content is the gloss; " + std::to_string(queries.size())
                    + " queries of 1 to 5 words of glosses, half of them for all words; top 10; "
                      "each query's time is the median of 3 in which both take turns");
  o.notes.push_back("hits: " + std::to_string(seen));
  return o;
}

} // namespace cmem::bench
