#include "tools/store_cli.hpp"

#include "actors/config.hpp"

#include <CLI/CLI.hpp>

namespace cmem::tools {
namespace {

/// "90d": seconds, or a number with a unit.
CLI::AsNumberWithUnit duration() {
  const std::map<std::string, std::uint64_t> seconds{
    {"s", 1}, {"m", 60}, {"h", 3'600}, {"d", 86'400}, {"w", 604'800}, {"y", 31'557'600}};
  return CLI::AsNumberWithUnit(seconds, CLI::AsNumberWithUnit::CASE_SENSITIVE, "TIME");
}

/// What becomes of vectors where segments are merged.
void add_vector_options(CLI::App* command, vector_arguments& a) {
  const std::map<std::string, bool> words{{"yes", true}, {"no", false}};
  command
    ->add_option("--keep-originals", a.keep_originals,
                 "no: vectors become codes that take less room, once there are 16,384 of them; "
                 "what is read then is approximate, for good")
    ->transform(CLI::CheckedTransformer(words))
    ->default_str("yes");
  command
    ->add_option("--vector-code-ratio", a.code_ratio,
                 "How many times less: 4 or 8, where there are no codes yet")
    ->check(CLI::IsMember({4, 8}))
    ->capture_default_str();
}

constexpr const char* id_help = "32 hex digits, or the concept's name";

CLI::App* add(CLI::App& app, const char* name, const char* what, std::string& store, bool& json,
              const char* json_help = "Print one JSON object") {
  CLI::App* command = app.add_subcommand(name, what);
  command->add_option("STORE", store, "Directory of the store")->required();
  command->add_flag("--json", json, json_help);
  return command;
}

} // namespace

void add_store_commands(CLI::App& app, store_command_line& line) {
  auto* import = add(app, "import", "Learn JSON lines into a store, which is made if need be",
                     line.import.store, line.import.json);
  import->add_option("FILE", line.import.file, "JSON lines; - for standard input")->required();
  import->add_flag("--strict", line.import.strict, "Stop at the first bad line");
  import
    ->add_option("--dimension", line.import.dimension,
                 "Numbers of a vector, of a new store; else as the first vector has")
    ->check(CLI::Range(std::size_t{0}, vector_dimension_max));
  import
    ->add_option(
      "--half-life", line.import.half_life_s,
      "Half of a strength is left so long after its concept was last accessed: 3600, 12h, "
      "90d, 1y; 0: all. The store keeps it")
    ->transform(duration())
    ->check(CLI::Range(std::uint64_t{0}, half_life_max_s));

  add_vector_options(import, line.import.vectors);

  add(app, "export", "Write a store as JSON lines that import reads", line.exporting.store,
      line.export_json, "Accepted: it always is JSON lines");

  auto* get = add(app, "get", "Show one concept", line.get.store, line.get.json);
  get->add_option("ID", line.get.id, id_help)->required();

  auto* neighbors = add(app, "neighbors", "Show what a concept is associated with, best first",
                        line.neighbors.store, line.neighbors.json);
  neighbors->add_option("ID", line.neighbors.id, id_help)->required();
  neighbors->add_option("--kind", line.neighbors.kind, "Only associations of this kind");
  neighbors->add_option("--limit", line.neighbors.limit, "At most so many")
    ->check(CLI::PositiveNumber);
  neighbors
    ->add_option("--min-confidence", line.neighbors.min_confidence, "Only from this confidence on")
    ->check(CLI::Range(0.0, 1.0));
  neighbors->add_flag("--incoming", line.neighbors.incoming,
                      "Those that lead here instead; reads the whole store");

  add_traversal_commands(app, line);
  add_search_command(app, line.search);

  add(app, "stats", "Count what a store holds; reads all of it but content and vectors",
      line.stats.store, line.stats.json);
  add(app, "verify", "Check every checksum of a store", line.verify.store, line.verify.json);

  add_vector_options(add(app, "compact",
                         "Merge all segments into one, without what was forgotten or replaced",
                         line.compact.store, line.compact.json),
                     line.compact.vectors);
  auto* prune = add(app, "prune", "Forget what has expired, faded or not been used",
                    line.prune.store, line.prune.json);
  prune->add_flag("--dry-run", line.prune.dry_run, "Only say what would go, and why");
  prune->add_flag("--keep-expired", line.prune.keep_expired,
                  "Not those whose attribute cmem.expires_at has passed");
  prune
    ->add_option("--min-strength", line.prune.min_strength,
                 "Those whose strength has faded below it")
    ->check(CLI::NonNegativeNumber);
  prune
    ->add_option(
      "--unused-for", line.prune.unused_for_s,
      "Those not accessed for so long (where strengths fade: nor learned or strengthened): "
      "3600, 12h, 90d, 1y")
    ->transform(duration())
    ->check(CLI::Range(std::uint64_t{0}, half_life_max_s));
  prune->add_option("--limit", line.prune.limit, "Name at most so many")->capture_default_str();

  add(app, "checkpoint", "Flush what the log holds, so that the next opening reads no log",
      line.checkpoint.store, line.checkpoint.json);

  auto* backup = add(app, "backup",
                     "Make or renew a copy of a store that opens by itself; also beside a process "
                     "that writes the store",
                     line.backup.store, line.backup.json);
  backup->add_option("DIR", line.backup.directory, "Directory of the backup, made if need be")
    ->required();
  backup->add_flag("--verify-all", line.backup.verify_all,
                   "Read all of it again; else what was copied, and headers of the rest");
  backup->add_flag("--copy", line.backup.copy,
                   "Copy on the same file system too, where else files get a second name");

  auto* restore =
    app.add_subcommand("restore", "Make a store from a backup, which is verified entirely");
  restore->add_option("DIR", line.restore.directory, "Directory of the backup")->required();
  restore->add_option("STORE", line.restore.store, "Directory of the store, where none may be yet")
    ->required();
  restore->add_flag("--json", line.restore.json, "Print one JSON object");

  auto* inspect = app.add_subcommand("inspect", "Show what any file of a store says");
  inspect->add_option("FILE", line.inspect.file, "The file")->required();
  inspect->add_flag("--entries", line.inspect.entries, "Each entry of each batch, too");
  inspect->add_option("--limit", line.inspect.limit, "Show at most so many records")
    ->check(CLI::PositiveNumber)
    ->capture_default_str();
  inspect->add_flag("--json", line.inspect.json, "Print one JSON object a line");
}

std::optional<int> run_store_command(const CLI::App& app, const store_command_line& line,
                                     const console& c) {
  const auto given = [&app](const char* name) { return app.got_subcommand(name); };
  if (given("import"))
    return import_command(line.import, c);
  if (given("export"))
    return export_command(line.exporting, c);
  if (given("get"))
    return get_command(line.get, c);
  if (given("neighbors"))
    return neighbors_command(line.neighbors, c);
  if (given("path"))
    return path_command(line.path, c);
  if (given("expand"))
    return expand_command(line.expand, c);
  if (given("activate"))
    return activate_command(line.activate, c);
  if (given("search"))
    return search_command(line.search, c);
  if (given("stats"))
    return stats_command(line.stats, c);
  if (given("verify"))
    return verify_command(line.verify, c);
  if (given("compact"))
    return compact_command(line.compact, c);
  if (given("prune"))
    return prune_command(line.prune, c);
  if (given("checkpoint"))
    return checkpoint_command(line.checkpoint, c);
  if (given("backup"))
    return backup_command(line.backup, c);
  if (given("restore"))
    return restore_command(line.restore, c);
  if (given("inspect"))
    return inspect_command(line.inspect, c);
  return std::nullopt;
}

} // namespace cmem::tools
