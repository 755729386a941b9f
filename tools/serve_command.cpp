#include "tools/serve_command.hpp"

#include "actors/concurrent_memory.hpp"
#include "actors/io_system.hpp"
#include "actors/node.hpp"
#include "actors/tcp_socket.hpp"
#include "tools/interruption.hpp"
#include "tools/report.hpp"
#include "tools/service_manager.hpp"
#include "tools/shown.hpp"
#include "tools/status_line.hpp"
#include "tools/store_opening.hpp"

#include <CLI/CLI.hpp>

#include <mutex>
#include <thread>

#include <sys/resource.h>
#include <unistd.h>

namespace cmem::tools {
namespace {

/// As many descriptors as it may have: each connection takes one.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
    return;
  limit.rlim_cur = limit.rlim_max;
  (void) ::setrlimit(RLIMIT_NOFILE, &limit); // then fewer connections find room
}

void put_log(config& settings, const console& c) {
  settings.log = [&err = c.err, one = std::make_shared<std::mutex>()](log_level level,
                                                                      std::string_view text) {
    if (level == log_level::debug)
      return;
    const std::lock_guard lock(*one);
    err << "cmem " << to_string(level) << ": " << text << std::endl;
  };
}

void say_ready(const serve_arguments& a, const serve_settings& s, std::uint16_t port,
               const console& c) {
  const std::string where = to_string(endpoint{s.node.address, port});
  if (a.json) {
    nlohmann::ordered_json j;
    j["listening"] = where;
    j["pid"] = ::getpid();
    j["store"] = s.memory.storage_path;
    c.out << j.dump() << std::endl; // who waits for it reads a pipe
  } else {
    c.out << "serving "
          << (s.memory.storage_path.empty() ? "a memory without a store" : s.memory.storage_path)
          << " at " << where << "; SIGTERM or Ctrl-C ends it" << std::endl;
  }
  tell_service_manager("READY=1\nSTATUS=serving at " + where);
}

} // namespace

void add_serve_command(CLI::App& app, serve_arguments& a) {
  auto* serve = app.add_subcommand("serve", "Serve a store to clients in other processes");
  serve->add_option("STORE", a.store,
                    "Directory of the store, made if need be; without it, memory alone");
  serve->add_option("--config", a.config, "Settings (TOML); what is given here comes before them")
    ->check(CLI::ExistingFile);
  serve->add_option("--listen", a.listen, "HOST:PORT, one of this machine (127.0.0.1:4747)");
  serve->add_option("--durability", a.durability, "When what is learned goes to the disk by itself")
    ->check(CLI::IsMember({"none", "interval", "sync"}));
  serve->add_option("--dimension", a.dimension, "Numbers of a vector, of a new store")
    ->check(CLI::Range(std::size_t{0}, vector_dimension_max));
  serve->add_flag("--text", a.text, "Make an index of words, for searches by text");
  serve->add_flag("--json", a.json, "Say where it listens, and how it ended, as JSON lines");
}

int serve_command(const serve_arguments& a, const console& c) {
  auto settings = read_serve_settings(a, c);
  if (!settings)
    return fail(c, settings.error(), exit_usage);
  if (auto valid = validate(settings->node); !valid)
    return fail(c, valid.error(), exit_usage);
  raise_descriptor_limit();
  interruption ending; // before there is any other thread
  put_log(settings->memory, c);
  io_system own; // for the memory's actors and the node's connections
  auto memory = concurrent_memory::open(own.get(), settings->memory);
  if (!memory)
    return fail(c, memory.error());
  auto served = node::open(own.get(), **memory, settings->node);
  if (!served)
    return fail(c, served.error());
  say_ready(a, *settings, (*served)->port(), c);
  while (!ending.seen() && (*served)->running())
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  if (!(*served)->running())
    return fail(c, {errc::internal, "the node has ended by itself: start it again"});

  tell_service_manager("STOPPING=1");
  const bool drained = (*served)->drain(settings->drain_max);
  const node_figures figures = (*served)->figures();
  served->reset();
  const close_report closed = (*memory)->close();
  if (a.json) {
    nlohmann::ordered_json j;
    j["drained"] = drained;
    j["connections"] = figures.accepted;
    j["requests"] = figures.requests;
    j["writes"] = figures.writes;
    j["not_durable"] = closed.not_durable;
    c.out << j.dump() << std::endl;
  } else {
    c.out << show_count(figures.accepted) << " connections, " << show_count(figures.requests)
          << " requests, " << show_count(figures.writes) << " writes" << std::endl;
  }
  memory->reset();
  if (closed.store_error.code != errc::ok)
    return fail(c, closed.store_error);
  if (!drained)
    return fail(c, {errc::timed_out, "not all clients took their answers within "
                                       + std::to_string(settings->drain_max.count()) + " ms"});
  return exit_ok;
}

} // namespace cmem::tools
