#pragma once
// Ctrl-C as a question to ask instead of a handler that runs anywhere.

#include <csignal>

namespace cmem::tools {

/// While it lives, SIGINT and SIGTERM wait in line in this thread and those it starts. After the
/// first one was seen they do what they always do, so that a second Ctrl-C ends the program at
/// once. Threads: for the one that made it.
class interruption {
public:
  interruption();
  ~interruption();
  interruption(const interruption&) = delete;
  interruption& operator=(const interruption&) = delete;

  /// True once a signal has come, and from then on.
  [[nodiscard]] bool seen();

private:
  sigset_t signals_;
  sigset_t before_;
  bool seen_ = false;
};

} // namespace cmem::tools
