#pragma once
// The associations of one concept, best first (R5).

#include "storage/concept_id.hpp"
#include "storage/graph_snapshot.hpp"
#include "storage/result.hpp"
#include "storage/traversal.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace cmem {

/// One association as a query returns it; resolve indices by snapshot.at(index) (R6).
struct neighbor {
  std::uint32_t index = 0; ///< of the other end
  kind_id kind = kinds::semantic;
  float confidence = 0.0F;
  float weight = 0.0F;

  friend bool operator==(const neighbor&, const neighbor&) = default;
};

struct neighbor_filter {
  std::optional<kind_id> kind = std::nullopt; ///< this kind only
  float confidence_min = 0.0F;                ///< at least; NaN lets nothing through
  std::size_t limit = std::numeric_limits<std::size_t>::max();
};

/// Associations of a learned concept whose other end is learned: highest confidence first, ties by
/// id, then kind. With a limit, the best `limit` of them. Replaces what is in `out`, whose memory
/// is reused. Precondition: index < s.index_count(), learned. Time: the degree, plus the sorting of
/// what is returned. Threads: any that holds the snapshot.
void neighbors(const graph_snapshot& s, std::uint32_t index, direction d, const neighbor_filter& f,
               std::vector<neighbor>& out);
/// The same by id. Fails: not_found.
result<std::vector<neighbor>> neighbors(const graph_snapshot& s, const concept_id& id,
                                        direction d = direction::outgoing,
                                        const neighbor_filter& f = {});

} // namespace cmem
