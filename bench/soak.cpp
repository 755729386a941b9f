#include "bench/benches.hpp"
#include "bench/scratch_directory.hpp"
#include "bench/soaked_memory.hpp"
#include "bench/workbench.hpp"
#include "tools/scenario_places.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

namespace cmem::bench {
namespace {

constexpr std::uint64_t concepts = 200'000;
constexpr std::uint64_t content_bytes = 300;
constexpr double seconds_each = 600;
constexpr double turn_seconds = 60;

/// The writes and reads of mixed_burst, on data that is all known: what it learns is learned again,
/// and nothing is forgotten.
tools::scenario updates_of(const options& o) {
  const auto file = or_throw(tools::find_scenario("mixed_burst", tools::scenario_folders()));
  tools::scenario s = or_throw(tools::read_scenario(file));
  s.data.concepts = o.scaled(concepts);
  s.data.content_bytes = content_bytes;
  for (tools::phase& p : s.phases)
    for (const auto kind :
         {tools::write_kind::forget_concept, tools::write_kind::forget_association})
      p.write_weights[static_cast<std::size_t>(kind)] = 0;
  return s;
}

config settings_of(const options& o, std::string directory, bool compaction) {
  config c;
  c.storage_path = std::move(directory);
  c.compaction = compaction;
  c.memory_threshold = o.scaled(c.memory_threshold);
  return c;
}

/// Of this process, without what it has mapped from files.
double anonymous_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssAnon:"))
      return std::stod(line.substr(8)) * 1024;
  throw std::runtime_error("/proc/self/status does not say RssAnon");
}

struct time_plan {
  time_plan(double seconds, double wave_seconds)
    : turns(2 * std::max(1, static_cast<int>(std::lround(seconds / turn_seconds / 2)))),
      waves(std::max(1, static_cast<int>(std::lround(seconds / turns / wave_seconds)))),
      time_scale(seconds / (turns * waves * wave_seconds)) {}

  int turns = 0;         ///< of each memory: an even number, as there is a middle
  int waves = 0;         ///< of a turn
  double time_scale = 1; ///< of a wave
};

/// What is in memory after a turn.
struct memory_taken {
  double of_store = 0;   ///< of the memory that compacts, by its own count
  double of_process = 0; ///< both memories, and what the benchmark has
};

/// Two memories of the same data, which take turns with the same load.
struct pair_of_memories {
  pair_of_memories(const tools::scenario& s, const tools::dataset& data, const options& o,
                   const scratch_directory& scratch)
    : on(s, data, settings_of(o, scratch.at("on"), true)),
      off(s, data, settings_of(o, scratch.at("off"), false)) {}

  void take_turns(const time_plan& plan, const options& o) {
    for (int turn = 1; turn <= plan.turns; ++turn) {
      for (soaked_memory* const which : {&off, &on}) {
        const auto progress = [&] {
          o.on_progress("turn " + std::to_string(turn) + " of " + std::to_string(plan.turns)
                        + (which == &on ? ", compaction on: " : ", compaction off: ")
                        + std::to_string(which->stats().storage.segments) + " segments, "
                        + std::to_string(which->stats().storage.segment_bytes >> 20) + " MiB");
        };
        for (int wave = 0; wave != plan.waves; ++wave)
          which->run_phases(plan.time_scale, progress);
        which->settle();
      }
      end = {on.memory_bytes(), anonymous_bytes()};
      if (turn == plan.turns / 2)
        middle = end;
    }
  }

  soaked_memory on;
  soaked_memory off;
  memory_taken middle;
  memory_taken end;
};

void add_rows(outcome& o, pair_of_memories& both) {
  soaked_memory& on = both.on;
  const soaked_memory& off = both.off;
  const durable_log_figures worked = on.worked();
  const double settled = on.segment_bytes();
  on.compact();
  const double live = on.segment_bytes();
  const auto p99 = [](const tools::histogram& h) { return static_cast<double>(h.quantile(0.99)); };
  const auto count = [](std::uint64_t n) { return static_cast<double>(n); };
  constexpr const char* other = "compaction off";
  o.rows = {
    {"segments, at most", on.segment_bytes_max(), "bytes", "live data", live, ratio_at_most(2)},
    {"everything in the directory, at most", on.directory_bytes_max(), "bytes", "live data", live},
    {"append p99", p99(on.appends), "ns", other, p99(off.appends), ratio_at_most(1.25)}};
  for (std::size_t k = 0; k != tools::query_kinds; ++k)
    if (on.queries[k].count() != 0) // those of the mix
      o.rows.push_back({std::string(tools::query_names[k]) + " p99", p99(on.queries[k]), "ns",
                        other, p99(off.queries[k]), ratio_at_most(1.25)});
  const std::vector<row> more = {
    {"the memory at the end, by its own count", both.end.of_store, "bytes", "in the middle",
     both.middle.of_store, ratio_at_most(1.02)},
    {"the process at the end, without mapped files", both.end.of_process, "bytes", "in the middle",
     both.middle.of_process, ratio_at_most(1.02)},
    {"compactions", count(worked.compactions), "merges", "", 0, at_least(1)},
    {"writes", count(on.appends.count()), "entries", other, count(off.appends.count())},
    {"appends refused, the log being full", count(on.rejected), "entries", other,
     count(off.rejected)},
    {"append p99, since due", p99(on.appends_since_due), "ns", other, p99(off.appends_since_due)},
    {"flushes", count(worked.flushes), "segments", other, count(off.worked().flushes)},
    {"merged", count(worked.compacted_bytes), "bytes", "flushed", count(worked.flushed_bytes)},
    {"settling after a turn, longest", on.settling_seconds_max(), "s", other,
     off.settling_seconds_max()},
    {"segments at the end, settled", settled, "bytes", "live data", live},
    {"segments at the end, compaction off", off.segment_bytes(), "bytes", "live data", live}};
  o.rows.insert(o.rows.end(), more.begin(), more.end());
  if (worked.compactions == 0)
    o.notes.emplace_back("no compaction ran: none of this says anything about it");
}

} // namespace

outcome soak(const options& options) {
  outcome o;
  const tools::scenario scenario = updates_of(options);
  const tools::dataset data = or_throw(tools::load_dataset(scenario.data, ""));
  const scratch_directory scratch(options);
  const double seconds = options.seconds > 0 ? options.seconds : seconds_each;
  const time_plan plan(seconds, scenario.seconds());
  options.on_progress("learning");
  pair_of_memories both(scenario, data, options, scratch);
  both.take_turns(plan, options);
  add_rows(o, both);

  char text[200];
  std::snprintf(text, sizeof text,
                "%.3g s of each memory, in %d turns of %d waves of the phases of mixed_burst, each "
                "%.3g times as long; on ",
                seconds, plan.turns, plan.waves, plan.time_scale);
  o.notes.insert(
    o.notes.begin(),
    {text + scratch.file_system(),
     std::to_string(data.learnable) + " concepts of " + std::to_string(content_bytes)
       + " bytes and " + std::to_string(data.associations.size())
       + " associations, all learned before; then all writes of mixed_burst but forgetting",
     "default settings (level interval, a flush after "
       + std::to_string(options.scaled(config().memory_threshold))
       + " changed concepts); both begin as one segment; live data is what segments take after a "
         "last merge of all of them",
     "p99 of the calls alone, over all turns; after each turn a memory flushes and merges to its "
     "end before the other one's begins, and that is when memory is looked at"});
  return o;
}

} // namespace cmem::bench
