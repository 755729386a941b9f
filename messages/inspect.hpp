#pragma once
// How CAF sees the values of storage/ that cross a mailbox. On CAF's network the fields go one
// behind the other, unnamed, and type ids say nothing of them: nodes of one system have to be of
// one build. What outlives a build, or leaves it, is for archive.hpp, which has versions.

#include "messages/cafx.hpp"
#include "messages/values.hpp"
#include "storage/queries.hpp"
#include "storage/records.hpp"
#include "storage/result.hpp"
#include "storage/ticket.hpp"

namespace cmem {

CMEM_INSPECT_ENUM(errc)
CMEM_INSPECT_ENUM(fate)
CMEM_INSPECT_ENUM(direction)
CMEM_INSPECT_ENUM(path_order)
CMEM_INSPECT_ENUM(traversal_end)
CMEM_INSPECT(concept_id, bytes)
CMEM_INSPECT(ticket, number, writer, memory)
CMEM_INSPECT(settlement, what, reason)
CMEM_INSPECT(concept_record, id, name, content, vector, strength, confidence, created,
             last_accessed, access_count, attributes)
CMEM_INSPECT(neighbor_record, id, kind, confidence, weight, along)
CMEM_INSPECT(path_hop, id, kind, confidence, along)
CMEM_INSPECT(path_record, source, hops, confidence)
CMEM_INSPECT(paths_record, found, end, visited)
CMEM_INSPECT(association_record, source, target, kind, confidence, weight, created, last_used)
CMEM_INSPECT(distant_concept, id, hops)
CMEM_INSPECT(subgraph_record, concepts, associations, concepts_cut, associations_cut, end, hops,
             visited)
CMEM_INSPECT(activated_concept, id, activation, way, carried)
CMEM_INSPECT(activation_record, hits, end, hops, visited)
CMEM_INSPECT_ENUM(vector_metric)
CMEM_INSPECT(search_rank, rank, score)
CMEM_INSPECT(found_concept, id, name, score, by_text, by_name, by_vector, by_graph)

} // namespace cmem
