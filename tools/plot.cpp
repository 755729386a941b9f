#include "tools/plot.hpp"

#include "tools/svg.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <sstream>
#include <vector>

namespace cmem::tools {
namespace {

constexpr double margin_left = 84;
constexpr double column_gap = 34;
constexpr double column_width = 560;
constexpr double single_width = 860;
constexpr double header_height = 92;
constexpr double panel_height = 190;
constexpr double panel_gap = 56;
constexpr double footer_height = 20;

constexpr std::string_view ink = "fill:#212529;";
constexpr std::string_view faint_ink = "fill:#6c757d;";
constexpr const char* write_color = "#d9480f";
constexpr const char* read_color = "#1c7ed6";
constexpr std::array query_colors = {"#2b8a3e", "#1c7ed6", "#9c36b5", "#e67700",
                                     "#0b7285", "#5c940d", "#c2255c"};
static_assert(query_colors.size() == query_kinds);
constexpr const char* staleness_color = "#c92a2a";

using value_of = std::function<double(const timeline_point&)>;

/// One line of a panel; 0 means that there is no value.
struct series {
  std::string label; ///< empty: no legend of its own
  std::string color;
  bool faint;
  value_of value;
};

struct panel {
  std::string title;
  std::string axis;
  std::function<std::string(double)> tick; ///< of a power of ten
  std::vector<series> lines;
};

std::string tick_rate(double v) {
  std::ostringstream text;
  if (v >= 1e6)
    text << v / 1e6 << "M";
  else if (v >= 1e3)
    text << v / 1e3 << "k";
  else
    text << v;
  return text.str();
}

std::string tick_duration(double ns) {
  std::ostringstream text;
  if (ns >= 1e9)
    text << ns / 1e9 << " s";
  else if (ns >= 1e6)
    text << ns / 1e6 << " ms";
  else if (ns >= 1e3)
    text << ns / 1e3 << " µs";
  else
    text << ns << " ns";
  return text.str();
}

double nanoseconds(std::int64_t ns) { return static_cast<double>(ns); }

bool asked(const scenario_report& report, std::size_t kind) {
  for (const auto& run : report.runs)
    for (const auto& t : run.timeline)
      if (t.queries[kind].count != 0)
        return true;
  return false;
}

std::vector<panel> panels(const scenario_report& report) {
  std::vector<panel> all(3);
  all[0] = {"Rates", "operations per second", tick_rate, {}};
  all[0].lines.push_back({"writes", write_color, false,
                          [](const auto& t) { return static_cast<double>(t.writes) / t.seconds; }});
  all[0].lines.push_back({"reads", read_color, false,
                          [](const auto& t) { return static_cast<double>(t.reads) / t.seconds; }});
  all[1] = {"Read latency since due", "latency", tick_duration, {}};
  for (std::size_t k = 0; k < query_kinds; ++k) {
    if (!asked(report, k))
      continue;
    const std::string name(query_names[k]);
    all[1].lines.push_back(
      {"", query_colors[k], true, [k](const auto& t) { return nanoseconds(t.queries[k].p50); }});
    all[1].lines.push_back(
      {name, query_colors[k], false, [k](const auto& t) { return nanoseconds(t.queries[k].p99); }});
  }
  all[2] = {"Staleness: write to visible", "staleness", tick_duration, {}};
  all[2].lines.push_back(
    {"", staleness_color, true, [](const auto& t) { return nanoseconds(t.staleness.p50); }});
  all[2].lines.push_back({"staleness", staleness_color, false,
                          [](const auto& t) { return nanoseconds(t.staleness.p99); }});
  return all;
}

/// Whole powers of ten around all values of a panel in all runs.
struct log_axis {
  int low = 0;
  int high = 1;

  log_axis(const panel& p, const scenario_report& report) {
    double least = std::numeric_limits<double>::max();
    double most = 0;
    for (const auto& run : report.runs)
      for (const auto& t : run.timeline)
        for (const auto& line : p.lines)
          if (const double v = line.value(t); v > 0) {
            least = std::min(least, v);
            most = std::max(most, v);
          }
    if (most <= 0)
      return;
    low = static_cast<int>(std::floor(std::log10(least)));
    high = std::max(static_cast<int>(std::ceil(std::log10(most))), low + 1);
  }
  [[nodiscard]] double fraction(double v) const {
    return std::clamp((std::log10(v) - low) / (high - low), 0.0, 1.0);
  }
};

struct box {
  double x, y, width, height;
};

class painter {
public:
  explicit painter(const scenario_report& report)
    : report_(report),
      panels_(panels(report)),
      width_(report.runs.size() > 1 ? column_width : single_width),
      svg_(margin_left + static_cast<double>(report.runs.size()) * (width_ + column_gap),
           header_height + static_cast<double>(panels_.size()) * (panel_height + panel_gap)
             + footer_height) {
    for (const auto& run : report.runs)
      for (const auto& p : run.phases)
        seconds_ = std::max(seconds_, p.start_seconds + p.seconds);
  }

  std::string paint() && {
    svg_.text({margin_left, 28}, report_.scenario + ": " + report_.description, "start",
              std::string(ink) + "font-size:17px;font-weight:bold");
    svg_.text({margin_left, 48},
              report_.data + ", " + show_count(report_.data_concepts) + " concepts, "
                + show_count(report_.data_associations) + " associations"
                + (report_.interrupted() ? " (interrupted)" : ""),
              "start", faint_ink);
    for (std::size_t i = 0; i < panels_.size(); ++i) {
      const log_axis axis(panels_[i], report_);
      const double y = header_height + static_cast<double>(i) * (panel_height + panel_gap);
      for (std::size_t c = 0; c < report_.runs.size(); ++c) {
        const double x = margin_left + static_cast<double>(c) * (width_ + column_gap);
        paint_panel(panels_[i], axis, report_.runs[c], {x, y, width_, panel_height}, i == 0,
                    c == 0);
      }
    }
    const double bottom =
      header_height + static_cast<double>(panels_.size()) * (panel_height + panel_gap);
    svg_.text({margin_left, bottom},
              "Latency and staleness: p99, and p50 fainter. Latency counts from the moment an "
              "operation was "
              "due, so that a stall is not hidden.",
              "start", std::string(faint_ink) + "font-size:11px");
    return std::move(svg_).finish();
  }

private:
  [[nodiscard]] double x_of(const box& b, double seconds) const {
    return b.x + b.width * std::clamp(seconds / seconds_, 0.0, 1.0);
  }

  void paint_panel(const panel& p, const log_axis& axis, const run_report& run, const box& b,
                   bool top, bool left) {
    paint_phases(run, b, top);
    if (top)
      svg_.text({b.x, b.y - 22}, run.target, "start", std::string(ink) + "font-weight:bold");
    paint_grid(p, axis, b, left);
    for (const auto& line : p.lines)
      paint_line(line, axis, run, b);
    svg_.rect(b.x, b.y, b.width, b.height, "fill:none;stroke:#adb5bd;stroke-width:1");
    if (!top)
      svg_.text({b.x, b.y - 8}, p.title, "start", std::string(ink) + "font-weight:bold");
    paint_legend(p, b, top);
  }

  void paint_phases(const run_report& run, const box& b, bool named) {
    for (std::size_t i = 0; i < run.phases.size(); ++i) {
      const auto& p = run.phases[i];
      const double from = x_of(b, p.start_seconds);
      const double to = x_of(b, p.start_seconds + p.seconds);
      svg_.rect(from, b.y, to - from, b.height, i % 2 == 0 ? "fill:#f1f3f5" : "fill:#fff9db");
      if (named)
        svg_.text({(from + to) / 2, b.y - 6}, p.name, "middle",
                  std::string(faint_ink) + "font-size:11px");
    }
  }

  void paint_grid(const panel& p, const log_axis& axis, const box& b, bool left) {
    for (int power = axis.low; power <= axis.high; ++power) {
      const double y = b.y + b.height * (1 - axis.fraction(std::pow(10.0, power)));
      svg_.line({b.x, y}, {b.x + b.width, y}, "stroke:#dee2e6;stroke-width:1");
      if (left)
        svg_.text({b.x - 8, y + 4}, p.tick(std::pow(10.0, power)), "end", ink);
    }
    if (left)
      svg_.text_upwards({b.x - 62, b.y + b.height / 2}, p.axis, faint_ink);
    const double step = nice_step();
    for (double s = 0; s <= seconds_ * 1.0001; s += step) {
      const double x = x_of(b, s);
      svg_.line({x, b.y + b.height}, {x, b.y + b.height + 4}, "stroke:#868e96;stroke-width:1");
      std::ostringstream text;
      text << s << " s";
      svg_.text({x, b.y + b.height + 17}, text.str(), "middle",
                std::string(faint_ink) + "font-size:11px");
    }
  }

  void paint_line(const series& line, const log_axis& axis, const run_report& run, const box& b) {
    const std::string style =
      "stroke:" + line.color
      + (line.faint ? ";stroke-width:1.3;stroke-opacity:0.45" : ";stroke-width:1.8");
    for (std::size_t phase = 0; phase < run.phases.size(); ++phase) {
      std::vector<svg_point> points;
      for (const auto& t : run.timeline) {
        if (t.phase != phase)
          continue;
        const double middle = t.start_seconds + t.seconds / 2;
        if (const double v = line.value(t); v > 0)
          points.push_back({x_of(b, middle), b.y + b.height * (1 - axis.fraction(v))});
      }
      if (points.size() == 1) // a lone value shows as a dash
        points.push_back({points[0].x + 3, points[0].y});
      if (!points.empty())
        svg_.polyline(points, style);
    }
  }

  void paint_legend(const panel& p, const box& b, bool top) {
    double x = b.x + b.width;
    for (auto line = p.lines.rbegin(); line != p.lines.rend(); ++line) {
      if (line->label.empty())
        continue;
      svg_.text({x, b.y - (top ? 22 : 8)}, line->label, "end", ink);
      x -= 7.0 * static_cast<double>(line->label.size()) + 8;
      const double y = b.y - (top ? 26 : 12);
      svg_.line({x - 16, y}, {x, y}, "stroke-width:3;stroke:" + line->color);
      x -= 30;
    }
  }

  /// 1, 2 or 5 times a power of ten, so that there are five to twelve ticks.
  [[nodiscard]] double nice_step() const {
    const double rough = std::max(seconds_, 1e-3) / 10;
    const double power = std::pow(10.0, std::floor(std::log10(rough)));
    for (const double factor : {1.0, 2.0, 5.0})
      if (power * factor >= rough)
        return power * factor;
    return power * 10;
  }

  const scenario_report& report_;
  std::vector<panel> panels_;
  double width_;
  double seconds_ = 1e-3;
  svg_document svg_;
};

} // namespace

std::string plot_svg(const scenario_report& report) { return painter(report).paint(); }

} // namespace cmem::tools
