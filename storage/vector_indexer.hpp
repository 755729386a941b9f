#pragma once
// Keeps the index of vectors up to date with the snapshots.

#include "storage/vector_columns.hpp"
#include "storage/vector_graph.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

namespace cmem {

/// Columns, and the graph over them, as they were kept.
struct stored_vectors {
  vector_columns_builder columns;
  std::optional<graph_links> links = {}; ///< over the first of its slots; none: there was none
};

/// Makes graphs of neighbors over columns, e.g. vector_graph_builder. Threads: one.
class vector_graph_maker {
public:
  vector_graph_maker() = default;
  virtual ~vector_graph_maker() = default;
  vector_graph_maker(const vector_graph_maker&) = delete;
  vector_graph_maker& operator=(const vector_graph_maker&) = delete;

  /// A graph over slots [0, n) of `columns`, where n is as far as it got: the next call goes on
  /// from there. Calls give columns of one lineage, each with all the slots of the one before; may
  /// be null while there is nothing. `s` is the snapshot that the columns were brought up to date
  /// with: what is not current in it need not be found. May throw std::bad_alloc: then the call
  /// may be repeated.
  [[nodiscard]] virtual std::shared_ptr<const vector_graph> extend(
    const graph_snapshot& s, const std::shared_ptr<const vector_columns>& columns) = 0;
  /// Another call with the same columns would do nothing: the last graph has all slots but for a
  /// tail that is soon scanned.
  [[nodiscard]] virtual bool complete() const noexcept = 0;
  /// What it goes on to change, beside the graphs that it made.
  [[nodiscard]] virtual std::uint64_t memory_bytes() const noexcept { return 0; }
};

struct vector_indexer_options {
  /// Makes the maker of a lineage's graphs, which goes on from what was stored of one, if that is
  /// there; empty: there are none.
  std::function<std::unique_ptr<vector_graph_maker>(std::optional<graph_links>)> make_graph = {};
  /// New columns of the live slots are begun when a larger share of all slots is dead …
  double dead_share_max = 0.3;
  std::uint32_t dead_slots_min = 4096; ///< … and at least so many
  /// Concepts looked at for new columns by each call of update().
  std::uint32_t concepts_a_step = 100'000;
};

/// Threads: one at a time.
class vector_indexer {
public:
  explicit vector_indexer(vector_indexer_options options = {});
  ~vector_indexer();
  vector_indexer(const vector_indexer&) = delete;
  vector_indexer& operator=(const vector_indexer&) = delete;

  /// Begins with what was stored: what update() is told of and is there already costs next to
  /// nothing. Precondition: update() and rebuild() were not called.
  void adopt(stored_vectors stored);
  /// A generation of all concepts of `s`. Time: the size of the memory.
  [[nodiscard]] std::shared_ptr<const vector_index> rebuild(const graph_snapshot& s);
  /// The generation before brought up to `s`: `changed` names at least the concepts whose vector is
  /// not the one of the snapshot given last; repetitions do no harm. Costs as much as `changed`,
  /// and a step of new columns while these are made. There is nothing before the first call:
  /// concepts are in once they were named. Precondition: snapshots come in order of their versions.
  /// Throws std::bad_alloc: then the call may be repeated, with the same changes and more.
  [[nodiscard]] std::shared_ptr<const vector_index> update(const graph_snapshot& s,
                                                           std::span<const std::uint32_t> changed);
  /// There is more to do without any change: update() with no changes goes on with it.
  [[nodiscard]] bool has_more_to_do() const noexcept;
  /// Vectors that it was told of so far and did not have.
  [[nodiscard]] std::uint64_t taken() const noexcept { return taken_; }
  /// Of columns, and of what graphs are made of.
  [[nodiscard]] std::uint64_t bytes() const noexcept;

private:
  struct lineage;

  [[nodiscard]] bool has_many_dead(const lineage& l) const noexcept;

  vector_indexer_options options_;
  std::unique_ptr<lineage> current_;
  std::unique_ptr<lineage> next_; // made of the live slots; null while there are few dead ones
  std::uint32_t next_index_ = 0;  // concepts below it are in next_
  std::uint64_t taken_ = 0;
};

} // namespace cmem
