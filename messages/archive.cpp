#include "messages/archive.hpp"

#include "messages/archive_fields.hpp"

#include <exception>
#include <ostream>

namespace cmem {

using namespace archive;

namespace {

template <class T>
void save(writer& out, const std::vector<T>& list) {
  save_list(out, list, [&](const T& x) { save(out, x); });
}
template <class T>
void load(reader& in, std::vector<T>& list) {
  load_list(in, list, archive_list_max, "a list", [&](T& x) { load(in, x); });
}

} // namespace

template <class T>
std::string to_bytes(const T& value) {
  std::vector<char> bytes;
  append_buffer buffer(bytes);
  std::ostream stream(&buffer);
  writer out(stream);
  out(archive_version);
  save(out, value);
  return {bytes.begin(), bytes.end()};
}

template <class T>
result<T> from_bytes(std::string_view bytes) {
  view_buffer buffer(bytes);
  std::istream stream(&buffer);
  try {
    reader in(stream, buffer);
    in(in.version);
    if (in.version == 0 || in.version > archive_version)
      return failure{errc::parse_error, "archive of version " + std::to_string(in.version)
                                          + ": this one reads versions 1 to "
                                          + std::to_string(archive_version)};
    T value{};
    load(in, value);
    if (buffer.left() != 0)
      return failure{errc::parse_error,
                     std::to_string(buffer.left()) + " bytes are left over behind the archive"};
    return value;
  } catch (const std::exception& e) { // cereal reports the end of its input so
    return failure{errc::parse_error, std::string("not an archive of this value: ") + e.what()};
  }
}

#define CMEM_ARCHIVE(T) \
  template std::string to_bytes(const T&); \
  template result<T> from_bytes(std::string_view); \
  template std::string to_bytes(const std::vector<T>&); \
  template result<std::vector<T>> from_bytes(std::string_view);

CMEM_ARCHIVE(concept_record)
CMEM_ARCHIVE(association_record)
CMEM_ARCHIVE(neighbor_record)
CMEM_ARCHIVE(path_record)

} // namespace cmem
