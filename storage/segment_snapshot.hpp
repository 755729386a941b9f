#pragma once
// A segment from a snapshot: all of it, or what changed.

#include "storage/graph_snapshot.hpp"
#include "storage/segment_writer.hpp"

#include <vector>

namespace cmem {

/// What of a concept goes into a segment. A concept that the snapshot does not have under `index`,
/// and a placeholder that has neither name nor outgoing associations, becomes a tombstone.
struct segment_change {
  concept_id id;
  std::uint32_t index = ~std::uint32_t{0}; ///< where the snapshot has it, if it does
  /// False: older segments have its content and vector as they are. Always true for one that is
  /// new or was forgotten since the last segment.
  bool payload = true;
  bool associations = true; ///< the same of its outgoing ones
};

/// All that the snapshot has, sorted by id.
[[nodiscard]] std::vector<segment_change> all_of(const graph_snapshot& s);

/// Writes them. Of `identity`, sequence range, timestamp, dimension and times are the snapshot's;
/// its first_sequence stays. Precondition: sorted by id, no id twice. Threads: any that holds the
/// snapshot.
result<segment_ref> write_segment(const env& e, const std::string& directory,
                                  segment_identity identity, const graph_snapshot& s,
                                  std::span<const segment_change> changes);

} // namespace cmem
