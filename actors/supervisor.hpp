#pragma once
// The actor that spawns again what died, and how a memory's actors are spawned at all. Should it
// die itself, its end spawns its successor, which watches whom it finds at work.

#include "actors/memory_core.hpp"
#include "messages/interfaces.hpp"

#include <functional>
#include <memory>
#include <unordered_map>

namespace cmem {

struct supervisor_state {
  static inline const char* name = "cmem.supervisor";
  std::shared_ptr<memory_core> core;
  /// By actor: what spawns its successor and returns whom to watch then.
  std::unordered_map<caf::actor_id, std::function<void()>> watched;
};

supervisor_actor::behavior_type make_supervisor(
  supervisor_actor::stateful_pointer<supervisor_state> self, std::shared_ptr<memory_core> core);

/// Spawns everybody into `system` and enters them in the core's crew. All are hidden: a host that
/// waits for its own actors does not wait for these.
void spawn_crew(caf::actor_system& system, const std::shared_ptr<memory_core>& core);

} // namespace cmem
