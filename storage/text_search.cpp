#include "storage/text_search.hpp"

#include "storage/text_changes.hpp"
#include "storage/text_search_run.hpp"

#include <algorithm>
#include <cmath>

namespace cmem {

namespace {

using run = text_scratch::impl;

/// Words of all documents of the snapshot are counted on the way.
struct text_totals {
  std::uint64_t words = 0;
};

// A concept that the index has not, or not as it is.
void look_at(const graph_snapshot& s, std::uint32_t index, run& r, text_totals& totals) {
  const std::size_t width = r.terms.size();
  const std::size_t begin = r.fresh_times.size();
  r.fresh_times.resize(begin + width);
  std::uint32_t* const times = r.fresh_times.data() + begin;
  const concept_view c = s.at(index);
  const std::uint32_t words = r.terms.count(c.content(), times) + r.terms.count(c.name(), times);
  totals.words += words;
  bool any = false;
  for (std::size_t t = 0; t != width; ++t)
    if (times[t] != 0) {
      any = true;
      ++r.terms.all()[t].having;
    }
  if (any)
    r.fresh.push_back({index, words});
  else
    r.fresh_times.resize(begin);
}

void look_at_changed(const graph_snapshot& s, const text_index& index,
                     std::span<const std::uint32_t> changed, run& r, text_totals& totals) {
  r.changed.assign(changed.begin(), changed.end());
  sift_changed(
    s, index, r.changed,
    [&](const text_index::place& p, const text_document& d) {
      r.excluded[p.piece].push_back(p.number);
      totals.words -= d.words;
    },
    [&](std::uint32_t i) { look_at(s, i, r, totals); });
}

void offer_fresh(run& r, bool all_words) {
  const std::size_t width = r.terms.size();
  for (std::size_t i = 0; i != r.fresh.size(); ++i) {
    const std::uint32_t* const times = r.fresh_times.data() + i * width;
    if (all_words && std::find(times, times + width, 0U) != times + width)
      continue;
    double sum = 0.0;
    for (std::size_t t = 0; t != width; ++t)
      if (times[t] != 0)
        sum += r.weights(r.terms.all()[t].weight, times[t], r.fresh[i].words);
    r.best.offer(sum, r.fresh[i].index);
  }
}

void find_postings(const text_index& index, run& r) {
  for (std::size_t i = 0; i != r.pieces.size(); ++i) {
    r.pieces[i].begin(index.pieces()[i], r.excluded[i], r.pages);
    for (auto& term : r.terms.all()) {
      r.lists.push_back(r.pieces[i].part().find(term.key));
      term.having += r.pieces[i].live(r.lists.back());
    }
  }
}

void weigh(const graph_snapshot& s, const text_totals& totals, run& r) {
  const auto concepts = static_cast<double>(s.concept_count());
  r.weights.begin(static_cast<double>(totals.words) / concepts);
  for (auto& term : r.terms.all()) {
    const auto having = static_cast<double>(term.having);
    const double weight = std::log((concepts - having + 0.5) / (having + 0.5));
    term.weight = (weight > 0.0 ? weight : 1e-6) * term.repeats;
  }
}

} // namespace

text_scratch::text_scratch() : impl_(std::make_unique<impl>()) {}
text_scratch::~text_scratch() = default;
text_scratch::text_scratch(text_scratch&&) noexcept = default;
text_scratch& text_scratch::operator=(text_scratch&&) noexcept = default;

result<std::vector<text_hit>> search_text(const graph_snapshot& s, const text_index* index,
                                          std::span<const std::uint32_t> changed,
                                          const text_query& query, text_scratch& scratch) {
  run& r = scratch.get();
  if (const auto read = r.terms.read(query.text); !read)
    return read.error();
  const std::size_t k = std::min<std::size_t>(query.k, s.concept_count());
  if (k == 0)
    return std::vector<text_hit>();
  const std::size_t pieces = index == nullptr ? 0 : index->pieces().size();
  r.fresh.clear();
  r.fresh_times.clear();
  r.pages.clear();
  r.lists.clear();
  r.pieces.resize(pieces);
  r.clear_sums();
  r.excluded.resize(std::max(r.excluded.size(), pieces));
  for (auto& numbers : r.excluded)
    numbers.clear();

  text_totals totals;
  if (index == nullptr) {
    for_each_learned(s, [&](std::uint32_t i) { look_at(s, i, r, totals); });
  } else {
    totals.words = index->words();
    look_at_changed(s, *index, changed, r, totals);
    find_postings(*index, r);
  }
  weigh(s, totals, r);
  r.best.begin(s, k, query.among);
  offer_fresh(r, query.all_words);
  const std::size_t width = r.terms.size();
  for (std::size_t i = 0; i != pieces; ++i) {
    const auto lists = std::span(r.lists).subspan(i * width, width);
    if (query.all_words)
      r.all_of(r.pieces[i], lists);
    else
      r.any_of(r.pieces[i], lists);
  }
  return r.best.take();
}

result<std::vector<text_hit>> search_text(const graph_snapshot& s, const text_index* index,
                                          std::span<const std::uint32_t> changed,
                                          const text_query& query) {
  text_scratch scratch;
  return search_text(s, index, changed, query, scratch);
}

} // namespace cmem
