#pragma once
// What a memory has done, and whether it keeps up.

#include "actors/config.hpp"
#include "storage/engine.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cmem {

/// Counts since the memory was opened. Each is exact; together they are of about one moment.
struct memory_stats {
  struct {
    std::uint64_t written = 0;
    std::uint64_t dropped = 0;  ///< discarded by drop_oldest
    std::uint64_t pending = 0;  ///< queued, not merged yet
    std::uint64_t rejected = 0; ///< refused as overloaded
  } write_log;
  struct {
    std::uint64_t reconciliations = 0;   ///< snapshots published
    std::uint64_t entries_processed = 0; ///< failed ones included
    std::uint64_t entries_failed = 0;
    std::uint64_t forgets = 0;      ///< entries that config::forget made
    std::uint64_t disk_flushes = 0; ///< to segments; 0 without storage
    std::uint64_t lag_us = 0;       ///< age of the oldest pending entry, 0 when none is
  } reconciler;
  struct {
    std::uint64_t concept_count = 0;
    std::uint64_t edge_count = 0;
    std::uint64_t placeholder_count = 0;
    std::uint64_t sequence = 0;
    timestamp_us timestamp = 0;
    std::uint64_t live = 0; ///< snapshots that somebody holds, the current one included
  } snapshot;
  snapshots_held held; ///< what old ones cost
  memory_use memory;
  durable_log_figures storage; ///< all zero without a store
};

[[nodiscard]] memory_stats to_memory_stats(const engine_stats& s);

enum class health_concern : std::uint8_t {
  write_lag,          ///< more pending than pending_max
  backpressure,       ///< more dropped than dropped_max
  reconciliation_lag, ///< the oldest pending entry is older than reconciliation_lag_max_ms
  read_only,          ///< the store failed: nothing more is taken (D4)
};

[[nodiscard]] std::string_view to_string(health_concern what) noexcept;

struct health_issue {
  health_concern what = health_concern::write_lag;
  std::uint64_t value = 0; ///< entries, or milliseconds (rounded up) of reconciliation_lag
  std::uint64_t limit = 0;
  std::string advice; ///< the figures, and what to do
};

struct health_report {
  bool healthy = true;
  std::vector<health_issue> issues; ///< empty when healthy
};

[[nodiscard]] health_report assess(const memory_stats& s, const health_limits& limits);

} // namespace cmem
