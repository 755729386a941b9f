#pragma once
// How alike two vectors are, and which of many are most alike (R5).

#include "storage/graph_snapshot.hpp"
#include "storage/result.hpp"
#include "storage/vector_metric.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace cmem {

/// What a search by vectors returns; resolve the index by snapshot.at(index) (R6).
struct similar_concept {
  std::uint32_t index = 0;
  double score = 0.0; ///< as vector_metric says

  friend bool operator==(const similar_concept&, const similar_concept&) = default;
};

/// Compares the vectors of a snapshot with one, exactly: from the floats as they were learned (or
/// as their codes say, where a store keeps these alone), summed in double in a fixed order. Borrows
/// snapshot and query. Threads: any.
class vector_scorer {
public:
  /// Fails (invalid_argument): wrong dimension, a non-finite component, and for cosine a vector
  /// that is all zero and so has no direction.
  static result<vector_scorer> make(const graph_snapshot& s, std::span<const float> query,
                                    vector_metric metric);

  /// nullopt: the concept has no vector, or for cosine one that is all zero. Precondition: learned.
  [[nodiscard]] std::optional<double> score(std::uint32_t index) const noexcept;
  /// More is better, whatever the metric: the score, or less the distance.
  [[nodiscard]] double rank(double score) const noexcept {
    return metric_ == vector_metric::l2 ? -score : score;
  }
  /// Of two learned concepts: by score, then by id.
  [[nodiscard]] bool better(const similar_concept& a, const similar_concept& b) const noexcept {
    return a.score != b.score ? rank(a.score) > rank(b.score)
                              : s_->node(a.index).id < s_->node(b.index).id;
  }
  [[nodiscard]] std::span<const float> query() const noexcept { return query_; }
  [[nodiscard]] double norm() const noexcept { return norm_; }
  [[nodiscard]] vector_metric metric() const noexcept { return metric_; }

private:
  vector_scorer(const graph_snapshot& s, std::span<const float> query, vector_metric metric,
                double norm) noexcept
    : s_(&s), query_(query), metric_(metric), norm_(norm) {}
  [[nodiscard]] std::optional<double> score(std::span<const float> v) const noexcept;
  [[nodiscard]] std::optional<double> score_codes(const stored_vector& v) const noexcept;

  const graph_snapshot* s_;
  std::span<const float> query_;
  vector_metric metric_;
  double norm_; // of the query
};

/// The best k of those offered. Borrows the scorer. Threads: one.
class best_concepts {
public:
  best_concepts(const vector_scorer& scorer, std::size_t k) noexcept : scorer_(scorer), k_(k) {}

  /// There are k: others must be better than the worst of them.
  [[nodiscard]] bool full() const noexcept { return best_.size() >= k_; }
  /// It would be among them. What ranks below worst_rank() never is.
  [[nodiscard]] bool wants(const similar_concept& c) const noexcept {
    return !full() || (k_ > 0 && scorer_.better(c, best_.front()));
  }
  /// -infinity while there are less than k.
  [[nodiscard]] double worst_rank() const noexcept;
  /// Precondition: wants(c); each concept once.
  void add(const similar_concept& c);
  /// Best first. Leaves none.
  [[nodiscard]] std::vector<similar_concept> take();
  [[nodiscard]] std::size_t size() const noexcept { return best_.size(); }
  [[nodiscard]] std::size_t k() const noexcept { return k_; }

private:
  const vector_scorer& scorer_;
  std::size_t k_;
  std::vector<similar_concept> best_; // once full: a heap whose front is the worst
};

} // namespace cmem
