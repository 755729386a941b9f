#pragma once
// Vectors told by a few bytes: product quantization (H. Jégou, M. Douze, C. Schmid: "Product
// Quantization for Nearest Neighbor Search", PAMI 2011).
//
// A vector is its norm and its direction, a vector of length 1. The direction is cut into parts of
// neighboring components, and each part is told by the number of the nearest of 256 centroids,
// which k-means found in a sample (the k-means of faiss). Parts are all of one width, or of two
// that differ by 1: any dimension can be cut into any number of parts up to itself, nothing is
// padded. As the norm is apart, huge and tiny vectors are coded as well as others, and one table of
// inner products answers all three metrics.
//
// Threads: any; a codebook never changes.

#include "storage/codebook_kernels.hpp"
#include "storage/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cmem {

struct codebook_options {
  /// Bytes of codes: one in this many of the floats'. 4 or 8; ignored where `parts` says it.
  std::uint32_t ratio = 8;
  std::uint32_t parts = 0;   ///< 0: as many as the ratio allows, at least one
  std::uint32_t rounds = 25; ///< of k-means
  std::uint32_t seed = 1;
};

/// What a vector is beside its codes.
struct coded_vector {
  double norm = 0.0;  ///< 0 if and only if the vector is all zero
  double error = 0.0; ///< squared distance of its direction from what the codes say
};

/// Writes the vector divided by its norm, which it returns. All zero where that is 0; components
/// that are a billion times smaller than the norm become 0 too.
double to_direction(std::span<const float> vector, float* direction) noexcept;

/// A codebook where it lies. Borrows its floats. Threads: any.
class codebook_view {
public:
  /// As vector_codebook::to_bytes() has it, aligned for floats. Fails (corrupt): header and size
  /// are not of a codebook. What the floats say is not looked at: see directions().
  static result<codebook_view> of(std::span<const std::byte> bytes);
  /// The same of bytes that were looked at before.
  static codebook_view trusted(const std::byte* bytes) noexcept;

  [[nodiscard]] std::size_t dimension() const noexcept { return dimension_; }
  /// And bytes of the codes of one vector.
  [[nodiscard]] std::size_t parts() const noexcept { return parts_; }
  [[nodiscard]] std::size_t part_begin(std::size_t part) const noexcept {
    return part * dimension_ / parts_;
  }
  [[nodiscard]] part_centroids part(std::size_t part) const noexcept {
    return {centroids_ + codebook_centroids * part_begin(part),
            part_begin(part + 1) - part_begin(part)};
  }
  [[nodiscard]] std::uint64_t trained_rows() const noexcept { return trained_rows_; }
  [[nodiscard]] double trained_error() const noexcept { return trained_error_; }
  /// All centroids can be parts of directions. Reads all of them.
  [[nodiscard]] bool directions() const noexcept;
  /// See vector_codebook::decode().
  void decode(const std::uint8_t* codes, double norm, std::span<float> vector) const noexcept;

private:
  friend class vector_codebook;
  codebook_view(std::size_t dimension, std::size_t parts, std::uint64_t trained_rows,
                double trained_error, const float* centroids) noexcept
    : dimension_(dimension),
      parts_(parts),
      trained_rows_(trained_rows),
      trained_error_(trained_error),
      centroids_(centroids) {}

  std::size_t dimension_;
  std::size_t parts_;
  std::uint64_t trained_rows_;
  double trained_error_;
  const float* centroids_; // dimension * codebook_centroids
};

class vector_codebook {
public:
  /// More rows than this make training longer, and what it finds hardly better.
  static constexpr std::size_t sample_rows_enough = 16'384;
  static constexpr std::size_t rows_to_hold_out = 2'048;

  /// From a sample: rows of `dimension` floats behind one another, in an order that does not favor
  /// any. All-zero rows are passed over. The same sample gives the same codebook, whatever the
  /// machine and the number of its cores; runs on the calling thread alone. Where a part has at
  /// most 256 different values in the sample, they are its centroids. Fails (invalid_argument): a
  /// dimension of 0 or over the limit, no row that is not all zero, part of a row, a non-finite
  /// component, more parts than components. Throws std::bad_alloc.
  static result<vector_codebook> train(std::span<const float> rows, std::size_t dimension,
                                       const codebook_options& options = {});

  /// A copy of what lies elsewhere.
  explicit vector_codebook(const codebook_view& from);

  [[nodiscard]] std::size_t dimension() const noexcept { return dimension_; }
  /// And bytes of the codes of one vector.
  [[nodiscard]] std::size_t parts() const noexcept { return parts_; }
  [[nodiscard]] std::size_t part_begin(std::size_t part) const noexcept {
    return view().part_begin(part);
  }
  [[nodiscard]] part_centroids part(std::size_t part) const noexcept { return view().part(part); }
  /// Good as long as this is.
  [[nodiscard]] codebook_view view() const noexcept {
    return {dimension_, parts_, trained_rows_, trained_error_, centroids_.data()};
  }
  /// Rows of the sample that are not all zero.
  [[nodiscard]] std::uint64_t trained_rows() const noexcept { return trained_rows_; }
  /// Mean of coded_vector::error to expect of others like them. Of rows_to_hold_out of them or
  /// more, one in eight is not trained with, and tells it; of fewer it is their own, which is too
  /// good.
  [[nodiscard]] double trained_error() const noexcept { return trained_error_; }

  /// Writes parts() codes. Precondition: finite components, dimension() of them.
  coded_vector encode(std::span<const float> vector, std::uint8_t* codes) const;
  /// What codes and norm say. Components beyond the largest float become that.
  void decode(const std::uint8_t* codes, double norm, std::span<float> vector) const noexcept {
    view().decode(codes, norm, vector);
  }

  /// Header and floats, little-endian; without a checksum, which is up to what holds them.
  [[nodiscard]] std::vector<std::byte> to_bytes() const;
  /// How many these are.
  [[nodiscard]] static constexpr std::size_t bytes_of(std::size_t dimension) noexcept {
    return 32 + dimension * codebook_centroids * sizeof(float);
  }
  /// Fails (corrupt): not what to_bytes() wrote.
  static result<vector_codebook> from_bytes(std::span<const std::byte> bytes);

  friend bool operator==(const vector_codebook&, const vector_codebook&) = default;

private:
  friend class codebook_training;
  vector_codebook(std::size_t dimension, std::size_t parts)
    : dimension_(dimension), parts_(parts), centroids_(dimension * codebook_centroids) {}

  /// Returns coded_vector::error.
  double encode_direction(const float* direction, std::uint8_t* codes) const noexcept;

  std::size_t dimension_;
  std::size_t parts_;
  std::uint64_t trained_rows_ = 0;
  double trained_error_ = 0.0;
  std::vector<float> centroids_; // see part_centroids; part by part
};

/// Whether vectors are still like those that a codebook was trained with.
/// Threads: one.
class codebook_drift {
public:
  /// Coded with this error: coded_vector::error.
  void add(double error) noexcept {
    ++vectors_;
    errors_ += error;
  }
  /// Time to train anew: enough new vectors came to judge by, and on the mean they are coded worse
  /// than the codebook expects by more than a half. (Of word vectors, others like those of the
  /// sample are coded worse by less than 1 %, those of another cluster six times.)
  [[nodiscard]] bool is_due(const vector_codebook& codebook) const noexcept;

  [[nodiscard]] std::uint64_t vectors() const noexcept { return vectors_; }
  [[nodiscard]] double mean_error() const noexcept {
    return vectors_ == 0 ? 0.0 : errors_ / static_cast<double>(vectors_);
  }

private:
  std::uint64_t vectors_ = 0;
  double errors_ = 0.0;
};

} // namespace cmem
