#include "tools/plot_chart.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

namespace cmem::tools {
namespace {

constexpr double margin_left = 84;
constexpr double margin_right = 34;
constexpr double column_gap = 96; // the axis of the next one is in it
constexpr double header_height = 92;
constexpr double keys_height = 26;
constexpr double panel_height = 190;
constexpr double panel_gap = 56;
constexpr double footer_height = 20;
constexpr double letter_width = 7; // about, of the font that browsers take

constexpr std::string_view ink = "fill:#212529;";
constexpr std::string_view faint_ink = "fill:#6c757d;";

struct log_axis {
  int low = 0;
  int high = 1;

  explicit log_axis(const chart& c) {
    double least = std::numeric_limits<double>::max();
    double most = 0;
    for (const auto& line : c.lines)
      for (const auto& t : line.run->timeline)
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
  explicit painter(const chart_page& page)
    : page_(page),
      top_(header_height + (page.keys.empty() ? 0 : keys_height)),
      rows_((page.charts.size() + page.columns - 1) / page.columns),
      svg_(margin_left + static_cast<double>(page.columns) * (page.column_width + column_gap)
             - column_gap + margin_right,
           bottom() + footer_height) {
    for (const auto& c : page.charts)
      for (const auto& line : c.lines)
        for (const auto& p : line.run->phases)
          seconds_ = std::max(seconds_, p.start_seconds + p.seconds);
  }

  std::string paint() && {
    svg_.text({margin_left, 28}, page_.title, "start",
              std::string(ink) + "font-size:17px;font-weight:bold");
    svg_.text({margin_left, 48}, page_.subtitle, "start", faint_ink);
    paint_keys();
    for (std::size_t i = 0; i < page_.charts.size(); ++i) {
      const auto column = static_cast<double>(i % page_.columns);
      const auto row = static_cast<double>(i / page_.columns);
      paint_chart(page_.charts[i],
                  {margin_left + column * (page_.column_width + column_gap),
                   top_ + row * (panel_height + panel_gap), page_.column_width, panel_height},
                  i < page_.columns);
    }
    svg_.text({margin_left, bottom()}, page_.footer, "start",
              std::string(faint_ink) + "font-size:11px");
    return std::move(svg_).finish();
  }

private:
  [[nodiscard]] double bottom() const {
    return top_ + static_cast<double>(rows_) * (panel_height + panel_gap);
  }
  [[nodiscard]] double x_of(const box& b, double seconds) const {
    return b.x + b.width * std::clamp(seconds / seconds_, 0.0, 1.0);
  }

  void paint_keys() {
    double x = margin_left;
    for (const auto& key : page_.keys) {
      svg_.line({x, 68}, {x + 22, 68}, "stroke-width:4;stroke:" + key.color);
      svg_.text({x + 28, 72}, key.label, "start", std::string(ink) + "font-size:13px");
      x += 28 + 8 * static_cast<double>(key.label.size()) + 26;
    }
  }

  void paint_chart(const chart& c, const box& b, bool top) {
    const log_axis axis(c);
    paint_phases(b, top);
    paint_grid(c, axis, b);
    for (const auto& line : c.lines)
      paint_line(line, axis, b);
    svg_.rect(b.x, b.y, b.width, b.height, "fill:none;stroke:#adb5bd;stroke-width:1");
    const double y = b.y - (top ? 22 : 8);
    svg_.text({b.x, y}, c.title, "start", std::string(ink) + "font-weight:bold");
    paint_legend(c, b.x + b.width, y);
  }

  void paint_phases(const box& b, bool named) {
    if (page_.phases == nullptr)
      return;
    for (std::size_t i = 0; i < page_.phases->phases.size(); ++i) {
      const auto& p = page_.phases->phases[i];
      const double from = x_of(b, p.start_seconds);
      const double to = x_of(b, p.start_seconds + p.seconds);
      svg_.rect(from, b.y, to - from, b.height, i % 2 == 0 ? "fill:#f1f3f5" : "fill:#fff9db");
      if (named)
        svg_.text({(from + to) / 2, b.y - 6}, p.name, "middle",
                  std::string(faint_ink) + "font-size:11px");
    }
  }

  void paint_grid(const chart& c, const log_axis& axis, const box& b) {
    for (int power = axis.low; power <= axis.high; ++power) {
      const double y = b.y + b.height * (1 - axis.fraction(std::pow(10.0, power)));
      svg_.line({b.x, y}, {b.x + b.width, y}, "stroke:#dee2e6;stroke-width:1");
      svg_.text({b.x - 8, y + 4}, c.tick(std::pow(10.0, power)), "end", ink);
    }
    svg_.text_upwards({b.x - 62, b.y + b.height / 2}, c.axis, faint_ink);
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

  void paint_line(const chart_line& line, const log_axis& axis, const box& b) {
    std::ostringstream style;
    style << "stroke:" << line.color << ";stroke-width:" << line.thickness;
    if (line.opacity < 1)
      style << ";stroke-opacity:" << line.opacity;
    for (std::size_t phase = 0; phase < line.run->phases.size(); ++phase) {
      std::vector<svg_point> points;
      for (const auto& t : line.run->timeline) {
        if (t.phase != phase)
          continue;
        const double middle = t.start_seconds + t.seconds / 2;
        if (const double v = line.value(t); v > 0)
          points.push_back({x_of(b, middle), b.y + b.height * (1 - axis.fraction(v))});
      }
      if (points.size() == 1) // a lone value shows as a dash
        points.push_back({points[0].x + 3, points[0].y});
      if (!points.empty())
        svg_.polyline(points, style.str());
    }
  }

  void paint_legend(const chart& c, double x, double y) {
    for (auto line = c.lines.rbegin(); line != c.lines.rend(); ++line) {
      if (line->label.empty())
        continue;
      svg_.text({x, y}, line->label, "end", ink);
      x -= letter_width * static_cast<double>(line->label.size()) + 8;
      svg_.line({x - 16, y - 4}, {x, y - 4}, "stroke-width:3;stroke:" + line->color);
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

  const chart_page& page_;
  double top_;
  std::size_t rows_;
  double seconds_ = 1e-3;
  svg_document svg_;
};

} // namespace

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

std::string paint(const chart_page& page) { return painter(page).paint(); }

} // namespace cmem::tools
