#include "actors/node_figures.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <type_traits>
#include <unordered_map>

namespace cmem {

namespace {

/// Calls f(name, field) for each of a memory_stats, const or not.
template <class Stats, class F>
void each_figure(Stats& s, F f) {
  f("write_log.written", s.write_log.written);
  f("write_log.dropped", s.write_log.dropped);
  f("write_log.pending", s.write_log.pending);
  f("write_log.rejected", s.write_log.rejected);
  f("reconciler.reconciliations", s.reconciler.reconciliations);
  f("reconciler.entries_processed", s.reconciler.entries_processed);
  f("reconciler.entries_failed", s.reconciler.entries_failed);
  f("reconciler.forgets", s.reconciler.forgets);
  f("reconciler.disk_flushes", s.reconciler.disk_flushes);
  f("reconciler.lag_us", s.reconciler.lag_us);
  f("snapshot.concept_count", s.snapshot.concept_count);
  f("snapshot.edge_count", s.snapshot.edge_count);
  f("snapshot.placeholder_count", s.snapshot.placeholder_count);
  f("snapshot.sequence", s.snapshot.sequence);
  f("snapshot.timestamp", s.snapshot.timestamp);
  f("snapshot.live", s.snapshot.live);
  f("held.oldest_sequence", s.held.oldest_sequence);
  f("held.oldest_age_us", s.held.oldest_age_us);
  f("held.memory_bytes", s.held.memory_bytes);
  f("held.mapped_bytes", s.held.mapped_bytes);
  f("memory.records", s.memory.records);
  f("memory.id_table", s.memory.id_table);
  f("memory.adjacency", s.memory.adjacency);
  f("memory.association_times", s.memory.association_times);
  f("memory.payloads", s.memory.payloads);
  f("memory.retired", s.memory.retired);
  f("memory.bookkeeping", s.memory.bookkeeping);
  f("memory.indexes", s.memory.indexes);
  f("memory.reserved_free", s.memory.reserved_free);
  f("memory.total", s.memory.total);
  f("storage.durable_sequence", s.storage.durable_sequence);
  f("storage.waiting_bytes", s.storage.waiting_bytes);
  f("storage.appended_bytes", s.storage.appended_bytes);
  f("storage.syncs", s.storage.syncs);
  f("storage.last_sync", s.storage.last_sync);
  f("storage.last_sync_us", s.storage.last_sync_us);
  f("storage.files", s.storage.files);
  f("storage.checkpoint", s.storage.checkpoint);
  f("storage.segments", s.storage.segments);
  f("storage.segment_bytes", s.storage.segment_bytes);
  f("storage.oldest_segment_bytes", s.storage.oldest_segment_bytes);
  f("storage.flushes", s.storage.flushes);
  f("storage.flushed_bytes", s.storage.flushed_bytes);
  f("storage.compactions", s.storage.compactions);
  f("storage.compacted_bytes", s.storage.compacted_bytes);
  f("storage.read_only", s.storage.read_only);
}

constexpr std::array concerns = {health_concern::write_lag, health_concern::backpressure,
                                 health_concern::reconciliation_lag, health_concern::read_only};

} // namespace

wire::figures to_figures(const memory_stats& s) {
  wire::figures out;
  each_figure(s, [&](const char* name, const auto& value) {
    out.of.emplace_back(name, static_cast<std::uint64_t>(value));
  });
  return out;
}

memory_stats from_figures(const wire::figures& f) {
  const std::unordered_map<std::string_view, std::uint64_t> known(f.of.begin(), f.of.end());
  memory_stats s;
  each_figure(s, [&](const char* name, auto& value) {
    if (const auto found = known.find(name); found != known.end())
      value = static_cast<std::remove_reference_t<decltype(value)>>(found->second);
  });
  return s;
}

wire::health to_wire(const health_report& r) {
  wire::health out;
  for (const health_issue& i : r.issues)
    out.issues.push_back({std::string(to_string(i.what)), i.value, i.limit, i.advice});
  return out;
}

health_report from_wire(const wire::health& h) {
  health_report r;
  r.healthy = h.issues.empty();
  for (const wire::health_issue& i : h.issues) {
    const auto known = std::find_if(concerns.begin(), concerns.end(),
                                    [&](health_concern c) { return to_string(c) == i.what; });
    r.issues.push_back(
      {known == concerns.end() ? health_concern::write_lag : *known, i.value, i.limit, i.advice});
  }
  return r;
}

} // namespace cmem
