#pragma once
// How a node is set up: a TOML file, and what the command line says instead.

#include "actors/config.hpp"
#include "actors/node.hpp"
#include "tools/cli.hpp"

#include <optional>
#include <string>

namespace cmem::tools {

/// What the command line says; unset: as the file, or the default.
struct serve_arguments {
  std::string store;                          ///< empty: memory alone
  std::string config;                         ///< TOML; empty: none
  std::optional<std::string> listen = {};     ///< HOST:PORT
  std::optional<std::string> durability = {}; ///< of durability_names
  std::optional<std::uint32_t> dimension = {};
  bool text = false; ///< index words
  bool json = false;
};

struct serve_settings {
  cmem::config memory;
  node_options node;
  std::chrono::milliseconds drain_max = std::chrono::seconds(30); ///< at the end
};

/// Fails: io_error; parse_error with file and line; invalid_argument.
[[nodiscard]] result<serve_settings> read_serve_settings(const serve_arguments& a,
                                                         const console& c);

} // namespace cmem::tools
