#pragma once
// Versions of the files of a store. What a program of a newer version wrote is refused before a
// byte of it is touched; docs/format.md says what newer programs do with older stores.

#include "storage/env.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace cmem {

/// `unsupported`: the file is of a later version than the highest that this program reads.
[[nodiscard]] failure newer_format(std::string_view path, std::uint32_t found,
                                   std::uint32_t highest);

/// Looks at the version of each log file there, and of each segment, in the order of their names;
/// what has none (blank, damaged, gone meanwhile) is for whoever reads it. Reads no more than
/// headers. Fails: `unsupported`, with the first one that is newer; as env does. Threads: any, also
/// beside a writer.
result<void> check_versions(const env& e, const std::string& directory);

} // namespace cmem
