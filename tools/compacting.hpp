#pragma once
// Merging all segments of a store that a command has opened.

#include "actors/concurrent_memory.hpp"
#include "tools/cli.hpp"

namespace cmem::tools {

/// Says on a terminal how long it has taken. Fails: as concurrent_memory::compact() does.
result<void> compact_all(concurrent_memory& memory, const console& c);

} // namespace cmem::tools
