#include "bench/bench.hpp"
#include "tools/cli.hpp"

#include <exception>
#include <iostream>
#include <unistd.h>

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false); // letter by letter, a pipe would take longer than its lines
  const cmem::tools::console console{std::cout, std::cerr, ::isatty(STDERR_FILENO) == 1};
  try {
    return cmem::tools::run_cli(argc, argv, console, cmem::bench::command);
  } catch (const std::exception& e) {
    std::cerr << "cmem: " << e.what() << '\n';
    return cmem::tools::exit_missed;
  }
}
