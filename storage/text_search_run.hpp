#pragma once
// What runs inside of search_text(): the query's words, what changed, and the pieces of the index.

#include "storage/text_postings.hpp"
#include "storage/text_search.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cmem {

/// The k best so far.
class best_texts {
public:
  /// Null: among all. Borrows both.
  void begin(const graph_snapshot& s, std::size_t k, const filtered_concepts* among);
  void offer(double score, std::uint32_t index);
  /// What is lower need not be offered.
  [[nodiscard]] double least() const noexcept { return least_; }
  [[nodiscard]] std::vector<text_hit> take();

private:
  struct hit {
    double score;
    concept_id id;
    std::uint32_t index;
  };
  static bool better(const hit& a, const hit& b) noexcept {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
  }

  const graph_snapshot* s_ = nullptr;
  const filtered_concepts* among_ = nullptr;
  std::size_t k_ = 0;
  double least_ = 0.0;
  std::vector<hit> heap_; // once full: its front is the worst
};

/// The words of a query, each once.
class query_terms {
public:
  struct term {
    std::string key; // with its term_field
    std::uint32_t repeats = 0;
    std::uint64_t having = 0; // documents
    double weight = 0.0;
  };

  result<void> read(std::string_view text);
  [[nodiscard]] std::span<term> all() noexcept { return {terms_.data(), count_}; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  /// Counts the words of a text, and adds to times[i] how often term i is among them.
  std::uint32_t count(std::string_view text, std::uint32_t* times) const;

private:
  [[nodiscard]] std::size_t find(std::string_view word) const noexcept; // size(): none

  std::vector<term> terms_; // more than in use: keys keep their memory
  std::size_t count_ = 0;
  std::array<std::uint64_t, 256> by_first_{}; // terms that begin with this byte, a bit each
};

/// How much a word counts in a document.
class text_weights {
public:
  void begin(double average_words);
  [[nodiscard]] double operator()(double weight, std::uint32_t times,
                                  std::uint32_t words) const noexcept {
    const double n = words < known_.size() ? known_[words] : norm(words);
    return weight * ((times * (k1 + 1.0)) / (times + n));
  }

private:
  static constexpr double k1 = 1.2;
  static constexpr double b = 0.75;
  [[nodiscard]] double norm(std::uint32_t words) const noexcept {
    return k1 * (1 - b + b * words / average_);
  }

  double average_ = 1.0;
  std::array<double, 256> known_{}; // of documents of so many words
};

/// A piece of the index as of the snapshot: with what the snapshot no longer has.
class masked_piece {
public:
  using page = dead_documents::page;

  /// `excluded`: ascending numbers that live in the index and not in the snapshot. `memory` keeps
  /// pages for this piece.
  void begin(const text_index::piece& p, std::span<const std::uint32_t> excluded,
             std::deque<page>& memory);
  [[nodiscard]] const text_part& part() const noexcept { return *part_; }
  /// nullptr: all of these documents live.
  [[nodiscard]] const page* dead(std::uint32_t number) const noexcept {
    return pages_.empty() ? nullptr : pages_[number / dead_documents::page_documents];
  }
  [[nodiscard]] bool lives(std::uint32_t number) const noexcept {
    const page* p = dead(number);
    return p == nullptr || !dead_documents::test(*p, number);
  }
  /// How many that have the term live.
  [[nodiscard]] std::uint64_t live(const posting_list& list) const noexcept;

private:
  [[nodiscard]] bool all_live(std::uint32_t first, std::uint32_t last) const noexcept;

  const text_part* part_ = nullptr;
  std::vector<const page*> pages_; // empty: all live
};

struct text_scratch::impl {
  static constexpr std::uint32_t window = dead_documents::page_documents;

  struct cursor {
    posting_reader reader;
    std::uint32_t term = 0;
    std::uint32_t at = 0; // in the block
    bool done = false;
  };

  query_terms terms;
  text_weights weights;
  best_texts best;

  // Concepts that the index has not as they are, and have one of the words.
  std::vector<std::uint32_t> changed;
  std::vector<text_document> fresh;
  std::vector<std::uint32_t> fresh_times;           // of each, of all terms
  std::vector<std::vector<std::uint32_t>> excluded; // of each piece

  std::vector<masked_piece> pieces;
  std::vector<posting_list> lists; // of each piece, of all terms
  std::deque<dead_documents::page> pages;

  std::vector<cursor> cursors;
  std::array<double, window> sums{};                // all 0 between windows
  std::array<std::uint64_t, window / 64> touched{}; // likewise
  bool adding = false;                              // but for a search that threw
  std::vector<std::uint32_t> candidates;
  std::vector<std::uint32_t> candidate_times; // of each, of all terms

  void clear_sums() noexcept;
  /// Offers what has any of the terms, or all of them.
  void any_of(const masked_piece& p, std::span<const posting_list> lists_of);
  void all_of(const masked_piece& p, std::span<const posting_list> lists_of);

private:
  void add_up(const masked_piece& p, cursor& c, std::uint32_t end);
  void offer_window(const masked_piece& p, std::uint32_t first);
  void keep(cursor& c);
  void offer_candidates(const masked_piece& p);
};

} // namespace cmem
