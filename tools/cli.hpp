#pragma once
// The program `cmem`, as a function that a test can call.

#include "storage/env.hpp"
#include "tools/report.hpp"

#include <functional>
#include <iostream>
#include <ostream>
#include <string>
#include <vector>

namespace cmem::tools {

/// Exit codes of every subcommand.
enum exit_code : int {
  exit_ok = 0,     ///< everything that should hold does
  exit_missed = 1, ///< accounting, an expectation or a bar missed; cut short; a line that is not
                   ///< in the store, a store that is damaged or not there; or it could not run
  exit_usage = 2,  ///< the command line or a scenario is wrong
};

struct console {
  std::ostream& out;           ///< reports
  std::ostream& err;           ///< errors, and the live line
  bool live = false;           ///< `err` is a terminal
  std::istream& in = std::cin; ///< of `import STORE -`
  env files = env();           ///< where stores are; for tests
};

struct run_arguments {
  std::string scenario; ///< name or path
  bool json = false;
  std::string plot; ///< file for the SVG; empty: none
  /// Names of target_names, or `all`: those that are here.
  std::vector<std::string> against = {};
  std::string peers; ///< parent of the peers' directories; empty: beside the store, or TMPDIR
  double time_scale = 1;
  std::string data;  ///< folder of WordNet; empty: the default
  std::string store; ///< directory of the store; empty: as the scenario says
};

struct bench_arguments {
  std::vector<std::string> names; ///< empty: all
  bool json = false;
  bool list = false;
  double scale = 1;              ///< of sizes and times
  std::string directory = {};    ///< where stores are made; empty: the default
  double seconds = 0;            ///< of those that run for a time of their own; 0: that
  std::string vectors = {};      ///< a file for those of vectors; empty: random ones
  std::uint32_t dimension = 100; ///< of its rows
};

/// What the program links in and this library does not know: benchmarks are a layer above.
using bench_command = std::function<int(const bench_arguments&, const console&)>;

int run_command(const run_arguments& arguments, const console& c);
/// The scenario `demo` on WordNet, against the mutex map unless told otherwise; always plots.
int demo_command(run_arguments arguments, const console& c);

/// Parses and does what it is told.
int run_cli(int argc, const char* const* argv, const console& c, const bench_command& bench);

} // namespace cmem::tools
