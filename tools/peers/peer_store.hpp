#pragma once
// A store of others that keeps the graph of a scenario. Each is a module of its own, loaded when it
// is asked for: programs link none of their libraries.

#include "storage/durability.hpp"
#include "storage/records.hpp"
#include "tools/found_edge.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cmem::tools {

struct peer_counts {
  std::uint64_t concepts = 0;     ///< learned
  std::uint64_t associations = 0; ///< those whose ends are not learned included
};

/// One reading thread's access, as target_reader has it. A class of its own: a module can't call
/// back into the program, which keeps its functions to itself.
class peer_reader {
public:
  virtual ~peer_reader() = default;
  virtual bool find(const concept_id& id) = 0;
  virtual std::size_t neighbors(const concept_id& id, std::size_t limit) = 0;
  [[nodiscard]] virtual std::vector<found_edge> last_neighbors() const = 0;
  virtual std::optional<std::size_t> find_path(const concept_id& from, const concept_id& to,
                                               std::uint32_t depth_max) = 0;
};

/// Everything throws std::runtime_error where the store fails, its readers too.
/// Threads: begin() to commit() or roll_back() and counts() one at a time, a transaction whole on
/// one of them; all else from any thread beside them; a reader belongs to one and goes before its
/// store does.
class peer_store {
public:
  virtual ~peer_store() = default;
  [[nodiscard]] virtual std::string name() const = 0; ///< with its version
  /// How it is set up, for the report.
  [[nodiscard]] virtual std::string settings() const = 0;

  virtual void begin() = 0;
  /// Applies a write as the memory would (W5, W6); false where the memory answers not_found.
  virtual bool apply(const write_op& o, timestamp_us now) = 0;
  /// Makes visible what was applied since begin(), and under the level `sync` durable.
  virtual void commit() = 0;
  virtual void roll_back() noexcept = 0;

  /// Makes durable what was committed, so far as the level asks for that.
  virtual void sync() = 0;
  /// Every answer is of one state of the store.
  virtual std::unique_ptr<peer_reader> make_reader() = 0;
  [[nodiscard]] virtual peer_counts counts() = 0;
};

} // namespace cmem::tools

/// What every module defines: a new store in a directory that is empty. The caller owns the answer.
/// `level` is a cmem::durability.
extern "C" cmem::tools::peer_store* cmem_open_peer_store(const char* directory, int level);
