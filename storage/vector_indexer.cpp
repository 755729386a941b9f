#include "storage/vector_indexer.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace cmem {

/// Columns, and the graph over them.
struct vector_indexer::lineage {
  lineage(stored_vectors stored, const vector_indexer_options& o)
    : columns(std::move(stored.columns)),
      graph(o.make_graph ? o.make_graph(std::move(stored.links)) : nullptr) {}
  lineage(std::uint32_t dimension, const vector_indexer_options& o)
    : lineage({vector_columns_builder(dimension)}, o) {}

  [[nodiscard]] std::shared_ptr<const vector_index> publish(const graph_snapshot& s) const {
    auto made = std::make_shared<vector_index>();
    made->columns = columns.publish();
    if (graph != nullptr)
      made->graph = graph->extend(s, made->columns);
    return made;
  }
  [[nodiscard]] bool graph_is_complete() const noexcept {
    return graph == nullptr || graph->complete();
  }
  [[nodiscard]] std::uint64_t bytes() const noexcept {
    return columns.bytes() + (graph == nullptr ? 0 : graph->memory_bytes());
  }

  vector_columns_builder columns;
  std::unique_ptr<vector_graph_maker> graph; // null: none is made
};

vector_indexer::vector_indexer(vector_indexer_options options) : options_(std::move(options)) {}

vector_indexer::~vector_indexer() = default;

void vector_indexer::adopt(stored_vectors stored) {
  assert(current_ == nullptr);
  current_ = std::make_unique<lineage>(std::move(stored), options_);
}

std::shared_ptr<const vector_index> vector_indexer::rebuild(const graph_snapshot& s) {
  auto fresh = std::make_unique<lineage>(s.vector_dimension(), options_);
  for (std::uint32_t i = 0; i < s.index_count(); ++i)
    taken_ += fresh->columns.take(s, i) ? 1U : 0U;
  auto made = fresh->publish(s);
  current_ = std::move(fresh);
  next_.reset();
  return made;
}

std::shared_ptr<const vector_index> vector_indexer::update(const graph_snapshot& s,
                                                           std::span<const std::uint32_t> changed) {
  if (current_ == nullptr)
    current_ = std::make_unique<lineage>(s.vector_dimension(), options_);
  for (const std::uint32_t i : changed)
    taken_ += current_->columns.take(s, i) ? 1U : 0U;
  if (next_ == nullptr && has_many_dead(*current_)) {
    next_ = std::make_unique<lineage>(s.vector_dimension(), options_);
    next_index_ = 0;
  }
  if (next_ == nullptr)
    return current_->publish(s);

  // What lies beyond is taken as it is when its turn comes.
  for (const std::uint32_t i : changed)
    if (i < next_index_)
      (void) next_->columns.take(s, i);
  const std::uint32_t end =
    next_index_ + std::min(options_.concepts_a_step, s.index_count() - next_index_);
  for (; next_index_ < end; ++next_index_)
    (void) next_->columns.take(s, next_index_);
  auto made = next_->publish(s);
  // Where more is learned than a graph takes in, it is never complete: the new columns are taken
  // before they are as full of the dead as the old ones were.
  if (next_index_ < s.index_count() || !(next_->graph_is_complete() || has_many_dead(*next_)))
    return current_->publish(s);
  current_ = std::move(next_);
  return made;
}

bool vector_indexer::has_many_dead(const lineage& l) const noexcept {
  const std::uint32_t dead = l.columns.dead();
  return dead >= options_.dead_slots_min
         && static_cast<double>(dead)
              > options_.dead_share_max * static_cast<double>(l.columns.slots());
}

std::uint64_t vector_indexer::bytes() const noexcept {
  return (current_ == nullptr ? 0 : current_->bytes()) + (next_ == nullptr ? 0 : next_->bytes());
}

bool vector_indexer::has_more_to_do() const noexcept {
  return next_ != nullptr
         || (current_ != nullptr && (!current_->graph_is_complete() || has_many_dead(*current_)));
}

} // namespace cmem
