#pragma once
// The actor that merges what was written, every few milliseconds.

#include "actors/memory_core.hpp"
#include "actors/pacemaker.hpp"
#include "messages/interfaces.hpp"

#include <atomic>
#include <memory>

namespace cmem {

/// Ticks come from a pacemaker when the actor has a thread of its own, else from the system's
/// clock, at absolute times: then a test's scheduler decides what time it is.
struct reconciler_state {
  static inline const char* name = "cmem.reconciler";
  std::shared_ptr<memory_core> core;
  caf::actor_clock::time_point due;           // of the next tick of the system's clock
  caf::actor_clock::time_point watch_due;     // of the next look at health
  bool going_on = false;                      // a go_on is in the mailbox
  std::shared_ptr<std::atomic<bool>> ticking; // a pacemaker's tick is in the mailbox
  std::unique_ptr<pacemaker> pace;            // joins its thread before the rest goes
};

reconciler_actor::behavior_type make_reconciler(
  reconciler_actor::stateful_pointer<reconciler_state> self, std::shared_ptr<memory_core> core);

} // namespace cmem
