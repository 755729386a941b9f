#pragma once
// Modules of bench/peers, each of which knows one store of others.

#include <string>

namespace cmem::bench {

/// What the module of that name (`rocksdb`) calls `symbol`; nullptr: it was not built, as its
/// library was not there, or it cannot be loaded. It stays loaded: its library may have threads
/// that end with the process.
[[nodiscard]] void* peer_symbol(const std::string& name, const char* symbol);

} // namespace cmem::bench
