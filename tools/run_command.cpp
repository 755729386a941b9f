#include "tools/cli.hpp"
#include "tools/dataset.hpp"
#include "tools/interruption.hpp"
#include "tools/live_line.hpp"
#include "tools/plot.hpp"
#include "tools/runner.hpp"
#include "tools/scenario_places.hpp"

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

result<run_report> run_once(const scenario& s, const dataset& data, target_kind kind,
                            double time_scale, interruption& signals, const console& c) {
  ::malloc_trim(0); // the run before leaves no memory to this one's account
  const std::uint64_t before = resident_bytes();
  std::unique_ptr<scenario_target> target;
  store_report store;
  if (kind == target_kind::mutex_map) {
    target = make_mutex_map_target(data.concepts.size());
  } else {
    const auto begin = std::chrono::steady_clock::now();
    auto made = make_memory_target(s.memory, data.vector_dimension);
    if (!made)
      return made.error();
    target = std::move(*made);
    const std::chrono::duration<double> opening = std::chrono::steady_clock::now() - begin;
    const target_counters there = target->counters();
    store = {s.memory.storage, s.memory.durability, there.concepts, there.associations,
             opening.count()};
  }
  live_line line(c.err);
  run_hooks hooks;
  hooks.time_scale = time_scale;
  hooks.interrupted = [&signals] { return signals.seen(); };
  if (c.live)
    hooks.on_live = [&line](const live_state& state) { line.show(state); };
  auto report = run_scenario(s, data, *target, hooks);
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
  std::vector<target_kind> kinds = {target_kind::memory};
  if (arguments.against)
    kinds.push_back(target_kind::mutex_map);
  for (const auto kind : kinds) {
    if (report.interrupted())
      break;
    auto run = run_once(*s, *data, kind, arguments.time_scale, signals, c);
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
