#include "tools/interruption.hpp"

#include <ctime>

namespace cmem::tools {

interruption::interruption() {
  ::sigemptyset(&signals_);
  ::sigaddset(&signals_, SIGINT);
  ::sigaddset(&signals_, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &signals_, &before_);
}

interruption::~interruption() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

bool interruption::seen() {
  const timespec at_once{};
  if (!seen_ && ::sigtimedwait(&signals_, nullptr, &at_once) > 0) {
    seen_ = true;
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  return seen_;
}

} // namespace cmem::tools
