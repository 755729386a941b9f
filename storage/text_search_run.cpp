#include "storage/text_search_run.hpp"

#include "storage/text_tokens.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace cmem {

void best_texts::begin(const graph_snapshot& s, std::size_t k, const filtered_concepts* among) {
  s_ = &s;
  among_ = among;
  k_ = k;
  least_ = 0.0;
  heap_.clear();
}

void best_texts::offer(double score, std::uint32_t index) {
  if (score < least_)
    return;
  const hit h{score, s_->node(index).id, index};
  if (heap_.size() == k_ && !better(h, heap_.front()))
    return;
  if (among_ != nullptr && !among_->contains(index))
    return;
  if (heap_.size() < k_) {
    heap_.push_back(h);
    if (heap_.size() != k_)
      return;
    std::make_heap(heap_.begin(), heap_.end(), better);
  } else {
    std::pop_heap(heap_.begin(), heap_.end(), better);
    heap_.back() = h;
    std::push_heap(heap_.begin(), heap_.end(), better);
  }
  least_ = heap_.front().score;
}

std::vector<text_hit> best_texts::take() {
  std::sort(heap_.begin(), heap_.end(), better);
  std::vector<text_hit> hits;
  hits.reserve(heap_.size());
  for (const hit& h : heap_)
    hits.push_back({h.index, static_cast<float>(h.score)});
  constexpr std::size_t kept = 1U << 14; // what a query for everything needed is given back
  if (heap_.capacity() > kept)
    heap_ = {};
  return hits;
}

result<void> query_terms::read(std::string_view text) {
  count_ = 0;
  by_first_.fill(0);
  word_reader reader(text);
  for (std::string_view word; reader.next(word);) {
    const std::size_t known = find(word);
    if (known != count_) {
      ++terms_[known].repeats;
      continue;
    }
    if (count_ == query_words_max)
      return failure{errc::invalid_argument, "text query has more than "
                                               + std::to_string(query_words_max)
                                               + " different words: ask for fewer"};
    if (count_ == terms_.size())
      terms_.emplace_back();
    term& t = terms_[count_];
    t.key.assign(1, static_cast<char>(term_field::word)).append(word);
    t.repeats = 1;
    t.having = 0;
    by_first_[static_cast<unsigned char>(word[0])] |= std::uint64_t{1} << count_;
    ++count_;
  }
  if (count_ == 0)
    return failure{errc::invalid_argument,
                   "text query has no words: it must be valid UTF-8 with a letter or a digit"};
  return {};
}

std::size_t query_terms::find(std::string_view word) const noexcept {
  std::uint64_t some = by_first_[static_cast<unsigned char>(word[0])];
  for (; some != 0; some &= some - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(some));
    if (std::string_view(terms_[i].key).substr(1) == word)
      return i;
  }
  return count_;
}

std::uint32_t query_terms::count(std::string_view text, std::uint32_t* times) const {
  std::uint32_t words = 0;
  word_reader reader(text);
  for (std::string_view word; reader.next(word); ++words)
    if (by_first_[static_cast<unsigned char>(word[0])] != 0)
      if (const std::size_t i = find(word); i != count_)
        ++times[i];
  return words;
}

void text_weights::begin(double average_words) {
  average_ = average_words;
  for (std::uint32_t n = 0; n != known_.size(); ++n)
    known_[n] = norm(n);
}

void masked_piece::begin(const text_index::piece& p, std::span<const std::uint32_t> excluded,
                         std::deque<page>& memory) {
  part_ = p.part.get();
  pages_.clear();
  if (p.dead.count() == 0 && excluded.empty())
    return;
  for (std::size_t i = 0; i != p.dead.pages(); ++i)
    pages_.push_back(p.dead.at(i));
  for (std::size_t i = 0; i != excluded.size();) {
    const std::uint32_t number = excluded[i] / dead_documents::page_documents;
    page& own = memory.emplace_back();
    if (pages_[number] != nullptr)
      own = *pages_[number];
    else
      own.fill(0);
    for (; i != excluded.size() && excluded[i] / dead_documents::page_documents == number; ++i)
      own[excluded[i] % dead_documents::page_documents / 64] |= std::uint64_t{1}
                                                                << excluded[i] % 64;
    pages_[number] = &own;
  }
}

bool masked_piece::all_live(std::uint32_t first, std::uint32_t last) const noexcept {
  // Whole words of 64: what is dead beside them costs a look at the block.
  for (std::uint32_t w = first / 64; w <= last / 64; ++w) {
    const page* p = dead(w * 64);
    if (p != nullptr && (*p)[w % (dead_documents::page_documents / 64)] != 0)
      return false;
  }
  return true;
}

std::uint64_t masked_piece::live(const posting_list& list) const noexcept {
  if (pages_.empty())
    return list.count;
  std::uint64_t count = 0;
  posting_reader reader(list);
  while (reader.next_block()) {
    if (reader.last_known() && all_live(reader.before() + 1, reader.last())) {
      count += reader.size();
      continue;
    }
    for (const std::uint32_t n : reader.documents())
      count += lives(n) ? 1U : 0U;
  }
  return count;
}

void text_scratch::impl::clear_sums() noexcept {
  if (!std::exchange(adding, false))
    return;
  sums.fill(0.0);
  touched.fill(0);
}

void text_scratch::impl::any_of(const masked_piece& p, std::span<const posting_list> lists_of) {
  std::size_t count = 0;
  for (std::uint32_t t = 0; t != lists_of.size(); ++t) {
    if (lists_of[t].count == 0)
      continue;
    if (count == cursors.size())
      cursors.emplace_back();
    cursor& c = cursors[count++];
    c.reader.open(lists_of[t]);
    c.term = t;
    c.at = 0;
    c.done = !c.reader.next_block();
  }
  const std::span open(cursors.data(), count);
  adding = true;
  while (true) {
    std::uint32_t lowest = text_part::none;
    for (cursor& c : open)
      if (!c.done)
        lowest = std::min(lowest, c.reader.documents()[c.at]);
    if (lowest == text_part::none)
      break;
    const std::uint32_t first = lowest / window * window;
    for (cursor& c : open)
      add_up(p, c, first + (window - 1));
    offer_window(p, first);
  }
  adding = false;
}

// Up to and with document `end`, the last of the window.
void text_scratch::impl::add_up(const masked_piece& p, cursor& c, std::uint32_t end) {
  const double weight = terms.all()[c.term].weight;
  while (!c.done) {
    const auto documents = c.reader.documents();
    if (documents[c.at] > end)
      return;
    const auto times = c.reader.times();
    for (; c.at != documents.size() && documents[c.at] <= end; ++c.at) {
      const std::uint32_t number = documents[c.at];
      const std::uint32_t here = number % window;
      sums[here] += weights(weight, times[c.at], p.part().words_of(number));
      touched[here / 64] |= std::uint64_t{1} << here % 64;
    }
    if (c.at != documents.size())
      return;
    c.at = 0;
    c.done = !c.reader.next_block();
  }
}

void text_scratch::impl::offer_window(const masked_piece& p, std::uint32_t first) {
  const masked_piece::page* const dead = p.dead(first);
  for (std::uint32_t w = 0; w != touched.size(); ++w) {
    const std::uint64_t here = std::exchange(touched[w], 0);
    const std::uint64_t gone = dead == nullptr ? 0 : (*dead)[w];
    for (std::uint64_t some = here; some != 0; some &= some - 1) {
      const auto bit = static_cast<std::uint32_t>(std::countr_zero(some));
      const double sum = std::exchange(sums[w * 64 + bit], 0.0);
      if (sum >= best.least() && (gone >> bit & 1) == 0)
        best.offer(sum, p.part().index_of(first + w * 64 + bit));
    }
  }
}

// The rarest term says what may be found; the others are looked up only where it is.
void text_scratch::impl::all_of(const masked_piece& p, std::span<const posting_list> lists_of) {
  cursors.resize(std::max(cursors.size(), lists_of.size()));
  for (std::uint32_t t = 0; t != lists_of.size(); ++t) {
    cursors[t].term = t;
    cursors[t].at = 0;
    cursors[t].reader.open(lists_of[t]);
    cursors[t].done = !cursors[t].reader.next_block();
    if (cursors[t].done)
      return;
  }
  const std::span open(cursors.data(), lists_of.size());
  std::sort(open.begin(), open.end(), [&](const cursor& a, const cursor& b) {
    return lists_of[a.term].count < lists_of[b.term].count;
  });
  do {
    const auto documents = open[0].reader.documents();
    const auto times = open[0].reader.times();
    candidates.clear();
    candidate_times.resize(documents.size() * lists_of.size());
    for (std::size_t i = 0; i != documents.size(); ++i)
      if (p.lives(documents[i])) {
        candidate_times[candidates.size() * lists_of.size() + open[0].term] = times[i];
        candidates.push_back(documents[i]);
      }
    for (cursor& c : open.subspan(1))
      keep(c);
    offer_candidates(p);
  } while (open[0].reader.next_block());
}

// Candidates that have the cursor's term too.
void text_scratch::impl::keep(cursor& c) {
  const std::size_t width = terms.size();
  std::size_t kept = 0;
  for (std::size_t i = 0; i != candidates.size() && !c.done; ++i) {
    const std::uint32_t wanted = candidates[i];
    while (true) {
      const std::uint32_t before = c.reader.before();
      c.done = !c.reader.skip_to(wanted);
      if (c.done)
        break;
      if (c.reader.before() != before)
        c.at = 0;
      const auto documents = c.reader.documents();
      while (c.at != documents.size() && documents[c.at] < wanted)
        ++c.at;
      if (c.at != documents.size() || c.reader.last_known())
        break;
      c.done = !c.reader.next_block();
      c.at = 0;
      if (c.done)
        break;
    }
    if (c.done || c.at == c.reader.size() || c.reader.documents()[c.at] != wanted)
      continue;
    std::copy_n(&candidate_times[i * width], width, &candidate_times[kept * width]);
    candidate_times[kept * width + c.term] = c.reader.times()[c.at];
    candidates[kept++] = wanted;
  }
  candidates.resize(kept);
}

void text_scratch::impl::offer_candidates(const masked_piece& p) {
  const std::size_t width = terms.size();
  for (std::size_t i = 0; i != candidates.size(); ++i) {
    const std::uint32_t words = p.part().words_of(candidates[i]);
    double sum = 0.0;
    for (std::size_t t = 0; t != width; ++t)
      sum += weights(terms.all()[t].weight, candidate_times[i * width + t], words);
    if (sum >= best.least())
      best.offer(sum, p.part().index_of(candidates[i]));
  }
}

} // namespace cmem
