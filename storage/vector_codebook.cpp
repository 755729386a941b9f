#include "storage/vector_codebook.hpp"

#include "storage/limits.hpp"
#include "storage/vector_kernels.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

namespace cmem {

namespace {

// header := magic:u32 version:u32 dimension:u32 parts:u32 trained_rows:u64 trained_error:f64
// and centroids:f32[dimension * 256], as part_centroids says, part by part
struct codebook_header {
  std::uint32_t magic;
  std::uint32_t version;
  std::uint32_t dimension;
  std::uint32_t parts;
  std::uint64_t trained_rows;
  double trained_error;
};
static_assert(sizeof(codebook_header) == 32 && vector_codebook::bytes_of(0) == 32);
static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie");

constexpr std::uint32_t codebook_magic = 0x42514D43; // "CMQB"
constexpr std::uint32_t codebook_version = 1;

failure corrupt(const std::string& what) { return {errc::corrupt, "codebook: " + what}; }

result<codebook_header> read_header(std::span<const std::byte> bytes) {
  codebook_header header{};
  if (bytes.size() < sizeof header)
    return corrupt(std::to_string(bytes.size()) + " bytes are less than a header");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != codebook_magic || header.version != codebook_version)
    return corrupt("neither magic nor version are those of a codebook of version 1");
  if (header.dimension == 0 || header.dimension > vector_dimension_max || header.parts == 0
      || header.parts > header.dimension)
    return corrupt("dimension " + std::to_string(header.dimension) + " in "
                   + std::to_string(header.parts) + " parts");
  if (!std::isfinite(header.trained_error) || header.trained_error < 0.0)
    return corrupt("the error of its training is " + std::to_string(header.trained_error));
  if (bytes.size() != vector_codebook::bytes_of(header.dimension))
    return corrupt(std::to_string(bytes.size()) + " bytes for dimension "
                   + std::to_string(header.dimension));
  return header;
}

const float* centroids_behind(const std::byte* bytes) noexcept {
  return reinterpret_cast<const float*>(bytes + sizeof(codebook_header));
}

} // namespace

result<codebook_view> codebook_view::of(std::span<const std::byte> bytes) {
  const auto header = read_header(bytes);
  if (!header)
    return header.error();
  return trusted(bytes.data());
}

codebook_view codebook_view::trusted(const std::byte* bytes) noexcept {
  codebook_header header;
  std::memcpy(&header, bytes, sizeof header);
  return {header.dimension, header.parts, header.trained_rows, header.trained_error,
          centroids_behind(bytes)};
}

bool codebook_view::directions() const noexcept {
  return std::all_of(centroids_, centroids_ + dimension_ * codebook_centroids,
                     [](float x) { return std::abs(x) <= 2.0F; }); // NaN is none either
}

void codebook_view::decode(const std::uint8_t* codes, double norm,
                           std::span<float> vector) const noexcept {
  assert(vector.size() == dimension_);
  constexpr double largest = std::numeric_limits<float>::max();
  for (std::size_t p = 0; p < parts_; ++p) {
    const part_centroids of = part(p);
    for (std::size_t j = 0; j < of.width; ++j) {
      const double x = norm * static_cast<double>(of.centroids[j * codebook_centroids + codes[p]]);
      vector[part_begin(p) + j] = static_cast<float>(std::clamp(x, -largest, largest));
    }
  }
}

double to_direction(std::span<const float> vector, float* direction) noexcept {
  // Components this small say nothing of a direction, and their squares would be slow denormals.
  constexpr double nothing = 1e-9;
  const double norm = std::sqrt(multiply(vector, vector).with_self);
  for (std::size_t i = 0; i < vector.size(); ++i) {
    const double x = norm == 0.0 ? 0.0 : static_cast<double>(vector[i]) / norm;
    direction[i] = std::abs(x) < nothing ? 0.0F : static_cast<float>(x);
  }
  return norm;
}

double vector_codebook::encode_direction(const float* direction,
                                         std::uint8_t* codes) const noexcept {
  double error = 0.0;
  for (std::size_t p = 0; p < parts_; ++p) {
    const nearest_centroid nearest = nearest_of(part(p), direction + part_begin(p));
    codes[p] = nearest.code;
    error += static_cast<double>(nearest.distance);
  }
  return error;
}

coded_vector vector_codebook::encode(std::span<const float> vector, std::uint8_t* codes) const {
  assert(vector.size() == dimension_);
  std::vector<float> direction(dimension_);
  const double norm = to_direction(vector, direction.data());
  const double error = encode_direction(direction.data(), codes);
  return {norm, norm == 0.0 ? 0.0 : error};
}

vector_codebook::vector_codebook(const codebook_view& from)
  : dimension_(from.dimension_),
    parts_(from.parts_),
    trained_rows_(from.trained_rows_),
    trained_error_(from.trained_error_),
    centroids_(from.centroids_, from.centroids_ + from.dimension_ * codebook_centroids) {}

std::vector<std::byte> vector_codebook::to_bytes() const {
  const codebook_header header{codebook_magic,
                               codebook_version,
                               static_cast<std::uint32_t>(dimension_),
                               static_cast<std::uint32_t>(parts_),
                               trained_rows_,
                               trained_error_};
  std::vector<std::byte> bytes(sizeof header + centroids_.size() * sizeof(float));
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + sizeof header, centroids_.data(), centroids_.size() * sizeof(float));
  return bytes;
}

result<vector_codebook> vector_codebook::from_bytes(std::span<const std::byte> bytes) {
  const auto header = read_header(bytes);
  if (!header)
    return header.error();
  vector_codebook made(header->dimension, header->parts);
  std::memcpy(made.centroids_.data(), bytes.data() + sizeof *header,
              made.centroids_.size() * sizeof(float));
  if (!made.view().directions())
    return corrupt("a centroid is no part of a direction");
  made.trained_rows_ = header->trained_rows;
  made.trained_error_ = header->trained_error;
  return made;
}

bool codebook_drift::is_due(const vector_codebook& codebook) const noexcept {
  constexpr std::uint64_t vectors_enough = 1024;
  constexpr double worse = 1.5;
  return vectors_ >= vectors_enough && mean_error() > worse * codebook.trained_error();
}

} // namespace cmem
