#include "tools/plot.hpp"

#include "tools/plot_chart.hpp"

#include <algorithm>

namespace cmem::tools {
namespace {

constexpr const char* write_color = "#d9480f";
constexpr const char* read_color = "#1c7ed6";
constexpr const char* staleness_color = "#c92a2a";
constexpr std::array query_colors = {"#2b8a3e", "#1c7ed6", "#9c36b5", "#e67700",
                                     "#0b7285", "#5c940d", "#c2255c", "#495057"};
static_assert(query_colors.size() == query_kinds);
// The memory, then what it is compared with; apart for those who see no red and green as well.
constexpr std::array target_colors = {"#c92a2a", "#343a40", "#1c7ed6", "#f08c00", "#2b8a3e"};

double nanoseconds(std::int64_t ns) { return static_cast<double>(ns); }
double write_rate(const timeline_point& t) { return static_cast<double>(t.writes) / t.seconds; }
double read_rate(const timeline_point& t) { return static_cast<double>(t.reads) / t.seconds; }
double staleness_p50(const timeline_point& t) { return nanoseconds(t.staleness.p50); }
double staleness_p99(const timeline_point& t) { return nanoseconds(t.staleness.p99); }

bool asked(const run_report& run, std::size_t kind) {
  return std::any_of(run.timeline.begin(), run.timeline.end(),
                     [kind](const timeline_point& t) { return t.queries[kind].count != 0; });
}

/// p50 fainter than p99, which has the label.
void add_quantiles(chart& c, const std::string& label, const char* color, const run_report& run,
                   std::function<double(const timeline_point&)> p50,
                   std::function<double(const timeline_point&)> p99) {
  c.lines.push_back({"", color, 1.3, 0.45, &run, std::move(p50)});
  c.lines.push_back({label, color, 1.8, 1, &run, std::move(p99)});
}

std::vector<chart> charts_of(const run_report& run) {
  std::vector<chart> all(3);
  all[0] = {"Rates: " + run.target, "operations per second", tick_rate, {}};
  all[0].lines.push_back({"writes", write_color, 1.8, 1, &run, write_rate});
  all[0].lines.push_back({"reads", read_color, 1.8, 1, &run, read_rate});
  all[1] = {"Read latency since due", "latency", tick_duration, {}};
  for (std::size_t k = 0; k < query_kinds; ++k)
    if (asked(run, k))
      add_quantiles(
        all[1], std::string(query_names[k]), query_colors[k], run,
        [k](const timeline_point& t) { return nanoseconds(t.queries[k].p50); },
        [k](const timeline_point& t) { return nanoseconds(t.queries[k].p99); });
  all[2] = {"Staleness: write to visible", "staleness", tick_duration, {}};
  add_quantiles(all[2], "staleness", staleness_color, run, staleness_p50, staleness_p99);
  return all;
}

/// A line for each run; the memory's is thicker and on top.
chart compared(const std::vector<run_report>& runs, std::string title, std::string axis,
               std::string (*tick)(double), std::function<double(const timeline_point&)> value) {
  chart c{std::move(title), std::move(axis), tick, {}};
  for (std::size_t i = runs.size(); i-- != 0;)
    c.lines.push_back(
      {"", target_colors[i % target_colors.size()], i == 0 ? 2.6 : 1.5, 1, &runs[i], value});
  return c;
}

std::vector<chart> charts_together(const std::vector<run_report>& runs) {
  std::vector<chart> all;
  all.push_back(compared(runs, "writes", "operations per second", tick_rate, write_rate));
  all.push_back(compared(runs, "reads", "operations per second", tick_rate, read_rate));
  for (std::size_t k = 0; k < query_kinds; ++k) {
    if (std::any_of(runs.begin(), runs.end(), [k](const run_report& run) { return asked(run, k); }))
      all.push_back(
        compared(runs, std::string(query_names[k]), "latency, p99", tick_duration,
                 [k](const timeline_point& t) { return nanoseconds(t.queries[k].p99); }));
  }
  all.push_back(
    compared(runs, "staleness: write to visible", "staleness, p99", tick_duration, staleness_p99));
  return all;
}

} // namespace

std::string plot_svg(const scenario_report& report) {
  chart_page page;
  page.title = report.scenario + ": " + report.description;
  page.subtitle = report.data + ", " + show_count(report.data_concepts) + " concepts, "
                  + show_count(report.data_associations) + " associations"
                  + (report.interrupted() ? " (interrupted)" : "");
  page.footer = "Latency counts from the moment an operation was due, so that a stall is not "
                "hidden.";
  if (report.runs.size() == 1) {
    page.charts = charts_of(report.runs[0]);
    page.footer.insert(0, "Latency and staleness: p99, and p50 fainter. ");
  } else {
    page.charts = charts_together(report.runs);
    page.footer += " It counts in the rates of that moment: where a target fell behind until the "
                   "phase was over, its line ends.";
    page.columns = 2;
    page.column_width = 560;
    for (std::size_t i = 0; i < report.runs.size(); ++i)
      page.keys.push_back({report.runs[i].target, target_colors[i % target_colors.size()]});
  }
  for (const auto& run : report.runs)
    if (page.phases == nullptr || run.phases.size() > page.phases->phases.size())
      page.phases = &run;
  return paint(page);
}

} // namespace cmem::tools
