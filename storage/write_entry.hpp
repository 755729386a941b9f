#pragma once
// One entry of the write log, as it lies in its pool block.

#include "storage/arena.hpp"
#include "storage/concept_id.hpp"
#include "storage/records.hpp"

#include <cstdint>
#include <type_traits>

namespace cmem {

enum class entry_op : std::uint8_t {
  learn_concept,
  learn_association,
  strengthen,
  strengthen_association,
  record_access,
  record_use,
  set_attributes,
  forget_concept,
  forget_association,
};

/// Fixed size; everything of variable length is a payload block that the entry owns until the
/// merge takes it (and sets the handle to 0) or the log releases the entry.
struct write_entry {
  std::uint64_t number;      ///< ticket: number within the writer; same for all of a batch
  timestamp_us time;         ///< the writer's clock at the call
  concept_id a;              ///< the concept, or the source
  concept_id b;              ///< the target
  float x;                   ///< strength, confidence of an association, or delta
  float y;                   ///< confidence of a concept, or weight
  std::uint32_t writer;      ///< ticket: slot of the writer
  handle next;               ///< next entry of the same batch, 0 at its end
  std::uint32_t batch_count; ///< in the first entry: entries of the batch, 1 when alone
  handle content;            ///< bytes
  handle vector;             ///< f32 × dimension
  handle name_a;             ///< bytes
  handle name_b;             ///< bytes
  handle attributes;         ///< attribute_codec.hpp: updates
  kind_id kind;
  entry_op op;
  std::uint8_t reserved;
};
static_assert(std::is_trivially_copyable_v<write_entry>);
static_assert(sizeof(write_entry) <= 104); // with the block's header: one 112-byte block

} // namespace cmem
