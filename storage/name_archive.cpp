#include "storage/name_archive.hpp"

#include "storage/limits.hpp"
#include "storage/portable_archive.hpp"

#include <algorithm>

namespace cmem {

void archive_names(const std::vector<std::string>& names, std::vector<std::byte>& out) {
  archive_writer archive(out);
  archive.put(std::uint64_t{names.size()});
  for (const std::string& name : names)
    archive.put_text(name);
}

result<std::vector<std::string>> read_names(const_bytes bytes) {
  const auto refuse = [](std::string why) { return failure{errc::corrupt, std::move(why)}; };
  archive_reader archive(bytes);
  const auto count = archive.get<std::uint64_t>();
  if (count > kinds_max)
    return refuse(std::to_string(count) + " names: at most " + std::to_string(kinds_max));
  std::vector<std::string> names;
  for (std::uint64_t i = 0; i != count && !archive.failed(); ++i) {
    const std::string_view name = archive.get_text();
    if (!archive.failed() && (name.empty() || name.size() > name_bytes_max))
      return refuse("a name of " + std::to_string(name.size()) + " bytes");
    names.emplace_back(name);
  }
  if (archive.failed())
    return refuse("not a little-endian archive of names, or cut short");
  const const_bytes rest = archive.rest();
  if (rest.size() >= 16
      || std::any_of(rest.begin(), rest.end(), [](std::byte b) { return b != std::byte{0}; }))
    return refuse("something lies behind the names");
  return names;
}

} // namespace cmem
