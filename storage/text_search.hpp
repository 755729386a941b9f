#pragma once
// Concepts by the words of their content and name (R5).

#include "storage/concept_filter.hpp"
#include "storage/graph_snapshot.hpp"
#include "storage/result.hpp"
#include "storage/text_index.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace cmem {

inline constexpr std::size_t query_words_max = 64; ///< different ones

struct text_query {
  std::string_view text;  ///< its words, as text_tokens.hpp has them; a word that is there twice
                          ///< counts twice
  std::size_t k = 10;     ///< so many at most; 0 finds nothing
  bool all_words = false; ///< only concepts that have each of the words, not any of them
  /// Only these are hits, of the same snapshot; borrowed. Null: all. (Weights are those of all.)
  const filtered_concepts* among = nullptr;
};

struct text_hit {
  std::uint32_t index = 0; ///< resolve by snapshot.at(index) (R6)
  float score = 0.0F;      ///< > 0, larger is better

  friend bool operator==(const text_hit&, const text_hit&) = default;
};

/// The memory that search_text() reuses: some kilobytes a word, and with `changed` as many as that
/// needs. It keeps nothing of a snapshot or an index. Threads: one for each thread. One that was
/// moved from may only be assigned to or destroyed.
class text_scratch {
public:
  text_scratch();
  ~text_scratch();
  text_scratch(text_scratch&&) noexcept;
  text_scratch& operator=(text_scratch&&) noexcept;

  struct impl; // text_search_run.hpp
  [[nodiscard]] impl& get() noexcept { return *impl_; }

private:
  std::unique_ptr<impl> impl_;
};

// For all functions of a snapshot, an index and `changed`: the index was made of this snapshot or
// an earlier one, and `changed` has every concept that was learned, replaced, named, given other
// attributes or forgotten in between (others may be in it, and any may be in it twice). Then the
// answer is that of the snapshot alone, whatever the index holds. Without an index (nullptr) every
// concept is looked at and `changed` does not matter. Threads: any that holds the snapshot.

/// The k best concepts by BM25 (Robertson and Zaragoza, "The probabilistic relevance framework",
/// 2009), as bm25() of SQLite's FTS5 has it for a table with one column that is content, a blank
/// and the name, its sign turned round. A concept's score is the sum over the words of
///   weight * times * (k1 + 1) / (times + k1 * (1 - b + b * words / average words)),
///   weight = ln((concepts - having + 0.5) / (having + 0.5)), or 1e-6 where that is not positive,
/// with k1 = 1.2 and b = 0.75, where `concepts` are the learned ones of this snapshot, with words
/// or without, and `having` those with the word. Summed in double in the order of the query. Best
/// first, by that sum, of which the hit shows what a float holds; ties by id.
/// Time: all documents of the query's words, plus the words of all that changed. Fails
/// (invalid_argument): a query without words (also one that is no valid UTF-8), or with more than
/// query_words_max.
result<std::vector<text_hit>> search_text(const graph_snapshot& s, const text_index* index,
                                          std::span<const std::uint32_t> changed,
                                          const text_query& query, text_scratch& scratch);
result<std::vector<text_hit>> search_text(const graph_snapshot& s, const text_index* index,
                                          std::span<const std::uint32_t> changed,
                                          const text_query& query);

} // namespace cmem
