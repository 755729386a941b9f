#include "storage/text_merge.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace cmem {

text_merge::text_merge(std::vector<text_index::piece> pieces) : pieces_(std::move(pieces)) {
  for (std::uint32_t i = 0; i != pieces_.size(); ++i) {
    numbers_.emplace_back(pieces_[i].part->documents(), text_part::none);
    push_document(i, 0);
  }
}

// The first live document of the piece from `number` on.
void text_merge::push_document(std::uint32_t piece, std::uint32_t number) {
  const text_index::piece& p = pieces_[piece];
  while (number != p.part->documents() && p.dead.test(number))
    ++number;
  if (number == p.part->documents())
    return;
  documents_.push_back({p.part->index_of(number), piece, number});
  std::push_heap(documents_.begin(), documents_.end(),
                 [](const auto& a, const auto& b) { return a.index > b.index; });
}

bool text_merge::merge_documents(std::size_t& budget) {
  while (!documents_.empty() && budget != 0) {
    std::pop_heap(documents_.begin(), documents_.end(),
                  [](const auto& a, const auto& b) { return a.index > b.index; });
    const next_document d = documents_.back();
    documents_.pop_back();
    numbers_[d.piece][d.number] = writer_.documents();
    writer_.add_document(pieces_[d.piece].part->document(d.number));
    push_document(d.piece, d.number + 1);
    --budget;
  }
  return documents_.empty();
}

void text_merge::take_postings(std::uint32_t piece) {
  const std::vector<std::uint32_t>& numbers = numbers_[piece];
  posting_reader reader(walks_[piece].postings());
  while (reader.next_block()) {
    const auto documents = reader.documents();
    const auto times = reader.times();
    for (std::size_t i = 0; i != documents.size(); ++i)
      if (numbers[documents[i]] != text_part::none)
        list_.push_back({numbers[documents[i]], times[i]});
  }
}

bool text_merge::merge_terms(std::size_t& budget) {
  const auto later = [this](std::uint32_t a, std::uint32_t b) {
    return walks_[a].key() > walks_[b].key();
  };
  if (walks_.empty()) {
    for (std::uint32_t i = 0; i != pieces_.size(); ++i) {
      walks_.emplace_back(*pieces_[i].part);
      if (!walks_[i].done())
        terms_.push_back(i);
    }
    std::make_heap(terms_.begin(), terms_.end(), later);
  }
  while (!terms_.empty() && budget != 0) {
    const std::string key = walks_[terms_.front()].key();
    const auto by_document = [](const posting& a, const posting& b) {
      return a.document < b.document;
    };
    list_.clear();
    while (!terms_.empty() && walks_[terms_.front()].key() == key) {
      std::pop_heap(terms_.begin(), terms_.end(), later);
      const std::uint32_t piece = terms_.back();
      const auto before = static_cast<std::ptrdiff_t>(list_.size());
      take_postings(piece);
      std::inplace_merge(list_.begin(), list_.begin() + before, list_.end(), by_document);
      const std::size_t count = walks_[piece].postings().count;
      budget -= std::min(budget, count);
      walks_[piece].next();
      if (walks_[piece].done())
        terms_.pop_back();
      else
        std::push_heap(terms_.begin(), terms_.end(), later);
    }
    if (!list_.empty())
      writer_.add_term(key, list_);
  }
  return terms_.empty();
}

bool text_merge::step(std::size_t postings_max) {
  std::size_t budget = std::max<std::size_t>(postings_max, 1);
  return merge_documents(budget) && merge_terms(budget);
}

text_index::piece text_merge::finish(std::span<const text_index::piece> now) {
  assert(documents_.empty() && terms_.empty() && now.size() == pieces_.size());
  std::vector<std::uint32_t> died;
  for (std::size_t i = 0; i != now.size(); ++i) {
    assert(now[i].part == pieces_[i].part);
    for (std::size_t page = 0; page != now[i].dead.pages(); ++page) {
      const dead_documents::page* const dead = now[i].dead.at(page);
      if (dead == nullptr || dead == pieces_[i].dead.at(page))
        continue;
      const auto first = static_cast<std::uint32_t>(page) * dead_documents::page_documents;
      const auto end = std::min(first + dead_documents::page_documents, now[i].part->documents());
      for (std::uint32_t n = first; n != end; ++n)
        if (dead_documents::test(*dead, n) && numbers_[i][n] != text_part::none)
          died.push_back(numbers_[i][n]);
    }
  }
  std::sort(died.begin(), died.end());
  auto part = writer_.finish();
  const dead_documents none(part->documents());
  return {std::move(part), none.with(died)};
}

} // namespace cmem
