#include "storage/format_version.hpp"

#include "storage/segment_format.hpp"
#include "storage/wal_format.hpp"

#include <cstring>

namespace cmem {

namespace {

static_assert(sizeof(segment_header) <= sizeof(wal_header));

/// 0: what begins the file has no version.
std::uint32_t version_of(const_bytes head, bool segment) noexcept {
  if (wal_header log; !segment)
    return read_wal_header(head, log) == wal_header_state::valid ? log.version : 0;
  segment_header h;
  if (head.size() < sizeof h)
    return 0;
  std::memcpy(&h, head.data(), sizeof h);
  return h.magic == segment_magic && h.checksum == sealed(h).checksum ? h.version : 0;
}

} // namespace

failure newer_format(std::string_view path, std::uint32_t found, std::uint32_t highest) {
  std::string text(path);
  text += " has format version " + std::to_string(found) + ", and this program reads up to version "
          + std::to_string(highest) + ": open the store with a newer cmem; nothing was changed";
  return {errc::unsupported, std::move(text)};
}

result<void> check_versions(const env& e, const std::string& directory) {
  const auto names = e.list(directory);
  if (!names)
    return names.error();
  for (const std::string& name : *names) {
    const bool segment = segment_file_number(name).has_value();
    if (!segment && !wal_file_number(name))
      continue;
    const std::string path = directory + "/" + name;
    const auto opened = e.open(path, open_mode::read);
    if (!opened && opened.error().code == errc::not_found)
      continue;
    if (!opened)
      return opened.error();
    std::array<std::byte, sizeof(wal_header)> head{};
    const auto read = opened->read_at(head, 0);
    if (!read)
      return read.error();
    const std::uint32_t highest = segment ? segment_version : wal_version;
    const std::uint32_t version = version_of(const_bytes(head).first(*read), segment);
    if (version > highest)
      return newer_format(path, version, highest);
  }
  return {};
}

} // namespace cmem
