#pragma once
// What benchmarks of search by vectors share: the vectors, and a memory that has them.

#include "bench/bench.hpp"
#include "storage/engine.hpp"
#include "storage/vector_indexer.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace cmem::bench {

/// Rows of floats that lie behind one another.
struct vector_set {
  std::string name; ///< "341479 x 100 of words.f32", "50000 x 100, random in 500 clusters"
  std::uint32_t dimension = 0;
  std::vector<float> components;

  [[nodiscard]] std::uint32_t rows() const noexcept {
    return static_cast<std::uint32_t>(components.size() / dimension);
  }
  [[nodiscard]] std::span<const float> row(std::uint32_t i) const noexcept {
    return std::span(components).subspan(std::size_t{i} * dimension, dimension);
  }
};

/// The first `rows` of options::vectors (all of them, where there are fewer), or as many random
/// ones in clusters. Throws std::runtime_error: a file that can't be read, or holds no whole rows.
[[nodiscard]] vector_set load_vectors(const options& o, std::uint64_t rows);
/// Takes `count` rows out, spread over all: what a memory does not have can be asked for.
[[nodiscard]] vector_set take_queries(vector_set& from, std::uint32_t count);

/// An engine that has learned a set, its newest snapshot, and an index of that. Row i is concept
/// id_of(i). Threads: one.
class vector_memory {
public:
  explicit vector_memory(const vector_set& set);

  [[nodiscard]] const graph_snapshot& snapshot() const { return *snapshot_; }
  [[nodiscard]] const vector_index& index() const { return *index_; }
  [[nodiscard]] vector_indexer& indexer() { return indexer_; }
  /// The concept of a row.
  [[nodiscard]] std::uint32_t index_of(std::uint32_t row) const { return indices_[row]; }

private:
  void publish();

  std::unique_ptr<engine> engine_;
  vector_indexer indexer_;
  snapshot_handle snapshot_;
  std::shared_ptr<const vector_index> index_;
  std::vector<std::uint32_t> indices_;
};

} // namespace cmem::bench
