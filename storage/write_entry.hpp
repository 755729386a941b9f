#pragma once
// One entry of the write log, as it lies in its pool block.

#include "storage/arena.hpp"
#include "storage/concept_id.hpp"
#include "storage/records.hpp"
#include "storage/retention.hpp"

#include <bit>
#include <cstddef>
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
  forget_if_due, ///< in no log record: there it is what it did, forget_concept
};

/// Fixed size; everything of variable length is a payload block that the entry owns until the
/// merge takes it (and sets the handle to 0) or the log releases the entry. What the merge reads of
/// a concept comes first: with the block's header it fills one cache line.
struct write_entry {
  timestamp_us time;         ///< the writer's clock at the call
  concept_id a;              ///< the concept, or the source
  float x;                   ///< strength, confidence of an association, or delta
  float y;                   ///< confidence of a concept, or weight
  handle content;            ///< bytes
  handle vector;             ///< f32 × dimension
  handle name_a;             ///< bytes
  handle next;               ///< next entry of the same batch, 0 at its end; in the queue also of
                             ///< what was appended together
  std::uint32_t batch_count; ///< in the first entry: entries of the batch, 1 when alone
  kind_id kind;
  entry_op op;
  std::uint8_t goes_on; ///< 1: the next one in the log was appended with it (append_together)
  concept_id b;         ///< the target, or rules_in()
  handle name_b;        ///< bytes
  handle attributes;    ///< attribute_codec.hpp: updates
  std::uint64_t number; ///< ticket: number within the writer; same for all of a batch
  std::uint32_t writer; ///< ticket: slot of the writer
};
static_assert(std::is_trivially_copyable_v<write_entry>);
static_assert(offsetof(write_entry, b) == 56); // 8 more are the block's header

/// Where an entry of forget_if_due has its rules.
struct entry_rules {
  timestamp_us unused_max;
  float strength_min;
  std::uint32_t expired;
};
static_assert(sizeof(entry_rules) == sizeof(concept_id));

inline void put_rules(write_entry& e, const retention_rules& r) noexcept {
  e.b = std::bit_cast<concept_id>(
    entry_rules{r.unused_max, r.strength_min, r.expired ? std::uint32_t{1} : 0});
}
[[nodiscard]] inline retention_rules rules_in(const write_entry& e) noexcept {
  const auto r = std::bit_cast<entry_rules>(e.b);
  return {r.expired != 0, r.strength_min, r.unused_max};
}

/// What is asked of the pool for an entry: makes blocks of 128 bytes, which are aligned to two
/// cache lines.
inline constexpr std::size_t entry_bytes = 120;
static_assert(sizeof(write_entry) <= entry_bytes);

} // namespace cmem
