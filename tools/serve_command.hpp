#pragma once
// `cmem serve`: a store, or a memory alone, for clients in other processes.

#include "tools/serve_settings.hpp"

namespace CLI {
class App;
} // namespace CLI

namespace cmem::tools {

void add_serve_command(CLI::App& app, serve_arguments& a);

/// Until SIGTERM or SIGINT; then it drains. exit_ok: all that was acknowledged is durable, or may
/// not be (no store). A second signal ends it at once.
int serve_command(const serve_arguments& a, const console& c);

} // namespace cmem::tools
