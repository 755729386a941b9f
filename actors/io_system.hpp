#pragma once
// An actor system with CAF's I/O, for nodes and for clients that have no host.

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <cstdint>

namespace cmem {

/// Workers share one queue and block when it is empty: the default policy steals by polling, which
/// costs latency and an idle core. Threads: as caf::actor_system.
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

} // namespace cmem
