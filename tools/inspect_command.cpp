// Any file of a store, recognized by its first bytes.

#include "storage/manifest.hpp"
#include "storage/vector_index_file.hpp"
#include "storage/wal_file_reader.hpp"
#include "tools/inspect_sheet.hpp"
#include "tools/store_files.hpp"
#include "tools/store_opening.hpp"

#include <array>

namespace cmem::tools {
namespace {

/// A file that inspect knows by how it begins.
struct inspector {
  std::array<char, 8> magic;
  result<void> (*show)(const inspect_arguments& a, const env& e, inspect_sheet& to);
};

constexpr std::array<inspector, 4> inspectors = {{
  {manifest_magic, inspect_manifest},
  {segment_magic, inspect_segment},
  {wal_magic, inspect_log},
  {vector_index_magic, inspect_vectors},
}};

/// Files without a magic number of their own.
result<void> show_other(const inspect_arguments& a, const file& from, std::uint64_t bytes,
                        inspect_sheet& to) {
  if (store_file_type_of(a.file) == store_file_type::lock && bytes <= 32) {
    std::string text(bytes, '\0');
    if (auto read = from.read_all_at(std::as_writable_bytes(std::span(text)), 0); !read)
      return read;
    to.add({{"what", "lock"}, {"last_process", text.substr(0, text.find('\n'))}});
    return {};
  }
  std::array<std::byte, sizeof(wal_header)> head{};
  const auto read = from.read_at(head, 0);
  if (!read)
    return read.error();
  wal_header h;
  if (store_file_type_of(a.file) == store_file_type::log
      && read_wal_header(const_bytes(head).first(*read), h) == wal_header_state::blank) {
    to.add({{"what", "write-ahead log, not used yet"}, {"bytes", bytes}});
    return {};
  }
  return failure{errc::unsupported,
                 a.file + ": begins as no file of a store does that this program knows"};
}

result<void> inspect(const inspect_arguments& a, const env& e, inspect_sheet& to) {
  const auto opened = e.open(a.file, open_mode::read);
  if (!opened)
    return opened.error();
  const auto bytes = opened->size();
  if (!bytes)
    return bytes.error();
  std::array<char, 8> magic{};
  if (const auto read = opened->read_at(std::as_writable_bytes(std::span(magic)), 0); !read)
    return read.error();
  for (const inspector& i : inspectors)
    if (i.magic == magic)
      return i.show(a, e, to);
  if (store_file_type_of(a.file) == store_file_type::manifest)
    return inspect_manifest(a, e, to); // its first root may be damaged
  return show_other(a, *opened, *bytes, to);
}

} // namespace

int inspect_command(const inspect_arguments& a, const console& c) {
  inspect_sheet to(c.out, a.json, a.limit);
  const auto shown = inspect(a, c.files, to);
  return shown ? exit_ok : fail(c, shown.error());
}

} // namespace cmem::tools
