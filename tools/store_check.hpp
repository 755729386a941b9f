#pragma once
// Whether the files of a store hold what their checksums say.

#include "storage/env.hpp"
#include "tools/store_files.hpp"

#include <functional>
#include <string>
#include <vector>

namespace cmem::tools {

struct store_check {
  std::vector<failure> faults;    ///< each with file and offset
  std::vector<std::string> notes; ///< what is normal after a crash, and what is no part of a store
  std::uint64_t segments = 0;     ///< that the manifest names
  std::uint64_t indexes = 0;      ///< of vectors: 1 or none
  std::uint64_t records = 0;      ///< of the log, behind the checkpoint
  std::uint64_t entries = 0;      ///< in them
  std::uint64_t sequence = 0;     ///< that the store ends with
  std::uint64_t bytes = 0;        ///< read

  [[nodiscard]] bool ok() const noexcept { return faults.empty(); }
};

/// Told of the bytes checked so far, of about so many.
using check_progress = std::function<void(std::uint64_t bytes, std::uint64_t of)>;

/// Reads all of it, each type of file by a check of its own, and goes on where one is damaged: only
/// the log ends there. Trusts nothing it reads, changes nothing. Beside a process that writes the
/// store, its last checkpoint, and none of the log. Fails: not_found; as env does.
result<store_check> check_store(const env& e, const std::string& directory,
                                const check_progress& progress = {});

} // namespace cmem::tools
