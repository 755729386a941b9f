#pragma once
// Scores of coded vectors by look-up (asymmetric distances: the query is not coded): see
// vector_codebook.hpp.

#include "storage/vector_codebook.hpp"
#include "storage/vector_scores.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cmem {

/// What a query makes of every centroid. Made once for a query (256 products for each component),
/// then asked for many codes. Owns what it needs; the codebook may go. Threads: any, never changes.
class code_table {
public:
  /// Precondition: finite components, as many as the codebook's. May be all zero, then all cosines
  /// are 0. Throws std::bad_alloc.
  code_table(const vector_codebook& codebook, std::span<const float> query);

  [[nodiscard]] std::size_t parts() const noexcept { return parts_; }
  [[nodiscard]] double query_norm() const noexcept { return query_norm_; }

  /// Cosine of the query and what these codes say, less than a millionth off. Not clamped.
  [[nodiscard]] double cosine(const std::uint8_t* codes) const noexcept {
    return cosine_of(codes, 1);
  }
  /// The same of a vector whose codes are in blocks (codebook_kernels.hpp).
  [[nodiscard]] double cosine(const std::uint8_t* blocks, std::size_t vector) const noexcept {
    return cosine_of(blocks + block_code_at(vector, 0, parts_), code_block);
  }

  /// About the same, and much faster, for the first `count` vectors of blocks of codes:
  /// sums that rank as cosines do. What cosine_of() makes of one is off by cosine_slack() at most.
  void sum(const std::uint8_t* blocks, std::size_t count, std::uint32_t* sums) const noexcept {
    sum_codes(bytes_.data(), parts_, blocks, count, sums);
  }
  [[nodiscard]] double cosine_of(std::uint32_t sum) const noexcept {
    return base_ + step_ * static_cast<double>(sum);
  }
  [[nodiscard]] double cosine_slack() const noexcept { return slack_; }

  /// Of a vector with this norm, by any metric.
  [[nodiscard]] double score(vector_metric metric, double cosine, double norm) const noexcept;

private:
  void make_bytes();
  [[nodiscard]] double cosine_of(const std::uint8_t* codes, std::size_t apart) const noexcept;

  std::size_t parts_;
  double query_norm_;
  double base_ = 0.0;
  double step_ = 0.0;
  double slack_ = 0.0;
  std::vector<float> products_;     // of part p and centroid c: [p * codebook_centroids + c]
  std::vector<std::uint8_t> bytes_; // these, in steps above the least of their part
};

} // namespace cmem
