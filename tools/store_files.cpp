#include "tools/store_files.hpp"

#include "storage/segment_format.hpp"
#include "storage/vector_index_file.hpp"
#include "storage/wal_format.hpp"

#include <algorithm>

namespace cmem::tools {

store_file_type store_file_type_of(std::string_view name) {
  name.remove_prefix(name.rfind('/') + 1); // npos + 1 is 0
  if (name == "MANIFEST")
    return store_file_type::manifest;
  if (name == "LOCK")
    return store_file_type::lock;
  if (wal_file_number(name))
    return store_file_type::log;
  if (segment_file_number(name))
    return store_file_type::segment;
  if (name == vector_index_name || name == vector_index_draft)
    return store_file_type::index;
  return store_file_type::other;
}

std::string_view to_string(store_file_type t) noexcept {
  switch (t) {
    case store_file_type::manifest: return "manifest";
    case store_file_type::log: return "log";
    case store_file_type::segment: return "segment";
    case store_file_type::index: return "index";
    case store_file_type::lock: return "lock";
    case store_file_type::other: return "other";
  }
  return "?";
}

std::uint64_t store_listing::bytes() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& f : files)
    sum += f.bytes;
  return sum;
}

std::uint64_t store_listing::bytes(store_file_type t) const noexcept {
  std::uint64_t sum = 0;
  for (const auto& f : files)
    sum += f.type == t ? f.bytes : 0;
  return sum;
}

std::size_t store_listing::count(store_file_type t) const noexcept {
  return static_cast<std::size_t>(
    std::count_if(files.begin(), files.end(), [t](const auto& f) { return f.type == t; }));
}

result<store_listing> list_store(const env& e, const std::string& directory) {
  const failure none{errc::not_found, directory + ": no store is there; `cmem import " + directory
                                        + " FILE` makes one"};
  const auto names = e.list(directory);
  if (!names)
    return names.error().code == errc::not_found ? none : names.error();
  store_listing all;
  for (const auto& name : *names) {
    const auto opened = e.open(directory + "/" + name, open_mode::read);
    if (!opened) {
      if (opened.error().code == errc::not_found) // it was replaced by whoever writes the store
        continue;
      return opened.error();
    }
    const auto size = opened->size();
    if (!size)
      return size.error();
    all.files.push_back({name, store_file_type_of(name), *size});
  }
  if (all.count(store_file_type::manifest) + all.count(store_file_type::log)
        + all.count(store_file_type::segment)
      == 0)
    return none;
  return all;
}

} // namespace cmem::tools
