#pragma once
// Writes a segment. The format, and what a record replaces, is in segment_format.hpp.

#include "storage/bloom_filter.hpp"
#include "storage/section_stream.hpp"

#include <optional>

namespace cmem {

/// What a segment says of a concept; its associations follow one by one. Views are borrowed for the
/// call. `flags` are those of segment_concept: `learned`, `forgotten` (then nothing else counts) or
/// neither (a placeholder), and what is left to older segments.
struct segment_entry {
  concept_id id;
  std::uint32_t flags = 0;
  timestamp_us created = 0;
  timestamp_us last_accessed = 0;
  float strength = 0.0F;
  float confidence = 0.0F;
  std::uint32_t access_count = 0;
  const_bytes content = {};
  std::span<const float> vector = {};
  /// In its place: of the codebook that the segment has, and the vector's norm.
  std::span<const std::uint8_t> codes = {};
  double norm = 0.0;
  std::string_view name = {};
  const_bytes attributes = {}; ///< as attribute_codec.hpp has them
};

/// How much of an entry there will be.
struct segment_entry_size {
  std::uint64_t content = 0;
  std::uint64_t vector = 0; ///< bytes, of floats or of head and codes
  std::uint64_t extras = 0; ///< node_extras, name and attributes; 0: neither of these
  std::uint64_t list = 0;   ///< outgoing associations
};

/// Adds up what will come, so that every section's place is known before the first byte is written.
class segment_plan {
public:
  /// `list`: outgoing associations that will follow.
  void add(const segment_entry& e, std::uint64_t list) noexcept;
  void add(const segment_entry_size& e) noexcept;
  /// Blocks of `vectors` besides: the codebook's, or of entries that were added without.
  void add_vectors(std::uint64_t count, std::uint64_t bytes_each) noexcept;

  /// Of a section of entries: concepts to extras.
  [[nodiscard]] std::uint64_t bytes_of(segment_section s) const noexcept {
    return bytes_[static_cast<std::size_t>(s)];
  }
  [[nodiscard]] std::uint64_t concepts() const noexcept {
    return bytes_of(segment_section::concepts) / sizeof(segment_concept);
  }

private:
  void add(segment_section s, std::uint64_t bytes) noexcept {
    bytes_[static_cast<std::size_t>(s)] += bytes;
  }

  std::array<std::uint64_t, 5> bytes_{};
};

/// Of the file that is written by that plan, in a store with these kinds.
[[nodiscard]] std::uint64_t segment_file_bytes(const segment_plan& plan,
                                               const std::vector<std::string>& kinds);

/// What the file is; the rest of its header follows from what it holds.
struct segment_identity {
  std::uint64_t store = 0;
  std::uint64_t number = 0;
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  timestamp_us timestamp = 0;
  std::uint32_t vector_dimension = 0;
  bool association_times = true;
  std::vector<std::string> kinds = {};  ///< names, by id; more may be registered later
  std::vector<std::byte> codebook = {}; ///< vector_codebook::to_bytes(); empty: there are no codes
};

/// The caller goes twice through what it writes: once for the plan, once for the file. Memory: 64
/// KiB a section, 1.5 bytes a concept for the filter, 8 bytes a 64 KiB for checksums. After a
/// failure it is of no use. A file that was not finished is named by no manifest, and goes with the
/// next opening of the store or when its number is used again. Threads: one at a time.
class segment_writer {
public:
  /// Makes the file, and room on the disk for all of it.
  static result<segment_writer> create(const env& e, const std::string& directory,
                                       segment_identity identity, const segment_plan& plan);

  /// Precondition: ids ascend.
  result<void> add(const segment_entry& e);
  /// An outgoing association of the concept added last. Precondition: that one has a list, and is
  /// the source.
  result<void> add(const association_record& a);
  /// What was written so far is on the disk, so that finish() waits for less.
  result<void> sync() { return file_.sync(); }
  /// The file and its name are on the disk. `internal`: the plan was another one.
  result<segment_ref> finish();

private:
  segment_writer(env e, std::string directory, file to, const segment_header& h,
                 std::vector<std::byte> kinds);
  section_stream& stream(segment_section s) noexcept {
    return streams_[static_cast<std::size_t>(s)];
  }
  result<void> put_concept();
  result<void> put_vector(const segment_entry& e);
  result<void> put_extras(const segment_entry& e);
  result<void> put_tables();

  env env_;
  std::string directory_;
  file file_;
  segment_header header_;
  std::vector<std::byte> kinds_; // their section
  std::vector<section_stream> streams_;
  std::vector<bloom_block> bloom_;
  std::optional<segment_concept> open_; // added last, its associations not counted yet
  std::uint64_t associations_ = 0;
};

} // namespace cmem
