#pragma once
// A store of others that says what it writes, set up as it comes.

#include "storage/concept_id.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace cmem::bench {

struct peer_record {
  concept_id id;
  std::string value;
};

/// Bytes, by the store's own count.
struct peer_written {
  std::uint64_t log = 0;
  std::uint64_t flushes = 0;
  std::uint64_t merges = 0;
};

/// A module of bench/peers has it. Calls throw std::runtime_error. Threads: one at a time.
class counted_peer {
public:
  virtual ~counted_peer() = default;
  [[nodiscard]] virtual std::string name() const = 0; ///< with its version
  /// How it is set up, for the notes.
  [[nodiscard]] virtual std::string settings() const = 0;
  /// One batch, through its log, synced when the store likes.
  virtual void put_all(std::span<const peer_record> batch) = 0;
  /// Whether it flushes or merges, or is about to.
  [[nodiscard]] virtual bool busy() const = 0;
  /// Ends it. What it has written, that included.
  virtual peer_written close() = 0;
};

/// RocksDB, with its defaults but for compression if that is not to be, in a directory that is not
/// there yet. nullptr: as open_peer() has it.
std::unique_ptr<counted_peer> open_counted_peer(const std::string& directory, bool compressed);

} // namespace cmem::bench

/// What the module defines. The caller owns the answer.
extern "C" cmem::bench::counted_peer* cmem_bench_open_counted_peer(const char* directory,
                                                                   bool compressed);
