#include "tools/scratch_folder.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace cmem::tools {

namespace fs = std::filesystem;

// From a line of mountinfo: `… MAJOR:MINOR … - TYPE SOURCE …`.
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

scratch_folder::scratch_folder(std::string path)
  : path_(std::move(path)), file_system_(file_system_of(path_)) {}

scratch_folder::~scratch_folder() {
  std::error_code ignored; // a destructor has nobody to tell
  fs::remove_all(path_, ignored);
}

result<std::unique_ptr<scratch_folder>> scratch_folder::make(const std::string& parent) {
  std::error_code error;
  const fs::path below = parent.empty() ? fs::temp_directory_path(error) : fs::path(parent);
  if (error)
    return failure{errc::io_error, "no directory for temporary files: " + error.message()};
  std::string name = (below / "cmem_peer_XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    return failure{errc::io_error, "cannot make " + name + ": " + std::strerror(errno)};
  return std::unique_ptr<scratch_folder>(new scratch_folder(std::move(name)));
}

} // namespace cmem::tools
