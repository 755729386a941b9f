#include "tools/serve_settings.hpp"

#include "actors/tcp_socket.hpp"
#include "tools/store_opening.hpp"
#include "tools/toml_reader.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace cmem::tools {
namespace {

constexpr std::array<std::string_view, 3> durability_names{"none", "interval", "sync"};
constexpr std::int64_t many = std::int64_t{1} << 50;

void flag(toml_table& t, std::string_view key, bool& out) {
  if (const auto* n = t.node(key)) {
    if (const auto v = n->value_exact<bool>())
      out = *v;
    else
      t.wrong(*n, key, "must be true or false");
  }
}

void read_node(toml_table& t, serve_settings& s, std::string& listen) {
  t.text("listen", listen);
  t.integer("frame_bytes", s.node.frame_bytes, frame_bytes_min, frame_bytes_max);
  t.integer("connections_max", s.node.connections_max, 1, 1'000'000);
  t.integer("requests_max", s.node.requests_max, 1, 100'000);
  t.integer("unread_bytes_max", s.node.unread_bytes_max, frame_bytes_min, many);
  t.integer("unread_bytes_total", s.node.unread_bytes_total, frame_bytes_min, many);
  t.integer("clients_max", s.node.clients_max, 1, 10'000'000);
  std::int64_t silence = s.node.silence_max.count();
  t.integer("silence_max_ms", silence, 1'000, 86'400'000);
  s.node.silence_max = std::chrono::milliseconds(silence);
  std::int64_t drain = s.drain_max.count();
  t.integer("drain_max_ms", drain, 0, 86'400'000);
  s.drain_max = std::chrono::milliseconds(drain);
  t.refuse_unknown();
}

void read_memory(toml_table& t, config& m) {
  t.text("storage_path", m.storage_path);
  t.choice("durability", m.durability, durability_names);
  t.integer("vector_dimension", m.vector_dimension, 0, vector_dimension_max);
  flag(t, "index_vectors", m.index_vectors);
  flag(t, "index_text", m.index_text);
  flag(t, "map_flushed", m.map_flushed);
  flag(t, "pack_associations", m.pack_associations);
  flag(t, "keep_originals", m.keep_originals);
  flag(t, "compaction", m.compaction);
  t.integer("commit_interval_ms", m.commit_interval_ms, 1, commit_interval_max_ms);
  t.integer("reconcile_interval_ms", m.reconcile_interval_ms, 1, interval_max_ms);
  t.integer("reconcile_threads", m.reconcile_threads, 1, merge_threads_max);
  t.integer("max_batch_size", m.max_batch_size, 1, log_capacity_max);
  t.integer("log_capacity", m.log_capacity, 1, log_capacity_max);
  t.integer("memory_threshold", m.memory_threshold, 1, many);
  t.integer("memory_budget_bytes", m.memory_budget_bytes, 0, many);
  t.integer("reader_actors", m.reader_actors, 1, reader_actors_max);
  if (t.has("strength_half_life_s")) {
    std::uint64_t seconds = 0;
    t.integer("strength_half_life_s", seconds, 0, static_cast<std::int64_t>(half_life_max_s));
    m.strength_half_life_s = seconds;
  }
  t.refuse_unknown();
}

result<void> read_file(const std::string& file, serve_settings& s, std::string& listen) {
  toml::table root;
  try {
    root = toml::parse_file(file);
  } catch (const toml::parse_error& e) {
    const auto where = e.source().begin;
    return failure{where ? errc::parse_error : errc::io_error,
                   file + (where ? ":" + std::to_string(where.line) : "") + ": "
                     + std::string(e.description())};
  }
  toml_errors errors(file);
  toml_table t(root, "", errors);
  if (auto node = t.table("node"))
    read_node(*node, s, listen);
  if (auto memory = t.table("memory"))
    read_memory(*memory, s.memory);
  t.refuse_unknown();
  if (errors.first())
    return *errors.first();
  return {};
}

} // namespace

result<serve_settings> read_serve_settings(const serve_arguments& a, const console& c) {
  serve_settings s;
  s.memory.overflow = overflow_policy::reject; // who is refused tries again
  s.memory.files = c.files;
  std::string listen = to_string(endpoint{s.node.address, s.node.port});
  if (!a.config.empty())
    if (auto done = read_file(a.config, s, listen); !done)
      return done.error();
  if (!a.store.empty())
    s.memory.storage_path = a.store;
  if (a.listen)
    listen = *a.listen;
  const auto at = parse_endpoint(listen, s.node.port);
  if (!at)
    return at.error();
  s.node.address = at->host;
  s.node.port = at->port;
  if (a.durability) {
    const auto* const found =
      std::find(durability_names.begin(), durability_names.end(), *a.durability);
    if (found == durability_names.end())
      return failure{errc::invalid_argument, "durability is `" + *a.durability
                                               + "`: must be one of "
                                               + toml_table::list(durability_names)};
    s.memory.durability = static_cast<durability>(found - durability_names.begin());
  }
  if (a.dimension)
    s.memory.vector_dimension = *a.dimension;
  if (a.text)
    s.memory.index_text = true;
  if (!s.memory.storage_path.empty()) { // what a store has is not for its node to say
    const auto known = stored_manifest(c.files, s.memory.storage_path);
    if (!known)
      return known.error();
    if (*known) {
      if (!a.dimension)
        s.memory.vector_dimension = (*known)->vector_dimension;
      s.memory.association_times = (*known)->association_times;
    }
  }
  return s;
}

} // namespace cmem::tools
