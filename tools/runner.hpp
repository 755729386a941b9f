#pragma once
// Runs a scenario against a target: preload, phases, settling, accounting.

#include "storage/result.hpp"
#include "tools/dataset.hpp"
#include "tools/report.hpp"
#include "tools/scenario.hpp"
#include "tools/scenario_target.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace cmem::tools {

/// What a live line shows, several times a second.
struct live_state {
  std::string target;
  std::string phase;
  double seconds = 0; ///< since the first phase began
  double seconds_total = 0;
  double writes_per_second = 0;
  double reads_per_second = 0;
  latency_summary staleness; ///< of the phase so far
  std::uint64_t pending = 0;
  std::uint64_t dropped = 0;
};

struct run_hooks {
  double time_scale = 1;                               ///< multiplies the seconds of every phase
  std::function<void(const live_state&)> on_live = {}; ///< may be empty
  std::function<bool()> interrupted = {};              ///< asked 20 times a second; may be empty
};

/// Runs it. The calling thread watches: it samples staleness by polling 1,000 times a second while
/// watched writes are under way, which overstates staleness by up to 1 ms.
/// Fails when the target refuses a kind or the preload, or does not offer a query; missed
/// expectations are in the report.
result<run_report> run_scenario(const scenario& s, const dataset& data, scenario_target& target,
                                const run_hooks& hooks);

/// Resident memory of this process in bytes.
[[nodiscard]] std::uint64_t resident_bytes();

} // namespace cmem::tools
