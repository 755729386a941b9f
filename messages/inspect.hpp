#pragma once
// How CAF sees the values of storage/ that cross a mailbox.

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
CMEM_INSPECT(concept_id, bytes)
CMEM_INSPECT(ticket, number, writer, memory)
CMEM_INSPECT(settlement, what, reason)
CMEM_INSPECT(concept_record, id, name, content, vector, strength, confidence, created,
             last_accessed, access_count, attributes)
CMEM_INSPECT(neighbor_record, id, kind, confidence, weight)
CMEM_INSPECT(path_hop, id, kind, confidence)
CMEM_INSPECT(path_record, source, hops, confidence)

} // namespace cmem
