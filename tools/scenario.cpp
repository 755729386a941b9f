#include "tools/scenario.hpp"

#include "storage/activation.hpp"
#include "storage/limits.hpp"
#include "tools/toml_reader.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

namespace cmem::tools {
namespace {

constexpr std::array<std::string_view, 3> source_names = {"wordnet", "synthetic", "jsonl"};
constexpr std::array<std::string_view, 2> overflow_names = {"drop_oldest", "reject"};
constexpr std::array<std::string_view, 3> durability_names = {"none", "interval", "sync"};
constexpr double rate_max = 1e8;
constexpr std::int64_t threads_max = 64;

void read_rate(toml_table& t, std::string_view key, rate& out) {
  const auto* n = t.node(key);
  if (n == nullptr)
    return;
  if (n->is_string() && n->value_exact<std::string>() == "max") {
    out = {0, true};
    return;
  }
  const auto v = n->is_number() ? n->value<double>() : std::nullopt;
  if (!v || !(*v >= 0 && *v <= rate_max))
    t.wrong(*n, key,
            "is " + toml_table::show(*n)
              + ": must be operations per second from 0 to 100000000, or \"max\"");
  else
    out = {*v, false};
}

/// A mix names the kinds it wants; the others get no share.
template <class Mix, class Names>
void read_mix(toml_table& t, std::string_view key, Mix& out, const Names& names) {
  auto mix = t.table(key);
  if (!mix)
    return;
  out.fill(0);
  double sum = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    mix->number(names[i], out[i], 0, 1e9);
    sum += out[i];
  }
  mix->refuse_unknown();
  if (sum <= 0)
    mix->wrong("needs a share above 0 for at least one of " + toml_table::list(names));
}

/// What phases inherit when it stands at the top of the file.
void read_load(toml_table& t, phase& p) {
  t.integer("writers", p.writers, 1, threads_max);
  t.integer("readers", p.readers, 1, threads_max);
  t.integer("path_depth_max", p.path_depth_max, 1, path_depth_max);
  t.integer("neighbors_limit", p.neighbors_limit, 1, 1'000'000);
  t.integer("alternatives", p.alternatives, 1, 100);
  t.integer("context_hops", p.context_hops, 1, activation_hops_max);
  t.integer("context_concepts", p.context_concepts, 1, 1'000'000);
  t.integer("search_hits", p.search_hits, 1, 10'000);
  read_mix(t, "write_mix", p.write_weights, write_names);
  read_mix(t, "query_mix", p.query_weights, query_names);
}

void read_data(toml_table& t, data_spec& d, const std::string& file) {
  t.choice("source", d.source, source_names);
  if (!t.has("source"))
    t.wrong("needs `source`: one of " + toml_table::list(source_names));
  switch (d.source) {
    case data_source::wordnet: t.text("path", d.path); break;
    case data_source::jsonl:
      t.text("path", d.path);
      if (d.path.empty())
        t.wrong("needs `path`: the file of JSON lines, relative to the scenario's folder");
      else if (std::filesystem::path(d.path).is_relative())
        d.path = (std::filesystem::path(file).parent_path() / d.path).string();
      break;
    case data_source::synthetic:
      t.integer("concepts", d.concepts, 1, 100'000'000);
      t.number("degree", d.degree, 0, 10'000);
      t.integer("content_bytes", d.content_bytes, 0, static_cast<std::int64_t>(content_bytes_max));
      t.integer("seed", d.seed, 0, std::numeric_limits<std::int64_t>::max());
      break;
  }
  t.refuse_unknown();
}

void read_memory(toml_table& t, memory_spec& m) {
  t.integer("reconcile_interval_ms", m.reconcile_interval_ms, 1, 10'000);
  t.integer("max_batch_size", m.max_batch_size, 1, static_cast<std::int64_t>(batch_entries_max));
  t.integer("log_capacity", m.log_capacity, 1, static_cast<std::int64_t>(log_capacity_max));
  if (t.has("overflow"))
    t.choice("overflow", m.overflow.emplace(), overflow_names);
  t.text("storage", m.storage);
  t.choice("durability", m.durability, durability_names);
  t.refuse_unknown();
}

void read_expectations(toml_table& t, expectations& e) {
  const auto count = [&t](std::string_view key, std::optional<std::uint64_t>& out) {
    if (t.has(key))
      t.integer(key, out.emplace(0), 0, std::numeric_limits<std::int64_t>::max());
  };
  const auto number = [&t](std::string_view key, std::optional<double>& out, double most) {
    if (t.has(key))
      t.number(key, out.emplace(0), 0, most, true);
  };
  count("dropped_min", e.dropped_min);
  count("dropped_max", e.dropped_max);
  number("rate_held_min", e.rate_held_min, 1);
  number("append_p999_us_max", e.append_p999_us_max, 1e9);
  number("staleness_p99_ms_max", e.staleness_p99_ms_max, 1e9);
  t.refuse_unknown();
}

void read_phase(toml_table& t, phase& p, std::size_t number) {
  p.name = "phase " + std::to_string(number);
  t.text("name", p.name);
  t.number("seconds", p.seconds, 0, 86'400, true);
  if (!t.has("seconds"))
    t.wrong("needs `seconds`: how long the phase lasts");
  read_rate(t, "writes_per_s", p.writes);
  read_rate(t, "reads_per_s", p.reads);
  if (p.writes.idle() && p.reads.idle())
    t.wrong("does nothing: give it `writes_per_s` or `reads_per_s` above 0, or \"max\"");
  read_load(t, p);
  t.refuse_unknown();
}

void read_phases(toml_table& t, scenario& s, const phase& defaults, toml_errors& errors) {
  const auto* n = t.node("phase");
  if (n == nullptr)
    return t.wrong("has no phases: add [[phase]] with `seconds` and a rate");
  const auto* list = n->as_array();
  if (list == nullptr)
    return t.wrong(*n, "phase", "must be a list: write [[phase]] with two brackets");
  for (const auto& element : *list) {
    const auto* table = element.as_table();
    if (table == nullptr)
      return t.wrong(element, "phase", "must be a table: write [[phase]] and its keys below");
    phase p = defaults;
    toml_table reader(*table, "phase.", errors);
    read_phase(reader, p, s.phases.size() + 1);
    s.phases.push_back(std::move(p));
  }
}

} // namespace

std::string toml_table::show(const toml::node& n) {
  std::ostringstream text;
  n.visit([&text](const auto& v) { text << v; });
  return text.str();
}

std::string toml_table::show(double v) {
  std::ostringstream text;
  text << v;
  return text.str();
}

double scenario::seconds() const noexcept {
  double sum = 0;
  for (const auto& p : phases)
    sum += p.seconds;
  return sum;
}

result<scenario> parse_scenario(std::string_view text, const std::string& file) {
  toml_errors errors(file);
  toml::table root;
  try {
    root = toml::parse(text, file);
  } catch (const toml::parse_error& e) {
    errors.add(e.source().begin, "not TOML", e.description());
    return *errors.first();
  }
  scenario s;
  s.file = file;
  s.name = std::filesystem::path(file).stem().string();
  toml_table t(root, "", errors);
  t.text("description", s.description);
  t.integer("seed", s.seed, 0, std::numeric_limits<std::int64_t>::max());
  t.number("preload", s.preload, 0, 1);

  phase defaults;
  defaults.write_weights[static_cast<std::size_t>(write_kind::learn_concept)] = 1;
  defaults.write_weights[static_cast<std::size_t>(write_kind::learn_association)] = 3;
  for (const auto kind : {query_kind::find, query_kind::neighbors, query_kind::find_path})
    defaults.query_weights[static_cast<std::size_t>(kind)] = 1;
  read_load(t, defaults);
  if (auto data = t.table("data"))
    read_data(*data, s.data, file);
  else
    t.wrong("has no data: add [data] with `source`, one of " + toml_table::list(source_names));
  if (auto memory = t.table("memory"))
    read_memory(*memory, s.memory);
  if (auto expect = t.table("expect"))
    read_expectations(*expect, s.expect);
  read_phases(t, s, defaults, errors);
  constexpr auto searching = static_cast<std::size_t>(query_kind::search);
  s.memory.index_text = std::ranges::any_of(
    s.phases, [](const phase& p) { return !p.reads.idle() && p.query_weights[searching] > 0; });
  t.refuse_unknown();

  if (errors.first())
    return *errors.first();
  return s;
}

result<scenario> read_scenario(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in.is_open() || in.bad())
    return failure{errc::io_error, file + ": cannot be read; give the path of a scenario (.toml)"};
  return parse_scenario(text, file);
}

} // namespace cmem::tools
