#pragma once
// What a scenario's run came to, and what may be said about it.

#include "storage/result.hpp"
#include "tools/histogram.hpp"
#include "tools/scenario.hpp"
#include "tools/scenario_target.hpp"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

namespace cmem::tools {

/// One kind of operation in one phase.
struct operation_report {
  std::string name;
  latency_summary service; ///< the call alone: for writes the append
  latency_summary latency; ///< since it was due; in an unpaced phase the same as service
  std::uint64_t found = 0; ///< queries that found something
};

/// Wanted and achieved operations of one direction in one phase.
struct rate_report {
  rate wanted;
  std::uint64_t due = 0;  ///< operations that should have been done; 0 when unpaced
  std::uint64_t done = 0; ///< writes: accepted
  double per_second = 0;
  unsigned threads = 0;
};

struct phase_report {
  std::string name;
  double start_seconds = 0; ///< since the first phase began
  double seconds = 0;       ///< as it was, cut short by an interruption
  rate_report writes;
  rate_report reads;
  std::vector<operation_report> write_operations;
  std::vector<operation_report> queries;
  latency_summary staleness; ///< from before the append until a reader could see the entry
  std::uint64_t pending_max = 0;
  std::uint64_t dropped = 0;
  std::uint64_t rejected = 0;
  std::uint64_t resident_bytes_max = 0; ///< of the process
};

/// Where every write went. It adds up when what the writers counted is what the target counted:
/// attempts = accepted + rejected + refused, accepted = written = applied + failed + dropped.
struct accounting_report {
  std::uint64_t attempts = 0;
  std::uint64_t accepted = 0;
  std::uint64_t rejected = 0; ///< overloaded, under the policy `reject`
  std::uint64_t refused = 0;  ///< any other error at the call
  std::string refused_first;  ///< the first such error
  target_counters target;

  /// Empty when it adds up, else which sums differ.
  [[nodiscard]] std::string difference() const;
};

/// One stretch of a few hundred milliseconds. Latencies are since due; 0 where nothing happened.
/// Where less than 10 of a kind fell into a stretch, they are counted in the next one of the phase.
struct timeline_point {
  std::size_t phase = 0; ///< index into run_report::phases
  double start_seconds = 0;
  double seconds = 0;
  std::uint64_t writes = 0;
  std::uint64_t reads = 0;
  std::array<latency_summary, query_kinds> queries;
  latency_summary staleness;
  std::uint64_t pending = 0;
};

/// The store that a run kept, and what was in it before.
struct store_report {
  std::string directory; ///< empty: none
  durability level = durability::interval;
  std::uint64_t concepts = 0;
  std::uint64_t associations = 0;
  double open_seconds = 0;
};

struct run_report {
  std::string target;
  std::string settings; ///< how the target is set up; empty: nothing to say
  store_report store;
  bool interrupted = false;
  std::uint64_t preloaded = 0; ///< writes before the first phase, at full speed
  double preload_seconds = 0;
  std::uint64_t resident_bytes_before = 0; ///< data set and program, before the target existed
  std::vector<phase_report> phases;
  /// Of all phases: a p99.9 needs more writes than a phase of reasoning has.
  std::vector<operation_report> write_operations;
  std::vector<timeline_point> timeline;
  accounting_report accounting;
  std::vector<std::string> missed; ///< what should hold and does not; empty is success
};

/// Everything about one call of `cmem run`.
struct scenario_report {
  std::string scenario;
  std::string description;
  std::string data;
  std::uint64_t data_concepts = 0;
  std::uint64_t data_associations = 0;
  double time_scale = 1;
  std::vector<run_report> runs; ///< the memory first, then what it is compared with

  [[nodiscard]] bool interrupted() const noexcept;
  /// False if anything was missed, or if the run was cut short and can't tell.
  [[nodiscard]] bool ok() const noexcept;
};

/// What the scenario expects and this run missed, in words. Without the accounting.
[[nodiscard]] std::vector<std::string> missed_expectations(const run_report& run,
                                                           const expectations& expect);

[[nodiscard]] nlohmann::json to_json(const scenario_report& report);
/// "none", "interval", "sync"
[[nodiscard]] std::string_view show_durability(durability d) noexcept;
/// Tables for people.
void print(std::ostream& out, const scenario_report& report);

/// "1.25 µs": three digits and a unit.
[[nodiscard]] std::string show_duration(std::int64_t ns);
/// "12,345"
[[nodiscard]] std::string show_count(std::uint64_t n);

} // namespace cmem::tools
