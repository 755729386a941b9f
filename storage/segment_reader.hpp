#pragma once
// Reads a segment where it lies. The format is in segment_format.hpp.

#include "storage/coded_vectors.hpp"
#include "storage/env.hpp"
#include "storage/segment_format.hpp"

#include <atomic>
#include <functional>
#include <optional>

namespace cmem {

/// Name and attributes of a concept.
struct segment_extras {
  std::string_view name;
  const_bytes
    attributes; ///< as attribute_codec.hpp has them, and checked: any reader may walk them
};

/// Who looks on while segment_reader::verify() goes on.
struct verify_watch {
  /// Told of each piece that is damaged, in the order of the file. Empty: the first one ends it.
  std::function<void(const failure&)> on_fault = {};
  /// Told of bytes read since the last call.
  std::function<void(std::uint64_t)> on_bytes = {};
};

/// Header and checksums are verified by open(), every other 64 KiB by pread before they are first
/// looked at (D3); then they are read by mmap. What it hands out are views, valid as long as the
/// reader. Whatever the bytes say, nothing outside the file is touched. Fails: `corrupt` with file
/// and offset, `io_error`. Threads: any, at the same time.
class segment_reader {
public:
  /// Any segment, e.g. to inspect it. Fails: not_found; unsupported (another version); corrupt.
  static result<segment_reader> open(const env& e, const std::string& path);
  /// The one that a manifest names. `corrupt`: it is another file.
  static result<segment_reader> open(const env& e, const std::string& directory,
                                     const segment_ref& ref, std::uint64_t store);

  [[nodiscard]] const segment_header& header() const noexcept { return header_; }
  [[nodiscard]] const std::string& path() const noexcept { return file_.path(); }
  [[nodiscard]] std::uint64_t concept_count() const noexcept {
    return header_.at(segment_section::concepts).bytes / sizeof(segment_concept);
  }
  [[nodiscard]] std::uint64_t association_count() const noexcept {
    return header_.at(segment_section::associations).bytes / sizeof(segment_association);
  }

  /// False: it holds no record of this id.
  result<bool> may_hold(const concept_id& id) const;
  /// Its record, nullptr if there is none; may be a tombstone. Does not ask the filter.
  result<const segment_concept*> search(const concept_id& id) const;
  /// The same, asking the filter first.
  result<const segment_concept*> find(const concept_id& id) const;
  /// In the order of ids. Precondition: index < concept_count().
  result<const segment_concept*> at(std::uint64_t index) const;

  /// Codebook of the vectors; none: all are floats.
  result<std::optional<codebook_view>> codebook() const;

  /// Of a record of this reader; empty where it has none, or leaves it to older segments.
  result<std::string_view> content(const segment_concept& c) const;
  /// Also verifies the codebook that it needs.
  result<stored_vector> vector(const segment_concept& c) const;
  result<segment_extras> extras(const segment_concept& c) const;
  result<std::span<const segment_association>> associations(const segment_concept& c) const {
    return associations(c, 0, c.associations);
  }
  /// Some of them. Precondition: first + count <= c.associations.
  result<std::span<const segment_association>> associations(const segment_concept& c,
                                                            std::uint32_t first,
                                                            std::uint32_t count) const;
  /// Names of the kinds that the store knew, by id.
  result<std::vector<std::string>> kinds() const;

  /// Gives back the memory that what was looked at takes, for who goes on to other parts. Views
  /// stay valid; what is looked at again is verified again.
  void let_go() const noexcept;
  /// Verifies what others will look at soon, on a thread of its own, until `stop`: those who come
  /// later need not. What is wrong is theirs to find.
  void read_ahead(const std::atomic<bool>& stop) const noexcept;
  /// Reads every byte again, and checks all that a writer makes sure of. Bytes read. Where
  /// checksums fail and `on_fault` is told, what the bytes say is not looked at; else the first
  /// thing that a writer would not write is the failure.
  result<std::uint64_t> verify(const verify_watch& w = {}) const;

  /// What a mapping of vectors, content and extras takes: begins at a multiple of map_unit.
  [[nodiscard]] segment_extent payloads() const noexcept;
  /// What they take of an arena.
  [[nodiscard]] std::size_t payload_spans() const noexcept {
    return static_cast<std::size_t>((payloads().bytes + map_unit - 1) / map_unit);
  }
  /// Maps payloads() to `at` (file::map_at), where an `offset` of the file is then found at
  /// offset - payloads().offset. Verifies them first: who reads there asks nobody.
  result<file_mapping> map_payloads(std::byte* at) const;

private:
  segment_reader(file from, const segment_header& h, file_mapping mapped,
                 std::vector<std::uint64_t> checksums);

  failure corrupt(std::uint64_t offset, std::string_view what) const;
  template <class T>
  const T* look_at(std::uint64_t offset) const noexcept {
    return reinterpret_cast<const T*>(mapped_.bytes().data() + offset);
  }
  result<void> check_piece(segment_section s, std::uint64_t piece) const;
  /// [from, from + bytes) of a section is what was written. Precondition: the section has them.
  result<void> trust(segment_section s, std::uint64_t from, std::uint64_t bytes) const;
  result<void> trust_all(segment_section s) const;
  result<void> look_at_codebook();
  [[nodiscard]] const_bytes codebook_bytes() const noexcept;
  [[nodiscard]] std::string_view fault_in(const stored_vector& v, std::uint64_t at) const noexcept;
  result<void> check_vector_blocks() const;
  result<const_bytes> payload(segment_section s, std::uint64_t at, std::uint32_t bytes) const;
  [[nodiscard]] std::string_view fault_in(const segment_concept& c) const noexcept;
  [[nodiscard]] bool fits(segment_section s, std::uint64_t at, std::uint32_t bytes,
                          std::uint64_t bytes_max) const noexcept;
  result<void> verify_records() const;

  file file_;
  segment_header header_;                                       // const
  file_mapping mapped_;                                         // the whole file
  std::vector<std::uint64_t> checksums_;                        // const
  std::array<std::uint64_t, segment_checked_sections> first_{}; // piece of each section; const
  std::unique_ptr<std::atomic<bool>[]> trusted_;                // by piece, then whether the
                                                                // codebook is one; any thread
  std::uint64_t codebook_block_ = 0; // bytes of it, 0: there is none; const once open
  std::size_t coded_bytes_ = 0;      // of a coded vector's payload; const once open
};

} // namespace cmem
