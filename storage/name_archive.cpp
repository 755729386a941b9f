#include "storage/name_archive.hpp"

#include "storage/archive_buffer.hpp"
#include "storage/limits.hpp"

#include <cereal/archives/portable_binary.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>

#include <algorithm>
#include <istream>
#include <ostream>

namespace cmem {

void archive_names(const std::vector<std::string>& names, std::vector<std::byte>& out) {
  archive_sink sink(out);
  std::ostream stream(&sink);
  cereal::PortableBinaryOutputArchive archive(stream);
  archive(names);
}

// Not by cereal's own loading of a vector: that one takes memory as the lengths say.
result<std::vector<std::string>> read_names(const_bytes bytes) {
  const auto refuse = [](std::string why) { return failure{errc::corrupt, std::move(why)}; };
  archive_source source(bytes);
  std::istream stream(&source);
  try {
    cereal::PortableBinaryInputArchive archive(stream);
    if (bytes.front() != std::byte{1})
      return refuse("names are not little-endian");
    std::uint64_t count = 0;
    archive(count);
    if (count > kinds_max)
      return refuse(std::to_string(count) + " names: at most " + std::to_string(kinds_max));
    std::vector<std::string> names;
    for (std::uint64_t i = 0; i != count; ++i) {
      std::uint64_t length = 0;
      archive(length);
      if (length == 0 || length > name_bytes_max)
        return refuse("a name of " + std::to_string(length) + " bytes");
      std::string& name = names.emplace_back(static_cast<std::size_t>(length), '\0');
      archive.loadBinary<1>(name.data(), static_cast<std::streamsize>(length));
    }
    const const_bytes rest = source.rest();
    if (rest.size() >= 16
        || std::any_of(rest.begin(), rest.end(), [](std::byte b) { return b != std::byte{0}; }))
      return refuse("something lies behind the names");
    return names;
  } catch (const cereal::Exception& e) { // the end of its input
    return refuse(std::string("not an archive of names: ") + e.what());
  }
}

} // namespace cmem
