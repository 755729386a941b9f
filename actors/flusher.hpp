#pragma once
// The actor that waits for the disk, so that nobody else has to.

#include "actors/memory_core.hpp"
#include "actors/pacemaker.hpp"
#include "messages/interfaces.hpp"

#include <atomic>
#include <memory>

namespace cmem {

/// Commits when asked, and at the latest every commit_interval_ms. What it commits is the engine's:
/// a flusher that dies loses nothing. Ticks come as the reconciler's do.
struct flusher_state {
  static inline const char* name = "cmem.flusher";
  std::shared_ptr<memory_core> core;
  caf::actor_clock::time_point due;           // of the next tick of the system's clock
  std::shared_ptr<std::atomic<bool>> ticking; // a pacemaker's tick is in the mailbox
  std::unique_ptr<pacemaker> pace;            // joins its thread before the rest goes
};

flusher_actor::behavior_type make_flusher(flusher_actor::stateful_pointer<flusher_state> self,
                                          std::shared_ptr<memory_core> core);

} // namespace cmem
