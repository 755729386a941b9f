#pragma once
// Handles to a memory's actors, for programs that talk to it by message.

#include "messages/interfaces.hpp"

namespace cmem {

/// As of the moment they were asked for: one that ended (its requests answer `closed`, to_failure()
/// says so) has a successor, so ask again.
struct actor_handles {
  writer_actor writer;
  reader_pool_actor reader_pool;
  reconciler_actor reconciler;     ///< subscribe here for snapshots; local only
  flusher_actor flusher;           ///< empty without a store that is written; local only
  checkpointer_actor checkpointer; ///< the same
  indexer_actor indexer;           ///< empty where nothing is indexed; local only
  supervisor_actor supervisor;     ///< counts respawns; local only
};

} // namespace cmem
