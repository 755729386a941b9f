#pragma once
// A folder for what is thrown away afterwards.

#include "storage/result.hpp"

#include <memory>
#include <string>

namespace cmem::tools {

/// "ext4 on /dev/vda", of the file system that a path lies on; "unknown" where the system does not
/// say.
[[nodiscard]] std::string file_system_of(const std::string& path);

/// A fresh directory, removed with all that is in it. Threads: one.
class scratch_folder {
public:
  /// Below `parent`; an empty one is TMPDIR. Fails: io_error.
  static result<std::unique_ptr<scratch_folder>> make(const std::string& parent);
  ~scratch_folder();
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// What file_system_of() says of it.
  [[nodiscard]] const std::string& file_system() const noexcept { return file_system_; }

private:
  explicit scratch_folder(std::string path);

  std::string path_;
  std::string file_system_;
};

} // namespace cmem::tools
