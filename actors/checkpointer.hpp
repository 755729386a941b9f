#pragma once
// The actor that writes segments. Not the flusher, whose commits must not wait for that.

#include "actors/memory_core.hpp"
#include "messages/interfaces.hpp"

#include <memory>

namespace cmem {

/// Flushes when the reconciler handed over what changed, and makes log files ready. All of it is
/// the engine's: a checkpointer that dies loses nothing, and its successor begins with it.
struct checkpointer_state {
  static inline const char* name = "cmem.checkpointer";
  std::shared_ptr<memory_core> core;
};

checkpointer_actor::behavior_type make_checkpointer(
  checkpointer_actor::stateful_pointer<checkpointer_state> self, std::shared_ptr<memory_core> core);

} // namespace cmem
