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

namespace cmem {

struct search_index_options {
  bool vectors = true;
  vector_metric metric = vector_metric::cosine; ///< of the graph of neighbors
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

  /// The next index, of what `s` holds; null if that is what the last one has. Snapshots come in
  /// order. Throws std::bad_alloc: the next call goes on from where the last one that ended well
  /// came to. Precondition: s.trail().kept().
  std::shared_ptr<const search_index> update(const graph_snapshot& s);
  /// There is more to do for what update() saw: call it soon, whatever changed.
  [[nodiscard]] bool more() const noexcept;
  /// Frees what was made and nobody has any more.
  void free_unused() noexcept;
  [[nodiscard]] std::uint64_t covers() const noexcept { return covers_; }
  /// About what the newest one takes, and what the next ones are made of.
  [[nodiscard]] std::uint64_t bytes() const noexcept;

private:
  const search_index_options options_;
  vector_indexer vectors_;
  text_indexer text_;
  std::uint64_t covers_ = 0;                            // of the last one
  std::list<std::shared_ptr<const search_index>> made_; // newest last
};

} // namespace cmem
