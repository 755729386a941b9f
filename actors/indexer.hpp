#pragma once
// The actor that makes indexes for searches.

#include "actors/memory_core.hpp"
#include "messages/interfaces.hpp"

#include <memory>

namespace cmem {

/// Goes on with the engine's indexes when told to, step by step, on a thread of less priority than
/// those that merge and read. All of it is the engine's: an indexer that dies loses nothing, and
/// its successor begins with what is due. After a step that threw it rests for a second.
struct indexer_state {
  static inline const char* name = "cmem.indexer";
  std::shared_ptr<memory_core> core;
  bool yielding = false;                    ///< its thread has less priority
  bool failing = false;                     ///< the last step threw
  caf::actor_clock::time_point rests_until; ///< for that
};

indexer_actor::behavior_type make_indexer(indexer_actor::stateful_pointer<indexer_state> self,
                                          std::shared_ptr<memory_core> core);

} // namespace cmem
