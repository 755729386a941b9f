#pragma once
// Where a benchmark's stores lie.

#include "bench/bench.hpp"

#include <string>
#include <string_view>

namespace cmem::bench {

/// A fresh directory on a real disk, removed with all that is in it. Threads: one.
class scratch_directory {
public:
  /// Below options::directory, or TMPDIR. Throws std::runtime_error: it cannot be made, or lies on
  /// a file system in memory, where syncing costs nothing.
  explicit scratch_directory(const options& o);
  ~scratch_directory();
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;

  /// Of a file or directory in it.
  [[nodiscard]] std::string at(std::string_view name) const;
  /// "ext4 on /dev/vda"; "unknown" where the system does not say.
  [[nodiscard]] const std::string& file_system() const noexcept { return file_system_; }

private:
  std::string path_;
  std::string file_system_;
};

} // namespace cmem::bench
