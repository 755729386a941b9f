#include "tools/status_line.hpp"

namespace cmem::tools {

bool status_line::due() {
  if (!console_.live)
    return false;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_)
    return false;
  next_ = now + std::chrono::milliseconds(100);
  return true;
}

void status_line::show(const std::string& text) {
  if (!console_.live)
    return;
  console_.err << "\r\033[K" << text << std::flush;
  shown_ = true;
}

void status_line::clear() {
  if (shown_)
    console_.err << "\r\033[K" << std::flush;
  shown_ = false;
}

} // namespace cmem::tools
