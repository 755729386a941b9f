#pragma once
// A memory and its node in this process, for benchmarks of what the network costs.

#include "actors/concurrent_memory.hpp"
#include "actors/node.hpp"
#include "actors/remote_memory.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace cmem::bench {

/// An actor system as `cmem serve` makes it: workers that share one queue block when it is empty.
class io_system {
public:
  /// Without `threads`: one for each core.
  explicit io_system(std::int64_t threads = 0);

  [[nodiscard]] caf::actor_system& get() noexcept { return system_; }

private:
  static caf::actor_system_config& configured(caf::actor_system_config& c, std::int64_t threads);

  caf::actor_system_config settings_;
  caf::actor_system system_;
};

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
