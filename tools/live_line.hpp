#pragma once
// One line of a terminal that is written over and over while a scenario runs.

#include "tools/runner.hpp"

#include <ostream>
#include <string>

namespace cmem::tools {

/// What the line says, without any control characters.
[[nodiscard]] std::string live_text(const live_state& state);

/// Clears its line when it goes. Borrows the stream.
class live_line {
public:
  explicit live_line(std::ostream& out) : out_(out) {}
  ~live_line();
  live_line(const live_line&) = delete;
  live_line& operator=(const live_line&) = delete;

  void show(const live_state& state);

private:
  std::ostream& out_;
  bool shown_ = false;
};

} // namespace cmem::tools
