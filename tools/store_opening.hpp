#pragma once
// Opening a store for a command.

#include "actors/concurrent_memory.hpp"
#include "tools/cli.hpp"

#include <optional>
#include <string>

namespace cmem::tools {

struct store_opening {
  bool create = false; ///< if it is not there
  /// Unset: that of the store, or 0 of a new one.
  std::optional<std::uint32_t> vector_dimension = {};
  /// Each opening begins a log file: the least, for commands that only look.
  std::uint64_t log_file_bytes = wal_file_bytes_min;
};

/// A memory on the store, which takes `reject` for a full log. Shows how far it is on a terminal.
/// Errors of the memory go to the console's `err`, which must outlive it. Fails: not_found, locked
/// with the pid of the process that writes it, and as concurrent_memory::open() does.
result<std::unique_ptr<concurrent_memory>> open_store(const std::string& directory,
                                                      const store_opening& how, const console& c);

/// Of the store there; 0 where there is none.
result<std::uint32_t> vector_dimension_of(const env& e, const std::string& directory);

/// Prints the failure and gives its exit code back.
int fail(const console& c, const failure& f, int code = exit_missed);

/// From 32 hex digits or a name.
[[nodiscard]] concept_id parse_id(std::string_view text);

} // namespace cmem::tools
