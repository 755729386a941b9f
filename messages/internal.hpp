#pragma once
// What the actors of one memory say to one another.

#include "messages/inspect.hpp"
#include "messages/snapshot_cell.hpp"

#include <memory>

namespace cmem::msg {

/// Merge what is pending, at once.
struct reconcile_now {};
CMEM_INSPECT0(reconcile_now)

/// The reconcile interval is over.
struct tick {};
CMEM_INSPECT0(tick)

/// Take what was merged to the disk, at once.
struct commit_now {};
CMEM_INSPECT0(commit_now)
/// Write to a segment what was handed over.
struct flush_now {};
CMEM_INSPECT0(flush_now)

/// A checkpointer's note to itself: go on with merging segments.
struct compact_some {};
CMEM_INSPECT0(compact_some)

/// Go on with the indexes for searches.
struct index_now {};
CMEM_INSPECT0(index_now)

/// A reconciler's note to itself: more is pending than one batch took.
struct go_on {};
CMEM_INSPECT0(go_on)

/// How often actors of this memory had to be spawned again.
struct count_respawns {};
CMEM_INSPECT0(count_respawns)

/// A node's note to itself: what a client wrote, up to that number, is settled, or on the disk; or
/// why it never will be.
struct acknowledged {
  concept_id client;
  std::uint64_t up_to = 0;
  bool on_disk = false;
  errc refusal = errc::ok;
  std::string detail;
};
CMEM_INSPECT(acknowledged, client, up_to, on_disk, refusal, detail)

/// Take nothing new, finish what is in hand, and end.
struct drain {};
CMEM_INSPECT0(drain)

/// A newer snapshot than the receiver's waits in `cell`. Local only: a snapshot is memory of this
/// process, and a message that carries one arrives EMPTY on another node. Never publish actors that
/// take it.
struct newer_snapshot {
  std::shared_ptr<snapshot_cell> cell;
};

} // namespace cmem::msg
