#include "storage/codebook_training.hpp"

#include "storage/limits.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <set>
#include <string>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <faiss/Clustering.h>
#include <faiss/Index.h>
#pragma GCC diagnostic pop

// Of the OpenMP run time that faiss brings; its header is not there for every compiler. Both are of
// the calling thread alone.
extern "C" {
void omp_set_num_threads(int);
int omp_get_max_threads(void);
}

namespace cmem {

namespace {

/// While it lives, faiss starts no threads for this one: there are none that spin, and a training
/// takes one core whatever the machine has.
class single_thread {
public:
  single_thread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~single_thread() { omp_set_num_threads(before_); }
  single_thread(const single_thread&) = delete;
  single_thread& operator=(const single_thread&) = delete;

private:
  int before_;
};

/// Where k-means looks for the nearest centroid. Not faiss's own index: that multiplies matrices by
/// whichever BLAS is there, which rounds as it likes and is slow for a few components.
class centroid_index final : public faiss::Index {
public:
  explicit centroid_index(std::size_t width)
    : faiss::Index(static_cast<idx_t>(width), faiss::METRIC_L2),
      centroids_(width * codebook_centroids) {}

  [[nodiscard]] part_centroids part() const noexcept {
    return {centroids_.data(), static_cast<std::size_t>(d)};
  }
  void reset() override { ntotal = 0; }
  /// All of them at once, row by row.
  void add(idx_t count, const float* rows) override {
    const auto width = static_cast<std::size_t>(d);
    for (std::size_t c = 0; c < codebook_centroids; ++c)
      for (std::size_t j = 0; j < width; ++j)
        centroids_[j * codebook_centroids + c] = rows[c * width + j];
    ntotal = count;
  }
  void search(idx_t count, const float* rows, idx_t, float* distances, idx_t* labels,
              const faiss::SearchParameters*) const override {
    for (idx_t i = 0; i < count; ++i) {
      const nearest_centroid nearest = nearest_of(part(), rows + i * d);
      distances[i] = nearest.distance;
      labels[i] = nearest.code;
    }
  }

private:
  std::vector<float> centroids_;
};

/// Different rows, if there are no more than codebook_centroids; else empty.
std::vector<float> few_different(const std::vector<float>& rows, std::size_t width) {
  const auto less = [width](const float* a, const float* b) {
    return std::lexicographical_compare(a, a + width, b, b + width);
  };
  std::set<const float*, decltype(less)> different(less);
  for (std::size_t at = 0; at < rows.size(); at += width)
    if (different.insert(rows.data() + at).second && different.size() > codebook_centroids)
      return {};
  std::vector<float> all;
  for (const float* row : different)
    all.insert(all.end(), row, row + width);
  return all;
}

/// Centroids of one part, row by row. Fewer than there can be are followed by the first of them
/// again, which are never the nearest: the first of equals is.
std::vector<float> cluster(const std::vector<float>& rows, std::size_t width,
                           const codebook_options& options) {
  std::vector<float> centroids = few_different(rows, width);
  if (centroids.empty()) {
    faiss::ClusteringParameters how;
    how.niter = static_cast<int>(options.rounds);
    how.seed = static_cast<int>(options.seed);
    how.min_points_per_centroid = 1; // below, faiss would warn on the standard error
    how.max_points_per_centroid = std::numeric_limits<int>::max() / 256;
    faiss::Clustering clustering(static_cast<int>(width), static_cast<int>(codebook_centroids),
                                 how);
    centroid_index index(width);
    clustering.train(static_cast<faiss::Index::idx_t>(rows.size() / width), rows.data(), index);
    centroids = std::move(clustering.centroids);
  }
  while (centroids.size() < width * codebook_centroids)
    for (std::size_t j = 0; j < width; ++j)
      centroids.push_back(centroids[j]);
  return centroids;
}

result<void> check(std::span<const float> rows, std::size_t dimension, std::size_t parts) {
  if (dimension == 0 || dimension > vector_dimension_max)
    return failure{errc::invalid_argument, "codebook: dimension is " + std::to_string(dimension)
                                             + ": must be 1 to "
                                             + std::to_string(vector_dimension_max)};
  if (parts > dimension)
    return failure{errc::invalid_argument, "codebook: parts is " + std::to_string(parts)
                                             + ": must be no more than the dimension, "
                                             + std::to_string(dimension)};
  if (rows.size() % dimension != 0)
    return failure{errc::invalid_argument, "codebook: rows has " + std::to_string(rows.size())
                                             + " floats: not a multiple of dimension "
                                             + std::to_string(dimension)};
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (!std::isfinite(rows[i]))
      return failure{errc::invalid_argument, "codebook: rows[" + std::to_string(i / dimension)
                                               + "][" + std::to_string(i % dimension) + "] is "
                                               + std::to_string(rows[i]) + ": must be finite"};
  return {};
}

/// Leaves of each row its direction, and nothing of one that has none.
void make_directions(std::vector<float>& rows, std::size_t dimension) {
  std::size_t end = 0;
  for (std::size_t at = 0; at < rows.size(); at += dimension)
    // In place or before it: a component is read before its place is written.
    if (to_direction(std::span(rows).subspan(at, dimension), rows.data() + end) != 0.0)
      end += dimension;
  rows.resize(end);
}

/// How many parts the options mean; 0: none that is allowed.
std::size_t parts_of(const codebook_options& options, std::size_t dimension) {
  if (options.parts != 0)
    return options.parts;
  if (options.ratio < sizeof(float))
    return 0;
  return std::max<std::size_t>(1, dimension * sizeof(float) / options.ratio);
}

} // namespace

codebook_training::codebook_training(std::vector<float> directions, std::size_t dimension,
                                     std::size_t parts, const codebook_options& options)
  : directions_(std::move(directions)), options_(options), made_(dimension, parts) {
  made_.trained_rows_ = directions_.size() / dimension;
}

result<codebook_training> codebook_training::start(std::vector<float> rows, std::size_t dimension,
                                                   const codebook_options& options) {
  const std::size_t parts = parts_of(options, dimension);
  if (parts == 0)
    return failure{errc::invalid_argument,
                   "codebook: ratio is " + std::to_string(options.ratio) + ": must be at least 4"};
  if (auto checked = check(rows, dimension, parts); !checked)
    return checked.error();
  make_directions(rows, dimension);
  if (rows.empty())
    return failure{errc::invalid_argument, "codebook: rows has none that is not all zero"};
  return codebook_training(std::move(rows), dimension, parts, options);
}

bool codebook_training::is_held_out(std::size_t row) const noexcept {
  return made_.trained_rows_ >= vector_codebook::rows_to_hold_out && row % 8 == 7;
}

bool codebook_training::step() {
  assert(part_ != made_.parts());
  const std::size_t begin = made_.part_begin(part_);
  const std::size_t width = made_.part(part_).width;
  std::vector<float> of_part;
  for (std::size_t row = 0; row < made_.trained_rows_; ++row)
    if (const float* at = &directions_[row * made_.dimension() + begin]; !is_held_out(row))
      of_part.insert(of_part.end(), at, at + width);
  const single_thread alone;
  const std::vector<float> centroids = cluster(of_part, width, options_);
  for (std::size_t c = 0; c < codebook_centroids; ++c)
    for (std::size_t j = 0; j < width; ++j)
      made_.centroids_[(begin + j) * codebook_centroids + c] = centroids[c * width + j];
  return ++part_ == made_.parts();
}

vector_codebook codebook_training::take() && {
  assert(part_ == made_.parts());
  const bool all = made_.trained_rows_ < vector_codebook::rows_to_hold_out;
  std::vector<std::uint8_t> codes(made_.parts());
  std::size_t told = 0;
  for (std::size_t row = 0; row < made_.trained_rows_; ++row)
    if (all || is_held_out(row)) {
      made_.trained_error_ +=
        made_.encode_direction(&directions_[row * made_.dimension()], codes.data());
      ++told;
    }
  made_.trained_error_ /= static_cast<double>(told);
  return std::move(made_);
}

result<vector_codebook> vector_codebook::train(std::span<const float> rows, std::size_t dimension,
                                               const codebook_options& options) {
  auto training =
    codebook_training::start(std::vector<float>(rows.begin(), rows.end()), dimension, options);
  if (!training)
    return training.error();
  while (!training->step()) {}
  return std::move(*training).take();
}

} // namespace cmem
