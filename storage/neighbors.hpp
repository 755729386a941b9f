#pragma once
// The associations of one concept, best first (R5).

#include "storage/concept_id.hpp"
#include "storage/graph_snapshot.hpp"
#include "storage/list_ring.hpp"
#include "storage/result.hpp"
#include "storage/traversal.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace cmem {

/// One association as a query returns it; resolve indices by snapshot.at(index) (R6).
struct neighbor {
  std::uint32_t index = 0; ///< of the other end
  kind_id kind = kinds::semantic;
  float confidence = 0.0F;
  float weight = 0.0F;
  /// Which way it leads, seen from the concept that was asked about: incoming from the other end.
  direction along = direction::outgoing;

  friend bool operator==(const neighbor&, const neighbor&) = default;
};

/// As traversal_filter has it; NaN lets nothing through.
struct neighbor_filter {
  kind_set kinds = {};         ///< empty: every kind
  float confidence_min = 0.0F; ///< of an association, at least
  float strength_min = 0.0F;   ///< of the other end, at least, as of the snapshot's time
  std::size_t limit = std::numeric_limits<std::size_t>::max();
};

/// Associations of a learned concept whose other end is learned: highest confidence first, ties by
/// id, then kind, then outgoing before incoming. With a limit, the best `limit` of them. In both
/// directions an association of a concept to itself comes once, as outgoing. Replaces what is in
/// `out`, whose memory is reused. Precondition: index < s.index_count(), learned. Time: the degree,
/// plus the sorting of what is returned. Threads: any that holds the snapshot.
void neighbors(const graph_snapshot& s, std::uint32_t index, direction d, const neighbor_filter& f,
               std::vector<neighbor>& out);
/// The same by id. Fails: not_found.
result<std::vector<neighbor>> neighbors(const graph_snapshot& s, const concept_id& id,
                                        direction d = direction::outgoing,
                                        const neighbor_filter& f = {});

/// Calls visit(position, list) for each of many concepts, in order, with
/// its adjacency_list, of which at least the first associations were fetched meanwhile: what reads
/// the lists of many concepts takes half the time so. Nothing is left out: ends that are not
/// learned occur in the lists. Preconditions: indices < s.index_count(); d is outgoing or incoming.
/// Threads: any that holds the snapshot.
template <list_part Part = list_part::properties, class Visit>
void visit_lists(const graph_snapshot& s, std::span<const std::uint32_t> indices, direction d,
                 Visit&& visit) {
  list_ring<Part> ring;
  constexpr std::size_t ahead = 2 * decltype(ring)::depth;
  for (std::uint32_t i = 0; i < indices.size(); ++i) {
    if (i + ahead < indices.size()) {
      if (d == direction::outgoing)
        s.prefetch_out(indices[i + ahead]);
      else
        s.prefetch_in(indices[i + ahead]);
    }
    ring.push(i, d == direction::outgoing ? s.out(indices[i]) : s.in(indices[i]), visit);
  }
  ring.drain(visit);
}

} // namespace cmem
