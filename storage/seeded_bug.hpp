#pragma once
// Slips that the tests must find, each at the place where it would be made.
//
// Built with CMEM_SEEDED_BUGS, a program makes the one that the environment variable
// CMEM_SEEDED_BUG names; tests/seeded_bugs.cmake says what each is and which tests find it. Built
// without, as it always is but there, seeded() is a constant and nothing of them is left.

#include <string_view>

#ifdef CMEM_SEEDED_BUGS
#  include <cstdlib>
#endif

namespace cmem {

#ifdef CMEM_SEEDED_BUGS
/// Threads: any.
[[nodiscard]] inline bool seeded(std::string_view bug) noexcept {
  static const char* const chosen = std::getenv("CMEM_SEEDED_BUG");
  return chosen != nullptr && bug == chosen;
}
#else
[[nodiscard]] constexpr bool seeded(std::string_view) noexcept { return false; }
#endif

} // namespace cmem
