#include "tools/interruption.hpp"

#include "tests/catch.hpp"

#include <unistd.h>

using cmem::tools::interruption;

namespace {

bool blocked(int signal) {
  sigset_t now;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
  return ::sigismember(&now, signal) == 1;
}

} // namespace

TEST_CASE("a signal is seen when asked for, and interrupts nothing else") {
  for (const int signal : {SIGINT, SIGTERM}) {
    interruption signals;
    CHECK_FALSE(signals.seen());
    ::kill(::getpid(), signal); // would end the test if it were not held back
    CHECK(signals.seen());
    CHECK(signals.seen());
  }
}

TEST_CASE("after the first signal a second one does what it always does") {
  interruption signals;
  CHECK(blocked(SIGINT));
  ::kill(::getpid(), SIGINT);
  REQUIRE(signals.seen());
  CHECK_FALSE(blocked(SIGINT));
}

TEST_CASE("signals are as before when it goes") {
  {
    const interruption signals;
    CHECK(blocked(SIGTERM));
  }
  CHECK_FALSE(blocked(SIGTERM));
}
