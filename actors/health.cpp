#include "actors/health.hpp"

namespace cmem {

memory_stats to_memory_stats(const engine_stats& s) {
  memory_stats out;
  out.write_log.written = s.log.written;
  out.write_log.dropped = s.log.dropped;
  out.write_log.pending = s.log.pending;
  out.write_log.rejected = s.log.rejected;
  out.reconciler.reconciliations = s.reconciliations;
  out.reconciler.entries_processed = s.entries_processed;
  out.reconciler.entries_failed = s.entries_failed;
  out.reconciler.forgets = s.forgets;
  out.reconciler.disk_flushes = s.store.flushes;
  out.reconciler.lag_us = s.reconciliation_lag_us > 0
                            ? static_cast<std::uint64_t>(s.reconciliation_lag_us)
                            : 0; // a writer's clock may be ahead of the asker's
  out.snapshot.concept_count = s.concept_count;
  out.snapshot.edge_count = s.edge_count;
  out.snapshot.placeholder_count = s.placeholder_count;
  out.snapshot.sequence = s.sequence;
  out.snapshot.timestamp = s.timestamp;
  out.snapshot.live = s.live_snapshots;
  out.held = s.held;
  out.memory = s.memory;
  out.storage = s.store;
  return out;
}

std::string_view to_string(health_concern what) noexcept {
  switch (what) {
    case health_concern::write_lag: return "write_lag";
    case health_concern::backpressure: return "backpressure";
    case health_concern::reconciliation_lag: return "reconciliation_lag";
    case health_concern::read_only: return "read_only";
  }
  return "?";
}

health_report assess(const memory_stats& s, const health_limits& limits) {
  health_report report;
  const auto complain = [&](health_concern what, std::uint64_t value, std::uint64_t limit,
                            const std::string& figures, const char* advice) {
    report.issues.push_back({what, value, limit, figures + std::to_string(limit) + advice});
  };
  if (s.write_log.pending > limits.pending_max)
    complain(
      health_concern::write_lag, s.write_log.pending, limits.pending_max,
      std::to_string(s.write_log.pending) + " entries are pending, more than ",
      ": writes come faster than they are merged. Raise max_batch_size (high_write_throughput() "
      "does), give the reconciler a core of its own, or write less.");
  if (s.write_log.dropped > limits.dropped_max)
    complain(
      health_concern::backpressure, s.write_log.dropped, limits.dropped_max,
      std::to_string(s.write_log.dropped) + " entries were dropped, more than ",
      ": the write log was full and discarded its oldest. Raise log_capacity, pace the writers, or "
      "set overflow to reject to be refused instead.");
  const std::uint64_t lag_max_ms = limits.reconciliation_lag_max_ms;
  if (s.reconciler.lag_us > lag_max_ms * 1000) {
    const auto lag_ms = (s.reconciler.lag_us + 999) / 1000;
    complain(
      health_concern::reconciliation_lag, lag_ms, lag_max_ms,
      "the oldest pending entry has waited " + std::to_string(lag_ms) + " ms, more than ",
      " ms: the reconciler does not get to run, or its merges take too long. Lower max_batch_size, "
      "and see that the machine has a core to spare.");
  }
  if (s.storage.read_only)
    complain(health_concern::read_only, 1, 0, "failed writes of the store: 1, more than ",
             ": a write or a sync failed, so that nothing more is taken, and what is there stays "
             "readable. The log says which. See to the disk, and open the store again.");
  report.healthy = report.issues.empty();
  return report;
}

} // namespace cmem
