#include "storage/store_root.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstddef>
#include <cstring>

namespace cmem {

namespace {

std::uint64_t checksum_of(const store_root& r) noexcept {
  return XXH3_64bits(&r, offsetof(store_root, checksum));
}

std::string path_of(const std::string& directory) { return directory + "/ROOT"; }

} // namespace

result<std::optional<store_root>> read_store_root(const env& e, const std::string& directory) {
  const auto opened = e.open(path_of(directory), open_mode::read);
  if (!opened) {
    if (opened.error().code == errc::not_found)
      return std::optional<store_root>();
    return opened.error();
  }
  store_root r;
  if (auto done = opened->read_all_at(std::as_writable_bytes(std::span(&r, 1)), 0); !done)
    return done.error();
  if (r.magic != store_root_magic || r.checksum != checksum_of(r))
    return failure{errc::corrupt, opened->path()
                                    + " at offset 0: it fails its checksum; restore the store "
                                      "from a copy"};
  if (r.version != store_root_version)
    return failure{errc::unsupported, opened->path() + ": format version "
                                        + std::to_string(r.version)
                                        + ", this program reads version 1; use a newer one"};
  return std::optional(r);
}

result<void> write_store_root(const env& e, const std::string& directory, store_root root) {
  root.checksum = checksum_of(root);
  const std::string beside = path_of(directory) + ".new";
  auto made = e.open(beside, open_mode::create);
  if (!made)
    return made.error();
  if (auto done = made->write_at(std::as_bytes(std::span(&root, 1)), 0); !done)
    return done;
  if (auto done = made->sync(); !done)
    return done;
  if (auto done = e.rename(beside, path_of(directory)); !done)
    return done;
  return e.sync_directory(directory);
}

} // namespace cmem
