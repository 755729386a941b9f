#pragma once
// Concepts by meaning, by words and by what lies near, in one ranking (R5).
// Fusion: Cormack, Clarke and Büttcher 2009 (reciprocal rank fusion).

#include "storage/activation.hpp"
#include "storage/concept_filter.hpp"
#include "storage/graph_snapshot.hpp"
#include "storage/nearest.hpp"
#include "storage/result.hpp"
#include "storage/text_search.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace cmem {

inline constexpr std::size_t search_depth_max = 10'000;

/// What is asked for: by any of the four, and by none of them nothing is found.
template <class Concept>
struct basic_search_query {
  std::string text = {};          ///< words; empty: not by words
  bool all_words = false;         ///< only what has all of them
  std::string prefix = {};        ///< of names, byte by byte; empty: not by that
  std::vector<float> vector = {}; ///< empty: not by vector
  std::vector<Concept> near = {}; ///< concepts that it should be near to; empty: not by that
  concept_filter filter = {};     ///< what may be found, whichever way
  std::size_t k = 10;             ///< hits at most
  /// Each way names so many of its best, or k where that is more; what is in none of
  /// these lists is no hit.
  std::size_t depth = 100;
  vector_metric metric = vector_metric::cosine;
  bool exact = false; ///< by vector: look at all of them
};
using search_query = basic_search_query<std::uint32_t>; ///< by index

/// The same but for who it should be near to.
template <class To, class From>
basic_search_query<To> with_near(const basic_search_query<From>& q, std::vector<To> near) {
  return {q.text,   q.all_words, q.prefix, q.vector, std::move(near),
          q.filter, q.k,         q.depth,  q.metric, q.exact};
}

/// How one of the ways saw a hit.
struct search_rank {
  std::uint32_t rank = 0; ///< from 1 on; 0: not in its list, or not asked
  double score = 0.0;     ///< BM25 (text_search.hpp), similarity (nearest.hpp), activation; of a
                          ///< name 0

  friend bool operator==(const search_rank&, const search_rank&) = default;
};

struct search_hit {
  std::uint32_t index = 0; ///< resolve by snapshot.at(index) (R6)
  double score = 0.0;      ///< the sum of 1 / (60 + rank) over the lists that it is in
  search_rank by_text;
  search_rank by_name; ///< the prefix, names ascending; without one, the text as a whole name
  search_rank by_vector;
  search_rank by_graph;

  friend bool operator==(const search_hit&, const search_hit&) = default;
};

/// What searches reuse. Threads: one at a time.
struct search_scratch {
  text_scratch text;
  context_scratch graph;
};

/// What a snapshot carries that makes searches faster, and what changed since. Borrows the
/// snapshot. Threads: any.
class search_sources {
public:
  explicit search_sources(const graph_snapshot& s);

  /// Null: every concept is looked at.
  [[nodiscard]] const vector_index* vectors() const noexcept {
    return index_ == nullptr ? nullptr : index_->vectors.get();
  }
  [[nodiscard]] const text_index* text() const noexcept {
    return index_ == nullptr ? nullptr : index_->text.get();
  }
  /// What filters are looked up in: text(), or one of attributes alone.
  [[nodiscard]] const text_index* attributes() const noexcept {
    return index_ == nullptr ? nullptr : index_->attributes.get();
  }
  [[nodiscard]] std::span<const std::uint32_t> changed() const noexcept { return changed_; }

private:
  const search_index* index_; // null: none
  std::vector<std::uint32_t> changed_;
};

/// nearest() by what the snapshot carries.
result<nearest_answer> nearest(const graph_snapshot& s, const nearest_query& query);
/// The same for who asks more of the snapshot: `carried` is what that carries.
result<nearest_answer> nearest(const graph_snapshot& s, const search_sources& carried,
                               const nearest_query& query);

/// Best first, ties by id. Near to concepts is what activate() reaches from them, each with the
/// same energy, over at most three hops either way; they themselves are no hits of that.
/// Fails (invalid_argument): as search_text() and nearest() do, and depth over search_depth_max.
/// Preconditions: learned concepts in `near`. Threads: any that holds the snapshot.
result<std::vector<search_hit>> search(const graph_snapshot& s, const search_query& q,
                                       search_scratch& scratch);
/// The same by ids. Fails also: not_found.
result<std::vector<search_hit>> search(const graph_snapshot& s,
                                       const basic_search_query<concept_id>& q,
                                       search_scratch& scratch);

} // namespace cmem
