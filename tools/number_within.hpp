#pragma once
// What numbers a command line takes.

#include <CLI/CLI.hpp>

#include <cmath>
#include <limits>
#include <string>

namespace cmem::tools {

/// As CLI::Range, which lets NaN through. No most: HUGE_VAL.
inline CLI::Validator number_within(double least, double most) {
  const std::string range = "NUMBER in " + CLI::detail::to_string(least) + " to "
                            + (most == HUGE_VAL ? "any" : CLI::detail::to_string(most));
  return {[=](std::string& text) {
            double x = 0;
            const bool fine = CLI::detail::lexical_cast(text, x) && x >= least && x <= most
                              && x <= std::numeric_limits<double>::max();
            return fine ? std::string() : text + " is not a " + range;
          },
          range};
}

} // namespace cmem::tools
