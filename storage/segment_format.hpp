#pragma once
// The bytes of a segment: what changed between two checkpoints, sorted by id. Written once.
//
//   segment   := header section[8]               each begins where the one before ends; all numbers
//                                                are little-endian, all offsets count from the file
//   concepts  := concept*      records of 128 bytes, ids strictly ascending
//   edges     := edge*         records of 64 bytes; those of one source lie together
//   vectors   := codebook? block*   f32[dimension], or codes: see coded_vectors.hpp
//   codebook  := block         vector_codebook::to_bytes(); where the flag coded_vectors is set
//   content   := block*
//   extras    := (archive block*)?               name and attributes
//   kinds     := bytes zero*   archive of the kinds' names (name_archive.hpp), zeros up to 16
//   bloom     := u32[8]*       split-block Bloom filter over the ids
//   checksums := u64*          XXH3-64 of each 64 KiB of each section before, in their order; the
//                              last piece of a section is shorter
//   block     := next:u32=0 bytes:u32 u8[bytes] zero*          a multiple of 16, as is its offset
//   archive   := 1:u8 zero:u8[15]
//
// A block is what payload_pool makes, so that a segment mapped into an arena serves the engine as
// it lies. The payload of one of `extras` is node_extras (version 0), name, attributes as
// attribute_codec.hpp has them. The first byte of `extras` makes the whole section an archive as
// cereal's portable binary writes it: little-endian numbers, then bytes.
//
// A record replaces what older segments say of its id, except what its flags leave to them. A
// whole list replaces the older one, and there are no tombstones of associations: one that is in
// no newer list is gone. To say that one of a thousand went, a list says the other 999 again; but
// a reader never merges lists, stops at the first one, and cannot meet a tombstone before or
// without what it ends. Whoever forgets a concept writes the lists of all sources that it was in.

#include "storage/concept_id.hpp"
#include "storage/kernel.hpp"
#include "storage/records.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <optional>
#include <string_view>
#include <type_traits>

namespace cmem {

static_assert(std::endian::native == std::endian::little, "records are used as they lie");

inline constexpr std::array<char, 8> segment_magic{'c', 'm', 'e', 'm', 's', 'e', 'g', '1'};
inline constexpr std::uint32_t segment_version = 2; ///< the highest that is read
/// Of a segment without codes, so that programs that know of none read it too.
inline constexpr std::uint32_t segment_version_of_originals = 1;
inline constexpr std::size_t segment_block_bytes = std::size_t{64} << 10; ///< under one checksum

enum class segment_section : std::uint8_t {
  concepts,
  associations,
  vectors,
  content,
  extras,
  kinds,
  bloom,
  checksums,
};
inline constexpr std::size_t segment_sections = 8;
inline constexpr std::size_t segment_checked_sections = 7; ///< all but the checksums

struct segment_extent {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;

  [[nodiscard]] std::uint64_t end() const noexcept { return offset + bytes; }
};

struct segment_header {
  static constexpr std::uint32_t association_times = 1; ///< flag: associations have times
  static constexpr std::uint32_t coded_vectors = 2;     ///< flag of version 2: some are codes

  std::array<char, 8> magic = segment_magic;
  std::uint32_t version = segment_version_of_originals;
  std::uint32_t flags = 0;
  std::uint64_t store = 0;
  std::uint64_t number = 0;         ///< in its name
  std::uint64_t first_sequence = 0; ///< changes of the entries from here …
  std::uint64_t last_sequence = 0;  ///< … to here are in it
  std::int64_t timestamp_us = 0;    ///< of the snapshot it came from
  std::uint32_t vector_dimension = 0;
  std::uint32_t block_bytes = segment_block_bytes;
  std::uint64_t forgotten = 0; ///< records that say no more than that
  std::array<segment_extent, segment_sections> sections{};
  std::uint64_t table_checksum = 0; ///< XXH3-64 of `checksums`
  std::array<std::uint8_t, 40> reserved{};
  std::uint64_t checksum = 0; ///< XXH3-64 of all before it

  [[nodiscard]] bool has(std::uint32_t flag) const noexcept { return (flags & flag) != 0; }
  [[nodiscard]] const segment_extent& at(segment_section s) const noexcept {
    return sections[static_cast<std::size_t>(s)];
  }
  [[nodiscard]] segment_extent& at(segment_section s) noexcept {
    return sections[static_cast<std::size_t>(s)];
  }
};
static_assert(sizeof(segment_header) == 256);
static_assert(std::has_unique_object_representations_v<segment_header>); // no padding
static_assert(offsetof(segment_header, store) == 16);
static_assert(offsetof(segment_header, timestamp_us) == 48);
static_assert(offsetof(segment_header, forgotten) == 64);
static_assert(offsetof(segment_header, sections) == 72);
static_assert(offsetof(segment_header, table_checksum) == 200);
static_assert(offsetof(segment_header, checksum) == 248);

/// What a record of a concept says. A placeholder's has 0 in what a learned one alone has.
struct segment_concept {
  static constexpr std::uint32_t learned = 1;
  static constexpr std::uint32_t forgotten = 2; ///< all else is 0
  static constexpr std::uint32_t older_payload =
    4; ///< content and vector: as an older segment says
  static constexpr std::uint32_t older_associations = 8; ///< outgoing ones: the same

  concept_id id;
  timestamp_us created = 0;
  timestamp_us last_accessed = 0;
  float strength = 0.0F;
  float confidence = 0.0F;
  std::uint32_t access_count = 0;
  std::uint32_t flags = 0;
  std::uint64_t content_at = 0; ///< offset of the block; 0: none
  std::uint64_t vector_at = 0;
  std::uint64_t extras_at = 0;
  std::uint64_t first_association = 0; ///< index of the record; 0 when there is none
  std::uint32_t associations = 0;
  std::uint32_t content_bytes = 0; ///< of the payload, as in the block's head
  std::uint32_t vector_bytes = 0;  ///< 4 * dimension: floats; else codes
  std::uint32_t extras_bytes = 0;
  std::array<std::uint8_t, 32> reserved{};

  [[nodiscard]] bool has(std::uint32_t flag) const noexcept { return (flags & flag) != 0; }
};
static_assert(sizeof(segment_concept) == 128 && std::is_trivially_copyable_v<segment_concept>);
static_assert(offsetof(segment_concept, created) == 16);
static_assert(offsetof(segment_concept, strength) == 32);
static_assert(offsetof(segment_concept, content_at) == 48);
static_assert(offsetof(segment_concept, associations) == 80);
static_assert(offsetof(segment_concept, reserved) == 96);

struct segment_association {
  concept_id source;
  concept_id target;
  timestamp_us created = 0;   ///< 0 without times
  timestamp_us last_used = 0; ///< 0 without times
  float confidence = 0.0F;
  float weight = 0.0F;
  kind_id kind = 0; ///< of the store, named in `kinds`
  std::array<std::uint8_t, 6> reserved{};
};
static_assert(sizeof(segment_association) == 64);
static_assert(std::is_trivially_copyable_v<segment_association>);
static_assert(offsetof(segment_association, created) == 32);
static_assert(offsetof(segment_association, confidence) == 48);
static_assert(offsetof(segment_association, kind) == 56);

/// Head of a block, as payload_pool has it.
struct segment_block {
  std::uint32_t next = 0;
  std::uint32_t bytes = 0;
};
static_assert(sizeof(segment_block) == 8);
inline constexpr std::size_t segment_alignment = 16; ///< handle_unit

[[nodiscard]] constexpr std::uint64_t segment_padded(std::uint64_t bytes) noexcept {
  return (bytes + segment_alignment - 1) / segment_alignment * segment_alignment;
}
/// Of a block with that payload.
[[nodiscard]] constexpr std::uint64_t segment_block_size(std::uint64_t bytes) noexcept {
  return segment_padded(sizeof(segment_block) + bytes);
}
[[nodiscard]] constexpr std::uint64_t segment_pieces(std::uint64_t section_bytes) noexcept {
  return (section_bytes + segment_block_bytes - 1) / segment_block_bytes;
}

/// A segment as a manifest names it.
struct segment_ref {
  std::uint64_t number = 0;
  std::uint64_t bytes = 0; ///< of the file
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  std::uint64_t checksum = 0; ///< its header's

  friend bool operator==(const segment_ref&, const segment_ref&) = default;
};

/// With its checksum filled in.
[[nodiscard]] segment_header sealed(segment_header h) noexcept;
/// Why the header cannot be one of a file of that size; empty if it can. A newer version is
/// the caller's to judge, and what lies behind it is not looked at.
[[nodiscard]] std::string_view fault_of(const segment_header& h, std::uint64_t file_bytes) noexcept;
[[nodiscard]] std::uint64_t segment_checksum(const_bytes bytes) noexcept;

/// "segment-7.cmseg" and back.
[[nodiscard]] std::string segment_file_name(std::uint64_t number);
[[nodiscard]] std::optional<std::uint64_t> segment_file_number(std::string_view name) noexcept;

} // namespace cmem
