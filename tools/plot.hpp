#pragma once
// A run as a picture: rates, read latency and staleness over time, one column a target.

#include "tools/report.hpp"

#include <string>

namespace cmem::tools {

/// An SVG document. All columns share their axes, so that they compare by eye.
[[nodiscard]] std::string plot_svg(const scenario_report& report);

} // namespace cmem::tools
