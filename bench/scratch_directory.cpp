#include "bench/scratch_directory.hpp"

#include "tools/scratch_folder.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace cmem::bench {

namespace fs = std::filesystem;

scratch_directory::scratch_directory(const options& o) {
  const fs::path parent = o.directory.empty() ? fs::temp_directory_path() : fs::path(o.directory);
  std::string name = (parent / "cmem_bench_XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    throw std::runtime_error("cannot make " + name + ": " + std::strerror(errno));
  path_ = name;
  file_system_ = tools::file_system_of(path_);
  if (file_system_.starts_with("tmpfs") || file_system_.starts_with("ramfs")) {
    std::error_code ignored; // the throw below says more
    fs::remove_all(path_, ignored);
    throw std::runtime_error(parent.string() + " is " + file_system_
                             + ", where syncing costs nothing: name a directory on a disk with "
                               "--directory");
  }
}

scratch_directory::~scratch_directory() {
  std::error_code ignored; // a destructor has nobody to tell
  fs::remove_all(path_, ignored);
}

std::string scratch_directory::at(std::string_view name) const {
  return path_ + "/" + std::string(name);
}

} // namespace cmem::bench
