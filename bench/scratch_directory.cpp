#include "bench/scratch_directory.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace cmem::bench {
namespace {

namespace fs = std::filesystem;

/// Type and source, from a line of mountinfo: `… MAJOR:MINOR … - TYPE SOURCE …`.
std::string file_system_of(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0)
    return "unknown";
  const std::string device =
    std::to_string(major(found.st_dev)) + ":" + std::to_string(minor(found.st_dev));
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string id, parent, number, word;
    words >> id >> parent >> number;
    if (number != device)
      continue;
    while (words >> word && word != "-")
      ;
    std::string type, source;
    if (words >> type >> source)
      return type + " on " + source;
  }
  return "unknown";
}

} // namespace

scratch_directory::scratch_directory(const options& o) {
  const fs::path parent = o.directory.empty() ? fs::temp_directory_path() : fs::path(o.directory);
  std::string name = (parent / "cmem_bench_XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    throw std::runtime_error("cannot make " + name + ": " + std::strerror(errno));
  path_ = name;
  file_system_ = file_system_of(path_);
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
