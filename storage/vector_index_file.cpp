#include "storage/vector_index_file.hpp"

#include "storage/limits.hpp"

#include <algorithm>

namespace cmem {

namespace {

/// Bytes of each section, by the counts.
std::array<std::uint64_t, vector_sections> sizes_of(const vector_index_header& h) noexcept {
  const std::uint64_t slots = h.slots;
  const std::uint64_t rows = h.graph_slots;
  const std::uint64_t neighbors = h.neighbors;
  const std::uint64_t upper_rows = h.upper_rows;
  std::array<std::uint64_t, vector_sections> all{
    slots * 16,           slots * 8, slots * 16, slots * h.dimension,
    rows * 8 * neighbors, rows * 4,  rows * 4,   upper_rows * 4 * neighbors};
  for (std::size_t s = 0; s != vector_checked_sections; ++s)
    all[vector_checked_sections] += 8 * segment_pieces(all[s]);
  return all;
}

} // namespace

vector_index_header laid_out(vector_index_header h) noexcept {
  std::uint64_t at = sizeof h;
  const auto sizes = sizes_of(h);
  for (std::size_t s = 0; s != vector_sections; ++s) {
    h.sections[s] = {at, sizes[s]};
    at += sizes[s];
  }
  return h;
}

vector_index_header sealed(vector_index_header h) noexcept {
  h.checksum = segment_checksum(
    std::as_bytes(std::span(&h, 1)).first(offsetof(vector_index_header, checksum)));
  return h;
}

std::string_view fault_of(const vector_index_header& h, std::uint64_t file_bytes) noexcept {
  if (h.checksum != sealed(h).checksum)
    return "the header fails its checksum";
  const vector_index_header right = laid_out(h);
  const auto same = [](const segment_extent& a, const segment_extent& b) {
    return a.offset == b.offset && a.bytes == b.bytes;
  };
  if (!std::equal(h.sections.begin(), h.sections.end(), right.sections.begin(), same)
      || h.at(vector_section::checksums).end() != file_bytes)
    return "the sections are not those of its counts, or the file has another size";
  if (h.dimension == 0 || h.dimension > vector_dimension_max
      || h.metric > static_cast<std::uint32_t>(vector_metric::l2)
      || h.slots >= graph_links::slots_max || h.reserved != 0
      || std::any_of(h.zeros.begin(), h.zeros.end(), [](std::uint8_t b) { return b != 0; }))
    return "the header says what cannot be";
  const bool graph = h.neighbors != 0;
  if (graph ? h.neighbors < 2 || h.neighbors > graph_links::neighbors_max || h.graph_slots > h.slots
                || h.entry > h.graph_slots || h.top > graph_level_max
            : (h.graph_slots | h.upper_rows | h.entry | h.top) != 0)
    return "the header says of a graph what cannot be";
  return {};
}

} // namespace cmem
