#include "tools/live_line.hpp"

#include <cmath>
#include <cstdio>

namespace cmem::tools {

std::string live_text(const live_state& state) {
  char clock[48];
  std::snprintf(clock, sizeof clock, "%5.1f/%.0f s", state.seconds, state.seconds_total);
  const auto whole = [](double v) {
    return show_count(static_cast<std::uint64_t>(std::llround(v)));
  };
  return state.target + "  " + clock + "  " + state.phase + ": " + whole(state.writes_per_second)
         + " w/s, " + whole(state.reads_per_second) + " r/s, staleness p99 "
         + (state.staleness.count == 0 ? "-" : show_duration(state.staleness.p99)) + ", pending "
         + show_count(state.pending) + ", dropped " + show_count(state.dropped);
}

live_line::~live_line() {
  if (shown_)
    out_ << "\r\033[K" << std::flush;
}

void live_line::show(const live_state& state) {
  out_ << "\r\033[K" << live_text(state) << std::flush;
  shown_ = true;
}

} // namespace cmem::tools
