#pragma once
// Refuses bad input at the call (W7). Every write goes through here before it reaches the log.

#include "storage/kind_registry.hpp"
#include "storage/limits.hpp"
#include "storage/records.hpp"
#include "storage/result.hpp"
#include "storage/retention.hpp"

#include <cstdint>

namespace cmem {

/// What depends on the memory that is written to.
struct validation_rules {
  const kind_registry& kinds;
  std::uint32_t vector_dimension; ///< 0: concepts have no vectors
};

/// Fails (unknown_kind) on a kind that is not registered, (invalid_argument) on anything else; the
/// detail names field and value, e.g. "confidence is 1.5: must lie within [0, 1]". Judges what can
/// be told without looking into the memory; the rest (not_found, limits of what is stored) comes
/// with the await. Names given as text must have 1 to name_bytes_max bytes. One set_attributes
/// holds at most attributes_max updates, removals included. The attributes that retention.hpp names
/// have its values.
/// Threads: any. Cost: some nanoseconds when all is well, plus reading the vector.
result<void> validate(const op::learn_concept& o, const validation_rules& rules);
result<void> validate(const op::learn_association& o, const validation_rules& rules);
result<void> validate(const op::strengthen& o, const validation_rules& rules);
result<void> validate(const op::strengthen_association& o, const validation_rules& rules);
result<void> validate(const op::record_access& o, const validation_rules& rules);
result<void> validate(const op::record_use& o, const validation_rules& rules);
result<void> validate(const op::set_attributes& o, const validation_rules& rules);
result<void> validate(const op::forget_concept& o, const validation_rules& rules);
result<void> validate(const op::forget_association& o, const validation_rules& rules);
result<void> validate(const retention_rules& rules);
result<void> validate(const op::forget_if_due& o, const validation_rules& rules);
result<void> validate(const write_op& o, const validation_rules& rules);

} // namespace cmem
