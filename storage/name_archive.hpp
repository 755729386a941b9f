#pragma once
// A list of names (of the kinds of a store) as cereal's portable binary archive.
//
//   names := 1:u8 count:u64 (bytes:u64 u8[bytes])*        as cereal writes std::vector<std::string>

#include "storage/kernel.hpp"
#include "storage/result.hpp"

namespace cmem {

/// Appends to `out`.
void archive_names(const std::vector<std::string>& names, std::vector<std::byte>& out);

/// At most kinds_max names of 1 to name_bytes_max bytes each, and then nothing but zeros, fewer
/// than
/// 16. Fails: `corrupt`, without file or offset.
result<std::vector<std::string>> read_names(const_bytes archive);

} // namespace cmem
