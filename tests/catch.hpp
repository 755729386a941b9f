#pragma once
// Catch2 as Debian 12 has it (2.13) or as 3.x, with one spelling for both. Tests include this
// header and nothing of Catch2 itself; they write `Catch::Matchers::ContainsSubstring`, the name
// of 3.x. Properties are checked by `REQUIRE(rc::check("what holds", ...))` of <rapidcheck.h>,
// which prints the seed of a failure; <rapidcheck/catch.h> knows Catch2 2.x alone.

#if __has_include(<catch2/catch_all.hpp>)
#  include <catch2/catch_all.hpp>

using Catch::Approx;
#else
#  include <catch2/catch.hpp>

namespace Catch::Matchers {

inline auto ContainsSubstring(const std::string& text,
                              CaseSensitive::Choice how = CaseSensitive::Yes) {
  return Contains(text, how);
}

} // namespace Catch::Matchers
#endif

#include <cstdlib>
#include <string>

namespace cmem::test {

/// `count` times the environment variable CMEM_SWEEP, at least 1. Long sweeps take their number
/// of rounds from here, so that sanitizer builds can run a part and a night run can do more.
inline std::size_t sweep(std::size_t count) {
  const char* text = std::getenv("CMEM_SWEEP");
  const double factor = text != nullptr ? std::strtod(text, nullptr) : 1.0;
  const double scaled = static_cast<double>(count) * (factor > 0 ? factor : 1.0);
  return scaled < 1.0 ? 1 : static_cast<std::size_t>(scaled);
}

} // namespace cmem::test
