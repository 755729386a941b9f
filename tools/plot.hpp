#pragma once
// Runs as a picture: rates, read latency and staleness over time.

#include "tools/report.hpp"

#include <string>

namespace cmem::tools {

/// An SVG document. One run: a chart of rates, one of read latency, one of staleness. Several: a
/// chart for each rate, each kind of query and staleness, with a line for each target, so that they
/// compare by eye.
[[nodiscard]] std::string plot_svg(const scenario_report& report);

} // namespace cmem::tools
