#include "bench/vector_memory.hpp"

#include "bench/workbench.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>

namespace cmem::bench {

namespace {

vector_set read_vectors(const options& o, std::uint64_t rows) {
  vector_set set;
  set.dimension = o.dimension;
  const std::size_t row_bytes = set.dimension * sizeof(float);
  const auto bytes = std::filesystem::file_size(o.vectors);
  if (bytes == 0 || bytes % row_bytes != 0)
    throw std::runtime_error(o.vectors + " has " + std::to_string(bytes) + " bytes: no rows of "
                             + std::to_string(row_bytes));
  set.components.resize(std::min<std::size_t>(rows, bytes / row_bytes) * set.dimension);
  std::ifstream in(o.vectors, std::ios::binary);
  in.read(reinterpret_cast<char*>(set.components.data()),
          static_cast<std::streamsize>(set.components.size() * sizeof(float)));
  if (!in)
    throw std::runtime_error("cannot read " + o.vectors);
  set.name = std::to_string(set.rows()) + " x " + std::to_string(set.dimension) + " of "
             + std::filesystem::path(o.vectors).filename().string();
  return set;
}

vector_set random_vectors(std::uint32_t dimension, std::uint64_t rows) {
  const std::uint64_t clusters = std::max<std::uint64_t>(1, rows / 100);
  std::mt19937 random(29);
  std::normal_distribution<float> normal;
  std::vector<float> centers(clusters * dimension);
  std::generate(centers.begin(), centers.end(), [&] { return normal(random); });
  vector_set set;
  set.dimension = dimension;
  set.name = std::to_string(rows) + " x " + std::to_string(dimension) + ", random in "
             + std::to_string(clusters) + " clusters";
  set.components.reserve(rows * dimension);
  for (std::uint64_t row = 0; row < rows; ++row) {
    const float* center = &centers[random() % clusters * dimension];
    for (std::uint32_t i = 0; i < dimension; ++i)
      set.components.push_back(center[i] + 0.7F * normal(random));
  }
  return set;
}

} // namespace

vector_set load_vectors(const options& o, std::uint64_t rows) {
  return o.vectors.empty() ? random_vectors(o.dimension, rows) : read_vectors(o, rows);
}

vector_set take_queries(vector_set& from, std::uint32_t count) {
  const std::uint32_t every = std::max(1U, from.rows() / std::max(1U, count));
  vector_set queries{.name = {}, .dimension = from.dimension, .components = {}};
  std::vector<float> kept;
  kept.reserve(from.components.size());
  for (std::uint32_t i = 0; i < from.rows(); ++i) {
    const bool taken = i % every == every - 1 && queries.rows() < count;
    auto& to = taken ? queries.components : kept;
    to.insert(to.end(), from.row(i).begin(), from.row(i).end());
  }
  from.components = std::move(kept);
  return queries;
}

vector_memory::vector_memory(const vector_set& set) {
  engine_options o;
  o.vector_dimension = set.dimension;
  engine_ = make_engine(std::move(o));
  for (std::uint32_t row = 0; row < set.rows(); ++row) {
    (void) or_throw(engine_->write(op::learn_concept{.id = id_of(row), .vector = set.row(row)}));
    if (row % 10'000 == 0)
      publish();
  }
  publish();
  snapshot_ = engine_->share();
  index_ = indexer_.rebuild(*snapshot_);
  while (indexer_.has_more_to_do())
    index_ = indexer_.update(*snapshot_, {});
  for (std::uint32_t row = 0; row < set.rows(); ++row)
    indices_.push_back(snapshot_->index_of(id_of(row)).value());
}

void vector_memory::publish() {
  while (engine_->reconcile().entries > 0) {}
}

} // namespace cmem::bench
