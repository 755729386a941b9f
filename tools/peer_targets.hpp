#pragma once
// Stores of others as targets: LMDB, RocksDB and SQLite, each a module that is loaded when it is
// asked for (tools/peers).

#include "storage/durability.hpp"
#include "storage/result.hpp"
#include "tools/scenario_target.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace cmem::tools {

/// Where modules are looked for: the build tree that made this program, and beside an installed
/// one,
/// ../lib/concurrent_memory.
[[nodiscard]] std::vector<std::filesystem::path> peer_folders();

/// Whether `kind` can be run against. Fails (unsupported) naming the Debian package that is
/// missing. The memory and the mutex map always can be.
result<void> target_available(target_kind kind,
                              const std::vector<std::filesystem::path>& folders = peer_folders());

/// The folder that a store's directory lies in: its peers are made beside it.
[[nodiscard]] std::string folder_of(const std::string& store);

struct peer_options {
  durability level = durability::none; ///< `none`: its fastest settings, nothing is ever synced
  std::string parent = {};             ///< of its directory; empty: TMPDIR
  std::vector<std::filesystem::path> folders = peer_folders();
};

/// A store in a directory of its own, which goes with it. Writes that wait for each other become
/// one transaction (group commit); a write is visible when it returns, and under the level `sync`
/// durable; under `interval` a thread syncs every 100 ms. Fails: unsupported, as above; io_error.
/// Precondition: `kind` is lmdb, rocksdb or sqlite. Threads: as scenario_target says.
result<std::unique_ptr<scenario_target>> make_peer_target(target_kind kind,
                                                          const peer_options& options);

} // namespace cmem::tools
