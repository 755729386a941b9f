#pragma once
// Stores of others, each set up as its documentation advises for writes that must not be lost.

#include "storage/concept_id.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace cmem::bench {

/// What one thread writes with. What it writes is on the disk when a call returns; it throws
/// std::runtime_error where that fails.
class peer_client {
public:
  virtual ~peer_client() = default;
  virtual void put(const concept_id& id, std::string_view content) = 0;
  /// All or nothing, in the order that suits the store: `ids` may be sorted.
  virtual void put_all(std::span<concept_id> ids, std::string_view content) = 0;
};

/// Each is a module of its own (bench/peers), loaded when it is measured: programs link none of
/// their libraries. Threads: connect() from one at a time, each client from one.
class durable_peer {
public:
  virtual ~durable_peer() = default;
  [[nodiscard]] virtual std::string name() const = 0; ///< with its version
  /// How it is set up, for the notes.
  [[nodiscard]] virtual std::string settings() const = 0;
  /// Must go before the peer does.
  virtual std::unique_ptr<peer_client> connect() = 0;
};

/// `rocksdb`, `lmdb` or `sqlite`, in a directory that is not there yet. nullptr: its module was not
/// built, as its library was not there, or it cannot be loaded. Throws as clients do.
std::unique_ptr<durable_peer> open_peer(const std::string& name, const std::string& directory);

} // namespace cmem::bench

/// What every module defines. The caller owns the answer.
extern "C" cmem::bench::durable_peer* cmem_bench_open_peer(const char* directory);
