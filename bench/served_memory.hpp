#pragma once
// A memory and its node in this process, for benchmarks of what the network costs.

#include "actors/concurrent_memory.hpp"
#include "actors/io_system.hpp"
#include "actors/node.hpp"
#include "actors/remote_memory.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace cmem::bench {

/// Threads: as concurrent_memory, node and remote_memory. Clients go before it.
class served_memory {
public:
  explicit served_memory(config c, node_options o = {});
  ~served_memory();
  served_memory(const served_memory&) = delete;
  served_memory& operator=(const served_memory&) = delete;

  [[nodiscard]] concurrent_memory& memory() noexcept { return *memory_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return node_->port(); }
  /// A client with an actor system of its own.
  [[nodiscard]] std::unique_ptr<remote_memory> connect(remote_options o = {}) const;

private:
  io_system system_;
  std::unique_ptr<concurrent_memory> memory_;
  std::unique_ptr<node> node_;
};

/// Concepts that lead to one another at random, `degree` from each, with 60 bytes of content.
void learn_random_graph(concurrent_memory& memory, std::uint32_t concepts, std::uint32_t degree);
/// Of number i of them.
[[nodiscard]] std::string name_of(std::uint32_t i);

} // namespace cmem::bench
