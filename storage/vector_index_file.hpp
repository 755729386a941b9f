#pragma once
// The index of vectors in a store, so that opening it need not make it again: the file VECTORS.
//
//   file        := header section[9]            each begins where the one before ends; all numbers
//                                               are little-endian, offsets are those in the file
//   ids         := u8[16]*                      whose vector each slot has
//   hashes      := u64*                         XXH3-64 of that vector as it is read; 0: nobody's
//   forms       := (scale:f32 residual:f32 norm:f64)*       quantized_vector (vector_kernels.hpp)
//   codes       := i8[dimension]*               of each slot
//   rows        := u32[2 * neighbors]*          of the first graph_slots: neighbors at level 0
//   first_upper := u32*                         of each of these: its first row of `upper`
//   twins       := u32*                         of each of these (graph_links)
//   upper       := u32[neighbors]*
//   checksums   := u64*     XXH3-64 of each 64 KiB of each section before, in their order; the last
//                           piece of a section is shorter
//
// Nothing in it says of which sequence it is: a slot counts where the concept of its id has that
// very vector, in whatever store it is found. So it may be older or newer than the segments and the
// log beside it, compaction changes nothing of it (but where that makes codes of vectors: what they
// decode to is another vector), and what it lacks is indexed as what is new is.
// The slots of others stay way points of the graph.
//
// Written as VECTORS.new, which gets its name once it is on the disk. Losing it loses no data: it
// is made again.

#include "storage/env.hpp"
#include "storage/segment_format.hpp"
#include "storage/vector_columns.hpp"
#include "storage/vector_graph.hpp"
#include "storage/vector_indexer.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace cmem {

inline constexpr std::array<char, 8> vector_index_magic{'c', 'm', 'e', 'm', 'v', 'e', 'c', '1'};
inline constexpr std::uint32_t vector_index_version = 1; ///< of codes, too: quantize()
inline constexpr std::string_view vector_index_name = "VECTORS";
inline constexpr std::string_view vector_index_draft = "VECTORS.new";

enum class vector_section : std::uint8_t {
  ids,
  hashes,
  forms,
  codes,
  rows,
  first_upper,
  twins,
  upper,
  checksums,
};
inline constexpr std::size_t vector_sections = 9;
inline constexpr std::size_t vector_checked_sections = 8; ///< all but the checksums

struct vector_index_header {
  std::array<char, 8> magic = vector_index_magic;
  std::uint32_t version = vector_index_version;
  std::uint32_t metric = 0; ///< vector_metric, of the graph
  std::uint64_t store = 0;  ///< where it was written
  std::uint32_t dimension = 0;
  std::uint32_t slots = 0;
  std::uint32_t neighbors = 0; ///< of graph_links, as what follows; 0: there is no graph
  std::uint32_t graph_slots = 0;
  std::uint32_t upper_rows = 0;
  std::uint32_t entry = 0;
  std::uint32_t top = 0;
  std::uint32_t reserved = 0;
  std::array<segment_extent, vector_sections> sections{};
  std::uint64_t table_checksum = 0; ///< XXH3-64 of `checksums`
  std::array<std::uint8_t, 40> zeros{};
  std::uint64_t checksum = 0; ///< XXH3-64 of all before it

  [[nodiscard]] const segment_extent& at(vector_section s) const noexcept {
    return sections[static_cast<std::size_t>(s)];
  }
};
static_assert(sizeof(vector_index_header) == 256);
static_assert(std::has_unique_object_representations_v<vector_index_header>); // no padding
static_assert(offsetof(vector_index_header, store) == 16);
static_assert(offsetof(vector_index_header, sections) == 56);
static_assert(offsetof(vector_index_header, checksum) == 248);

/// Of `forms`.
struct vector_slot_form {
  float unit_scale;
  float unit_residual;
  double norm;
};
static_assert(sizeof(vector_slot_form) == 16);

/// With the places of its sections, which follow from its counts.
[[nodiscard]] vector_index_header laid_out(vector_index_header h) noexcept;
/// With its checksum filled in.
[[nodiscard]] vector_index_header sealed(vector_index_header h) noexcept;
/// Why the header cannot be one of a file of that size; empty if it can. Version and magic are the
/// caller's to judge.
[[nodiscard]] std::string_view fault_of(const vector_index_header& h,
                                        std::uint64_t file_bytes) noexcept;

struct vector_index_writing {
  std::uint64_t spare_bytes = 0;   ///< it is disk_full where the disk would have less left
  std::function<bool()> stop = {}; ///< asked now and then: whether to give up
};

/// Writes the index in the place of the one that is there, durable when this returns. Slots that
/// are not current in `s` are nobody's in the file. Reads all vectors. Synced every few MiB, so
/// that commits on the same disk do not wait behind all of it. Bytes written. Fails: as env does;
/// `closed`, `stop` said so. What was there before stays then, or there is the new one, not
/// durable. Threads: any; one at a time for a directory.
result<std::uint64_t> write_vector_index(const env& e, const std::string& directory,
                                         std::uint64_t store, const graph_snapshot& s,
                                         const vector_index& index,
                                         const vector_index_writing& how = {});

/// The index in that directory, as far as it is that of the vectors of `s`; with links, if they are
/// of that metric. All of it is verified (D3), also that no link leads astray. Fails: `not_found`;
/// `unsupported`, a newer version; `corrupt` with file and offset, or of another dimension;
/// `io_error`; `closed`, `stop` said so. Throws std::bad_alloc. Threads: any.
result<stored_vectors> read_vector_index(const env& e, const std::string& directory,
                                         const graph_snapshot& s, vector_metric metric,
                                         const std::function<bool()>& stop = {});

/// Its header, once it and the table of checksums were verified. Fails: as read_vector_index()
/// does.
result<vector_index_header> read_vector_index_header(const env& e, const std::string& path);

/// The same, once every byte and every link was verified. `on_bytes` is told of bytes read since
/// the last call. Fails: as read_vector_index() does.
result<vector_index_header> verify_vector_index(
  const env& e, const std::string& path, const std::function<void(std::uint64_t)>& on_bytes = {});

} // namespace cmem
