#pragma once
// What the tests of text search share: a memory with its trail of changes, and a plain model whose
// answers come from looking at everything.

#include "storage/engine.hpp"
#include "storage/text_filters.hpp"
#include "storage/text_indexer.hpp"
#include "storage/text_search.hpp"
#include "storage/text_tokens.hpp"
#include "tests/catch.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace cmem::test {

struct text_model {
  struct concept_text {
    std::string content;
    std::string name;
    std::map<std::string, std::string> attributes;
  };
  std::map<concept_id, concept_text> learned;

  using scored = std::vector<std::pair<concept_id, float>>;

  static std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> all;
    word_reader reader(text);
    for (std::string_view word; reader.next(word);)
      all.emplace_back(word);
    return all;
  }

  [[nodiscard]] scored search(const text_query& query) const {
    std::vector<std::pair<std::string, unsigned>> terms;
    for (const std::string& word : words_of(query.text)) {
      const auto known =
        std::find_if(terms.begin(), terms.end(), [&](const auto& t) { return t.first == word; });
      if (known == terms.end())
        terms.emplace_back(word, 1U);
      else
        ++known->second;
    }
    std::map<concept_id, std::map<std::string, unsigned>> counts;
    std::map<concept_id, unsigned> lengths;
    std::map<std::string, unsigned> having;
    double words = 0;
    for (const auto& [id, c] : learned) {
      for (const std::string& text : {c.content, c.name})
        for (const std::string& word : words_of(text)) {
          having[word] += counts[id][word]++ == 0 ? 1U : 0U;
          ++lengths[id];
        }
      words += lengths[id];
    }
    const auto concepts = static_cast<double>(learned.size());
    const double average = words / concepts;
    std::vector<std::pair<double, concept_id>> found;
    for (const auto& [id, count] : counts) {
      double sum = 0;
      std::size_t has = 0;
      for (const auto& [word, repeats] : terms) {
        const auto c = count.find(word);
        if (c == count.end())
          continue;
        ++has;
        const double n = having[word];
        const double ln = std::log((concepts - n + 0.5) / (n + 0.5));
        sum += (ln > 0 ? ln : 1e-6) * repeats
               * ((c->second * (1.2 + 1.0))
                  / (c->second + 1.2 * (1 - 0.75 + 0.75 * lengths[id] / average)));
      }
      if (query.all_words ? has == terms.size() : has != 0)
        found.emplace_back(-sum, id);
    }
    std::sort(found.begin(), found.end());
    scored best;
    for (std::size_t i = 0; i < std::min(found.size(), query.k); ++i)
      best.emplace_back(found[i].second, static_cast<float>(-found[i].first));
    return best;
  }
  [[nodiscard]] std::vector<std::string> names(std::string_view prefix, std::size_t k) const {
    std::vector<std::string> all;
    for (const auto& [id, c] : learned)
      if (!c.name.empty() && c.name.starts_with(prefix))
        all.push_back(c.name);
    std::sort(all.begin(), all.end());
    all.resize(std::min(all.size(), k));
    return all;
  }
  [[nodiscard]] std::set<concept_id> with(const std::string& key, const std::string& value) const {
    std::set<concept_id> all;
    for (const auto& [id, c] : learned) {
      const auto a = c.attributes.find(key);
      if (a != c.attributes.end() && a->second == value)
        all.insert(id);
    }
    return all;
  }
};

/// A snapshot, the index that goes with it, and what changed in between.
struct text_view {
  snapshot_handle snapshot;
  std::shared_ptr<const text_index> index;
  std::vector<std::uint32_t> changed;
  text_model model;

  [[nodiscard]] text_model::scored search(const text_query& query) const {
    text_scratch scratch;
    return search(query, scratch);
  }
  [[nodiscard]] text_model::scored search(const text_query& query, text_scratch& scratch) const {
    text_model::scored found;
    const auto hits = search_text(*snapshot, index.get(), changed, query, scratch);
    if (!hits)
      FAIL(to_string(hits.error()));
    for (const text_hit& h : *hits)
      found.emplace_back(snapshot->at(h.index).id(), h.score);
    return found;
  }
  [[nodiscard]] std::vector<std::string> names(std::string_view prefix, std::size_t k) const {
    std::vector<std::string> all;
    for (const std::uint32_t i : find_names(*snapshot, index.get(), changed, prefix, k))
      all.emplace_back(snapshot->at(i).name());
    return all;
  }
  [[nodiscard]] std::set<concept_id> with(const std::string& key, const std::string& value) const {
    std::set<concept_id> all;
    const auto found = attribute_postings(*snapshot, index.get(), changed, key, value);
    CHECK(std::is_sorted(found.begin(), found.end()));
    CHECK(attribute_estimate(*snapshot, index.get(), changed, key, value) >= found.size());
    for (const std::uint32_t i : found)
      if (!all.insert(snapshot->at(i).id()).second)
        FAIL("a concept twice");
    return all;
  }
};

/// A memory without actors that notes which concepts its writes are about.
class text_memory {
public:
  explicit text_memory(std::size_t at_once = text_indexer::postings_at_once,
                       std::size_t a_part = text_indexer::postings_a_part,
                       text_fields fields = text_fields::all)
    : indexer_(at_once, a_part, fields) {
    engine_options o;
    o.overflow = overflow_policy::reject;
    o.arena_bytes = std::size_t{1} << 30;
    engine_ = std::move(engine::create(std::move(o))).value();
    publish();
  }

  void learn(const std::string& name, const std::string& content) {
    model_.learned[touch(concept_id::from_name(name))].content = content;
    model_.learned[concept_id::from_name(name)].name = name;
    write(op::learn_concept{.id = std::string_view(name), .content = content});
  }
  /// Without its name, which it keeps if it has it.
  void learn_by_id(const std::string& name, const std::string& content) {
    const concept_id id = touch(concept_id::from_name(name));
    model_.learned[id].content = content;
    write(op::learn_concept{.id = id, .content = content});
  }
  void set(const std::string& name, const std::string& key, std::optional<std::string> value) {
    const concept_id id = touch(concept_id::from_name(name));
    auto& attributes = model_.learned.at(id).attributes;
    if (value)
      attributes[key] = *value;
    else
      attributes.erase(key);
    const attribute_update update{key,
                                  value ? std::optional<std::string_view>(*value) : std::nullopt};
    write(op::set_attributes{.id = id, .attributes = std::span(&update, 1)});
  }
  void forget(const std::string& name) {
    const concept_id id = touch(concept_id::from_name(name));
    model_.learned.erase(id);
    write(op::forget_concept{id});
  }
  template <class Op>
  void write(const Op& o) {
    const auto t = engine_->write(o);
    if (!t)
      FAIL(to_string(t.error()));
  }

  /// Makes everything written so far visible.
  void publish() {
    note_indices();
    reconcile_report done;
    do {
      done = engine_->reconcile();
      if (done.failed > 0)
        FAIL(done.failed << " of " << done.entries << " entries failed");
    } while (done.entries > 0);
    snapshot_ = engine_->share();
    note_indices();
    touched_.clear();
  }
  void update() {
    index_ = indexer_.update(*snapshot_, changed_);
    changed_.clear();
  }
  void rebuild() {
    index_ = indexer_.rebuild(*snapshot_);
    changed_.clear();
  }
  void merge(std::size_t postings) {
    if (indexer_.last())
      index_ = indexer_.merge(postings);
  }

  [[nodiscard]] text_view view() const { return {snapshot_, index_, changed_, model_}; }
  [[nodiscard]] const text_model& model() const { return model_; }
  [[nodiscard]] const std::shared_ptr<const text_index>& index() const { return index_; }
  [[nodiscard]] const text_indexer& indexer() const { return indexer_; }
  void also_changed(std::uint32_t index) { changed_.push_back(index); }

private:
  concept_id touch(const concept_id& id) {
    touched_.insert(id);
    return id;
  }
  void note_indices() {
    if (!snapshot_)
      return;
    for (const concept_id& id : touched_)
      if (const auto i = snapshot_->index_of(id))
        changed_.push_back(*i);
  }

  std::unique_ptr<engine> engine_;
  snapshot_handle snapshot_;
  text_indexer indexer_;
  std::shared_ptr<const text_index> index_;
  std::vector<std::uint32_t> changed_; // since that index
  std::set<concept_id> touched_;       // since that snapshot
  text_model model_;
};

} // namespace cmem::test
