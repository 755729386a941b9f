#include "storage/segment_format.hpp"

#include <algorithm>
#include <charconv>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace cmem {

namespace {

std::uint64_t checksum_of(const segment_header& h) noexcept {
  return XXH3_64bits(&h, offsetof(segment_header, checksum));
}

// Of one element in a section, which then holds whole ones.
constexpr std::array<std::uint64_t, segment_sections> element_bytes{sizeof(segment_concept),
                                                                    sizeof(segment_association),
                                                                    segment_alignment,
                                                                    segment_alignment,
                                                                    segment_alignment,
                                                                    segment_alignment,
                                                                    32,
                                                                    8};

} // namespace

segment_header sealed(segment_header h) noexcept {
  h.checksum = checksum_of(h);
  return h;
}

std::uint64_t segment_checksum(const_bytes bytes) noexcept {
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::string_view fault_of(const segment_header& h, std::uint64_t file_bytes) noexcept {
  if (h.magic != segment_magic)
    return "it does not begin as a segment does";
  if (h.checksum != checksum_of(h))
    return "its header fails the checksum";
  if (h.version > segment_version)
    return {}; // what follows is of another layout
  const std::uint32_t coded = h.version == segment_version ? segment_header::coded_vectors : 0;
  if (h.version == 0 || (h.flags & ~segment_header::association_times) != coded
      || h.block_bytes != segment_block_bytes
      || std::any_of(h.reserved.begin(), h.reserved.end(), [](std::uint8_t b) { return b != 0; }))
    return "its header has fields that this version does not write";
  std::uint64_t at = sizeof(segment_header);
  std::uint64_t pieces = 0;
  for (std::size_t s = 0; s != segment_sections; ++s) {
    const segment_extent& e = h.sections[s];
    if (e.offset != at || at > file_bytes || e.bytes > file_bytes - at
        || e.bytes % element_bytes[s] != 0)
      return "its sections do not fit the file";
    at = e.end();
    if (s < segment_checked_sections)
      pieces += segment_pieces(e.bytes);
  }
  if (at != file_bytes)
    return "its sections do not fill the file";
  if (h.at(segment_section::checksums).bytes != pieces * sizeof(std::uint64_t)
      || h.at(segment_section::bloom).bytes == 0
      || h.at(segment_section::bloom).bytes / 32 > 0xFFFF'FFFFU)
    return "its sections do not agree";
  return {};
}

std::string segment_file_name(std::uint64_t number) {
  return "segment-" + std::to_string(number) + ".cmseg";
}

std::optional<std::uint64_t> segment_file_number(std::string_view name) noexcept {
  constexpr std::string_view front = "segment-";
  constexpr std::string_view back = ".cmseg";
  if (!name.starts_with(front) || !name.ends_with(back)
      || name.size() <= front.size() + back.size())
    return std::nullopt;
  const std::string_view digits =
    name.substr(front.size(), name.size() - front.size() - back.size());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number == ~std::uint64_t{0}
      || (digits[0] == '0' && digits.size() > 1))
    return std::nullopt; // another's file
  return number;
}

} // namespace cmem
