#include "tools/cli.hpp"
#include "tools/dataset.hpp"
#include "tools/interruption.hpp"
#include "tools/live_line.hpp"
#include "tools/peer_targets.hpp"
#include "tools/plot.hpp"
#include "tools/runner.hpp"
#include "tools/scenario_places.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <malloc.h>

namespace cmem::tools {
namespace {

int fail(const console& c, const failure& f, int code) {
  c.err << "cmem: " << to_string(f) << '\n';
  return code;
}

/// What to run against: the memory, then as asked for, each once. Fails for what can't be; what is
/// left out of `all` is said to `c`.
result<std::vector<target_kind>> targets_of(const std::vector<std::string>& against,
                                            const console& c) {
  std::vector<target_kind> kinds = {target_kind::memory};
  const auto add = [&kinds](target_kind kind) {
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end())
      kinds.push_back(kind);
  };
  for (const std::string& name : against) {
    for (std::size_t i = 1; i != target_kinds; ++i) {
      const auto kind = static_cast<target_kind>(i);
      if (name != "all" && name != target_names[i])
        continue;
      if (const auto here = target_available(kind); here)
        add(kind);
      else if (name == "all")
        c.err << "cmem: left out: " << here.error().detail << '\n';
      else
        return here.error();
    }
  }
  return kinds;
}

/// The memory fsyncs nothing where it keeps nothing, and no peer has to then.
peer_options peers_of(const memory_spec& memory, const std::string& parent) {
  peer_options o;
  o.level = memory.storage.empty() ? durability::none : memory.durability;
  o.parent = parent;
  if (parent.empty() && !memory.storage.empty())
    o.parent = folder_of(memory.storage);
  return o;
}

result<std::unique_ptr<scenario_target>> make_target(target_kind kind, const scenario& s,
                                                     const dataset& data,
                                                     const std::string& peers) {
  switch (kind) {
    case target_kind::memory: return make_memory_target(s.memory, data.vector_dimension);
    case target_kind::mutex_map: return make_mutex_map_target(data.concepts.size());
    case target_kind::lmdb:
    case target_kind::rocksdb:
    case target_kind::sqlite: break;
  }
  return make_peer_target(kind, peers_of(s.memory, peers));
}

result<run_report> run_once(const scenario& s, const dataset& data, target_kind kind,
                            const run_arguments& arguments, interruption& signals,
                            const console& c) {
  ::malloc_trim(0); // the run before leaves no memory to this one's account
  const std::uint64_t before = resident_bytes();
  const auto begin = std::chrono::steady_clock::now();
  const auto target = make_target(kind, s, data, arguments.peers);
  if (!target)
    return target.error();
  store_report store;
  if (kind == target_kind::memory) {
    const std::chrono::duration<double> opening = std::chrono::steady_clock::now() - begin;
    const target_counters there = (*target)->counters();
    store = {s.memory.storage, s.memory.durability, there.concepts, there.associations,
             opening.count()};
  }
  live_line line(c.err);
  run_hooks hooks;
  hooks.time_scale = arguments.time_scale;
  hooks.interrupted = [&signals] { return signals.seen(); };
  if (c.live)
    hooks.on_live = [&line](const live_state& state) { line.show(state); };
  auto report = run_scenario(s, data, **target, hooks);
  if (report) {
    report->resident_bytes_before = before;
    report->store = store;
    if (const auto lost = report->accounting.target.not_durable; lost != 0)
      report->missed.push_back(show_count(lost) + " entries are not on the disk of the store");
    if (kind == target_kind::memory && !report->interrupted)
      for (auto& m : missed_expectations(*report, s.expect))
        report->missed.push_back(std::move(m));
  }
  return report;
}

result<void> write_plot(const std::string& file, const scenario_report& report) {
  std::ofstream out(file, std::ios::binary);
  out << plot_svg(report);
  out.close();
  if (!out)
    return failure{errc::io_error,
                   file + ": the plot can't be written; give another file to --plot"};
  return {};
}

} // namespace

int run_command(const run_arguments& arguments, const console& c) {
  const auto file = find_scenario(arguments.scenario, scenario_folders());
  if (!file)
    return fail(c, file.error(), exit_usage);
  auto s = read_scenario(*file);
  if (!s)
    return fail(c, s.error(), exit_usage);
  if (!arguments.store.empty())
    s->memory.storage = arguments.store;
  const auto kinds = targets_of(arguments.against, c);
  if (!kinds)
    return fail(c, kinds.error(), exit_missed);
  for (const auto kind : *kinds)
    if (auto offered = check_offered(*s, kind); !offered)
      return fail(c, offered.error(), exit_usage);
  auto data = load_dataset(s->data, arguments.data);
  if (!data)
    return fail(c, data.error(), exit_missed);

  interruption signals;
  scenario_report report;
  report.scenario = s->name;
  report.description = s->description;
  report.data = data->title;
  report.data_concepts = data->learnable;
  report.data_associations = data->associations.size();
  report.time_scale = arguments.time_scale;
  for (const auto kind : *kinds) {
    if (report.interrupted())
      break;
    auto run = run_once(*s, *data, kind, arguments, signals, c);
    if (!run)
      return fail(c, run.error(), exit_missed);
    report.runs.push_back(std::move(*run));
  }

  if (arguments.json)
    c.out << to_json(report).dump(2) << '\n';
  else
    print(c.out, report);
  if (!arguments.plot.empty()) {
    if (const auto written = write_plot(arguments.plot, report); !written)
      return fail(c, written.error(), exit_missed);
    (arguments.json ? c.err : c.out)
      << "\nplot: " << std::filesystem::absolute(arguments.plot).lexically_normal().string()
      << '\n';
  }
  return report.ok() ? exit_ok : exit_missed;
}

int demo_command(run_arguments arguments, const console& c) {
  arguments.scenario = "demo";
  return run_command(arguments, c);
}

} // namespace cmem::tools
