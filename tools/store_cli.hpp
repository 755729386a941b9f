#pragma once
// The command lines of the commands on a store.

#include "tools/store_commands.hpp"

namespace CLI {
class App;
} // namespace CLI

namespace cmem::tools {

/// What the command line said, once it is parsed.
struct store_command_line {
  import_arguments import;
  export_arguments exporting;
  get_arguments get;
  neighbors_arguments neighbors;
  path_arguments path;
  expand_arguments expand;
  activate_arguments activate;
  search_arguments search;
  store_arguments stats;
  store_arguments verify;
  compact_arguments compact;
  prune_arguments prune;
  store_arguments checkpoint;
  backup_arguments backup;
  backup_arguments restore;
  inspect_arguments inspect;
  bool export_json = false; ///< accepted: it always is
};

/// Adds the subcommands, which write to `line`.
void add_store_commands(CLI::App& app, store_command_line& line);
/// Those of them that are in traversal_cli.cpp.
void add_traversal_commands(CLI::App& app, store_command_line& line);
/// That which is in search_cli.cpp.
void add_search_command(CLI::App& app, search_arguments& a);
/// Runs the one that was given; nullopt when it was none of them.
std::optional<int> run_store_command(const CLI::App& app, const store_command_line& line,
                                     const console& c);

} // namespace cmem::tools
