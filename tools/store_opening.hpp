#pragma once
// Opening a store for a command.

#include "actors/concurrent_memory.hpp"
#include "storage/manifest.hpp"
#include "tools/cli.hpp"

#include <optional>
#include <string>

namespace cmem::tools {

struct store_opening {
  /// Takes its lock, and makes it if it is not there. Without, no file is made and none changes;
  /// beside a process that writes it, its last checkpoint is seen, and `err` says so (D6).
  bool write = false;
  /// Of a new store.
  std::uint32_t vector_dimension = 0;
  /// Of strengths; unset: as the store has it.
  std::optional<std::uint64_t> strength_half_life_s = {};
  std::uint64_t log_file_bytes = wal_file_bytes_min;
  bool keep_originals = true; ///< of vectors, as the next: see config
  std::uint32_t vector_code_ratio = config().vector_code_ratio;
  /// Concepts that change before they are flushed.
  std::size_t flush_concepts = config().memory_threshold;
};

/// A memory on the store, which takes `reject` for a full log. Shows how far it is on a terminal.
/// Errors of the memory go to the console's `err`, which must outlive it. Fails: not_found; when it
/// writes, locked with the pid of the process that does; and as concurrent_memory::open() does.
result<std::unique_ptr<concurrent_memory>> open_store(const std::string& directory,
                                                      const store_opening& how, const console& c);

/// Of the store there; nullopt where there is none. Fails: as read_manifest() does.
result<std::optional<manifest>> stored_manifest(const env& e, const std::string& directory);

/// That another process writes the store, and what is seen of it.
void note_beside(const console& c, const std::string& directory, std::uint64_t checkpoint);

/// Prints the failure and gives its exit code back.
int fail(const console& c, const failure& f, int code = exit_missed);

/// From 32 hex digits or a name.
[[nodiscard]] concept_id parse_id(std::string_view text);
/// What to say of an id, as it was typed, that the store does not have.
[[nodiscard]] failure not_there(const std::string& id);

} // namespace cmem::tools
