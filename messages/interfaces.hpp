#pragma once
// Every actor of a memory, and all that it answers.

#include "messages/type_ids.hpp"

namespace cmem {

/// Takes writes as storage/engine.hpp does: what it refuses comes back as an error of category
/// errc, and is_failure() of messages/errors.hpp tells it from CAF's own.
using writer_actor = cafx::typed<
  // Each is answered by the receipt of its log entry (W4).
  ticket(msg::learn_concept), ticket(msg::learn_association), ticket(msg::strengthen),
  ticket(msg::strengthen_association), ticket(msg::record_access), ticket(msg::record_use),
  ticket(msg::set_attributes), ticket(msg::forget_concept), ticket(msg::forget_association),
  // Become visible together, or none does (W8).
  ticket(msg::learn_batch),
  // The id of a kind of that name, new or not.
  kind_id(msg::register_kind),
  // Answered when it is known what became of the entry. Every await wakes the reconciler.
  settlement(msg::await_visible),
  // Answered when it is known and, if applied, on the disk; with an error where it never will be:
  // not_durable, read_only, closed. Every await wakes the flusher.
  settlement(msg::await_durable),
  // Its own note: an await is settled.
  void(msg::settled)>;

/// Answers queries from the newest snapshot, whichever reader takes them.
using reader_pool_actor = cafx::typed<
  // not_found when it is not learned.
  concept_record(msg::find),
  // Best first, as storage/queries.hpp orders them.
  msg::neighbor_list(msg::neighbors),
  // Fewest hops.
  msg::path_answer(msg::find_path),
  // These end by their bounds with what they have, and say so.
  msg::path_list(msg::find_paths), msg::subgraph_found(msg::subgraph),
  msg::activation_found(msg::activate),
  // By words, vector, beginning of names and nearness, in one ranking.
  msg::search_found(msg::search)>;

/// Anyone who wants to hold the newest snapshot. Local only, never published: see newer_snapshot.
using snapshot_subscriber = cafx::typed<
  // Take it from the cell; there is no further message until you did.
  void(msg::newer_snapshot)>;

/// One of the pool. Local only, never published: it takes snapshots.
using reader_actor =
  cafx::typed<concept_record(msg::find), msg::neighbor_list(msg::neighbors),
              msg::path_answer(msg::find_path), msg::path_list(msg::find_paths),
              msg::subgraph_found(msg::subgraph), msg::activation_found(msg::activate),
              msg::search_found(msg::search), void(msg::newer_snapshot)>;

namespace msg {

/// Sends newer_snapshot to `reader` from now on, the current one first. Local only, as that is.
struct subscribe {
  snapshot_subscriber reader;
};

} // namespace msg

/// Merges what is pending, every few milliseconds. Local only, never published.
using reconciler_actor = cafx::typed<
  // The interval is over.
  void(msg::tick),
  // Someone can't wait for the tick: the log is half full, or there is an await.
  void(msg::reconcile_now),
  // Its own note.
  void(msg::go_on),
  // Forgotten again when the reader ends.
  void(msg::subscribe)>;

/// Takes to the disk what was merged. Local only, never published.
using flusher_actor = cafx::typed<
  // The interval is over.
  void(msg::tick),
  // Someone can't wait for the tick: an await, a batch at level `sync`, or much that waits.
  void(msg::commit_now)>;

/// Takes to segments what changed. Local only, never published.
using checkpointer_actor = cafx::typed<
  // The reconciler handed something over, or someone wants segments merged.
  void(msg::flush_now),
  // It is time to go on with that.
  void(msg::compact_some)>;

/// Makes indexes for searches. Local only, never published.
using indexer_actor = cafx::typed<
  // Something changed, or its own note: there is more to do.
  void(msg::index_now)>;

/// Spawns again what died. Local only, never published.
using supervisor_actor = cafx::typed<
  // Respawns since the memory was opened.
  std::uint64_t(msg::count_respawns)>;

} // namespace cmem

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cmem::msg::subscribe)

#if !CMEM_CAF_0
// CAF 1.x numbers local messages too.
CAF_BEGIN_TYPE_ID_BLOCK(cmem_local, caf::id_block::cmem::end)

CAF_ADD_TYPE_ID(cmem_local, (cmem::msg::newer_snapshot))
CAF_ADD_TYPE_ID(cmem_local, (cmem::msg::subscribe))

CAF_END_TYPE_ID_BLOCK(cmem_local)
#endif

namespace cmem {

/// Tells CAF of our types, where it wants that before the first actor system is made: 1.x, which a
/// host calls this for. Nothing in 0.17, where a node that talks to others adds the block to its
/// config instead.
inline void init_types() {
#if CMEM_CAF_0
  cafx::init_types<>();
#else
  cafx::init_types<caf::id_block::cmem, caf::id_block::cmem_local>();
#endif
}

} // namespace cmem
