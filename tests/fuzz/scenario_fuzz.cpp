// Any text as a scenario: one whose values lie within their ranges, or an error that names the
// file.

#include "storage/limits.hpp"
#include "tests/fuzz/input.hpp"
#include "tools/scenario.hpp"

#include <cmath>

using namespace cmem;
using namespace cmem::tools;
using cmem::fuzz::require;

namespace {

template <class Mix>
void check_mix(const Mix& mix) {
  double sum = 0;
  for (const double share : mix) {
    require(share >= 0 && std::isfinite(share), "a share is a number from 0");
    sum += share;
  }
  require(sum > 0, "a mix has a share above 0");
}

void check(const scenario& s) {
  require(s.name == "fuzz", "a scenario has its file's name");
  require(s.preload >= 0 && s.preload <= 1, "preload is in its range");
  require(!s.phases.empty(), "there is a phase");
  require(s.data.source != data_source::jsonl || !s.data.path.empty(), "a file is named");
  require(s.data.concepts >= 1 && s.data.degree >= 0 && std::isfinite(s.data.degree),
          "the size of the data is in its range");
  require(s.memory.log_capacity >= 1 && s.memory.log_capacity <= log_capacity_max
            && s.memory.max_batch_size >= 1 && s.memory.max_batch_size <= batch_entries_max
            && s.memory.reconcile_interval_ms >= 1,
          "the memory's settings are in their ranges");
  for (const phase& p : s.phases) {
    require(p.seconds > 0 && p.seconds <= 86'400, "a phase lasts");
    require(!p.writes.idle() || !p.reads.idle(), "a phase does something");
    for (const rate& r : {p.writes, p.reads})
      require(r.per_second >= 0 && r.per_second <= 1e8, "a rate is in its range");
    require(p.writers >= 1 && p.writers <= 64 && p.readers >= 1 && p.readers <= 64,
            "threads are in their range");
    require(p.path_depth_max >= 1 && p.path_depth_max <= path_depth_max, "depth is in its range");
    check_mix(p.write_weights);
    check_mix(p.query_weights);
  }
  require(std::isfinite(s.seconds()), "a scenario ends");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::input in(data, size);
  const auto read = parse_scenario(in.rest(), "folder/fuzz.toml");
  if (read)
    check(*read);
  else
    require(read.error().code == errc::parse_error
              && read.error().detail.starts_with("folder/fuzz.toml"),
            "an error names the file");
  return 0;
}
