#pragma once
// Where a scenario of a given name lies.

#include "storage/result.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace cmem::tools {

/// Folders that are searched for NAME.toml, in this order: examples/scenarios below the current
/// folder; beside the installed program, ../share/concurrent_memory/scenarios; examples/scenarios
/// in any folder above the program, as in a build tree. `program` is its file, empty for the
/// running one.
[[nodiscard]] std::vector<std::filesystem::path> scenario_folders(
  std::filesystem::path program = {});

/// The file that `scenario` means: a path as it is, a plain name by the folders above.
/// Fails (io_error), naming the places that were searched and the names that are there.
result<std::string> find_scenario(const std::string& scenario,
                                  const std::vector<std::filesystem::path>& folders);

} // namespace cmem::tools
