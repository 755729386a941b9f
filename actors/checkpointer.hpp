#pragma once
// The actor that writes segments. Not the flusher, whose commits must not wait for that.

#include "actors/memory_core.hpp"
#include "messages/interfaces.hpp"

#include <memory>

namespace cmem {

/// Flushes when the reconciler handed over what changed, makes log files ready, and merges segments
/// step by step, at the pace of config.compaction_bytes_per_s. All of it is the engine's: a
/// checkpointer that dies loses nothing, and its successor begins with it.
struct checkpointer_state {
  static inline const char* name = "cmem.checkpointer";
  std::shared_ptr<memory_core> core;
  bool compacting = false; ///< a compact_some is on its way
};

checkpointer_actor::behavior_type make_checkpointer(
  checkpointer_actor::stateful_pointer<checkpointer_state> self, std::shared_ptr<memory_core> core);

} // namespace cmem
