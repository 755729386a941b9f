#pragma once
// One line of a terminal that says how far something is.

#include "tools/cli.hpp"

#include <chrono>
#include <string>

namespace cmem::tools {

/// Silent where the console is no terminal. Clears its line when it goes. Borrows the console.
class status_line {
public:
  explicit status_line(const console& c) : console_(c) {}
  ~status_line() { clear(); }
  status_line(const status_line&) = delete;
  status_line& operator=(const status_line&) = delete;

  /// Time to show something: at most ten times a second, and never without a terminal.
  [[nodiscard]] bool due();
  void show(const std::string& text);
  /// Before anything else is written to the terminal.
  void clear();

private:
  const console& console_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point next_{};
};

} // namespace cmem::tools
