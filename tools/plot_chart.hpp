#pragma once
// Charts of what happened over the seconds of a run, and the page that they are painted on.

#include "tools/report.hpp"
#include "tools/svg.hpp"

#include <functional>
#include <string>
#include <vector>

namespace cmem::tools {

/// One line of a chart; a value of 0 means that there is none. Borrows the run.
struct chart_line {
  std::string label; ///< empty: not in the chart's legend
  std::string color;
  double thickness = 1.8;
  double opacity = 1;
  const run_report* run = nullptr;
  std::function<double(const timeline_point&)> value;
};

struct chart {
  std::string title;
  std::string axis;
  std::function<std::string(double)> tick; ///< of a power of ten
  std::vector<chart_line> lines;           ///< the last one on top
};

/// A mark of a legend for all charts of a page.
struct chart_key {
  std::string label;
  std::string color;
};

struct chart_page {
  std::string title;
  std::string subtitle;
  std::string footer;
  std::vector<chart_key> keys;
  std::size_t columns = 1;
  double column_width = 860;
  std::vector<chart> charts; ///< row by row
  /// Whose phases are shaded and named; nullptr: there are none.
  const run_report* phases = nullptr;
};

[[nodiscard]] std::string tick_rate(double v);
[[nodiscard]] std::string tick_duration(double ns);

/// An SVG document. Every chart has whole powers of ten around all its values.
[[nodiscard]] std::string paint(const chart_page& page);

} // namespace cmem::tools
