#pragma once
// A vector as a command is given it.

#include "storage/result.hpp"
#include "tools/cli.hpp"

#include <string>
#include <vector>

namespace cmem::tools {

/// Numbers of a file, or of the console's `in` where it is "-": as a JSON array, or apart by
/// blanks, commas or line ends. Fails: io_error; limit_exceeded over 1 MiB; parse_error, which
/// names the first thing that is no number or none that a float holds, or says that there is none.
result<std::vector<float>> read_vector(const std::string& file, const console& c);

} // namespace cmem::tools
