#pragma once
// From a record of the log back to entries that graph_builder merges.

#include "storage/kind_registry.hpp"
#include "storage/payload_pool.hpp"
#include "storage/wal_batch.hpp"
#include "storage/write_log.hpp"

namespace cmem {

struct replayed_batch {
  timestamp_us time = 0;     ///< of the snapshot that it made
  std::uint32_t entries = 0; ///< numbers it covers, of failed ones too
};

/// Registers the record's kinds, adds its entries to `out` and says what it was. Holds each
/// operation to what validate() held it to when it was written. Fails: `corrupt` (the detail names
/// no file), out_of_memory (the arena is used up). What was added by then belongs to `out` like the
/// rest, for write_log::release(). Threads: one at a time.
result<replayed_batch> replay_batch(const_bytes payload, kind_registry& kinds,
                                    std::uint32_t vector_dimension, payload_pool& pool,
                                    drained_batch& out);

} // namespace cmem
