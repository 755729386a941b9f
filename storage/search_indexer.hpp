#pragma once
// Makes the indexes that snapshots carry, each from the one before and what changed since.

#include "storage/graph_snapshot.hpp"
#include "storage/search_index.hpp"
#include "storage/text_indexer.hpp"
#include "storage/vector_indexer.hpp"
#include "storage/vector_metric.hpp"

#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <utility>

namespace cmem {

struct search_index_options {
  bool vectors = true;
  vector_metric metric = vector_metric::cosine; ///< of the graph of neighbors
  std::uint32_t graph_vectors_min = 50'000;     ///< fewer have no graph: a scan is as fast
  bool text = false; ///< else attributes alone, beside vectors: what filters ask for
};

/// Keeps what it made alive until nobody else does, so that snapshots never free it. Threads: one
/// at a time.
class search_indexer {
public:
  explicit search_indexer(search_index_options options);
  ~search_indexer();
  search_indexer(const search_indexer&) = delete;
  search_indexer& operator=(const search_indexer&) = delete;

  /// Begins with what was stored of the vectors. Before the first update().
  void adopt(stored_vectors stored) { vectors_.adopt(std::move(stored)); }
  /// The next index, of what `s` holds; null if that is what the last one has, or while there is
  /// none: the first calls look at some of the concepts each, for the vectors first, and those
  /// after more changed than the trail tells of. Text and attributes come when all were looked at
  /// for them. Snapshots come in order. Throws
  /// std::bad_alloc: the next call goes on from where the last one that ended well came to.
  /// Precondition: s.trail().kept().
  std::shared_ptr<const search_index> update(const graph_snapshot& s);
  /// There is more to do for what update() saw: call it soon, whatever changed.
  [[nodiscard]] bool more() const noexcept;
  /// Frees what was made and nobody has any more.
  void free_unused() noexcept;
  /// The newest one; null: there is none yet.
  [[nodiscard]] std::shared_ptr<const search_index> last() const noexcept {
    return made_.empty() ? nullptr : made_.back();
  }
  /// Vectors that were not in what was adopted.
  [[nodiscard]] std::uint64_t vectors_taken() const noexcept { return vectors_.taken(); }
  [[nodiscard]] bool vectors_are_complete() const noexcept {
    return !vectors_.has_more_to_do() && !by_vectors_.going_on;
  }
  [[nodiscard]] std::uint64_t covers() const noexcept { return covers_; }
  /// About what the newest one takes, and what the next ones are made of.
  [[nodiscard]] std::uint64_t bytes() const noexcept;

private:
  /// A look at all concepts: the first time, and where more changed than the trail tells of.
  struct full_pass {
    bool going_on;
    std::uint32_t next = 0; // index
  };

  /// Goes on with a pass: whether it is over. `update` takes what changed, and some more concepts.
  template <class Update>
  static bool pass(full_pass& p, const graph_snapshot& s, std::span<const std::uint32_t> changed,
                   std::uint32_t concepts_a_step, Update update);

  const search_index_options options_;
  vector_indexer vectors_;
  text_indexer text_;
  full_pass by_vectors_;
  full_pass by_text_; // once the vectors are over
  bool begun_ = false;
  std::uint64_t covers_ = 0;                            // changes that were taken
  std::list<std::shared_ptr<const search_index>> made_; // newest last
};

} // namespace cmem
