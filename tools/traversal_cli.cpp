// The command lines of path, expand and activate.

#include "storage/activation.hpp"
#include "storage/limits.hpp"
#include "storage/path_query.hpp"
#include "tools/number_within.hpp"
#include "tools/store_cli.hpp"

#include <CLI/CLI.hpp>

namespace cmem::tools {
namespace {

constexpr const char* id_help = "32 hex digits, or the concept's name";
constexpr std::uint64_t deadline_ms_max = 86'400'000;
// No graph has more. A number that no type holds is read as the greatest one, so each has a bound.
constexpr std::size_t associations_max = std::size_t{concepts_max} * degree_max;

void add_bounds(CLI::App& command, traversal_arguments& a) {
  command.add_option("--kind", a.kinds, "Only associations of this kind; may be repeated")
    ->allow_extra_args(false);
  command
    .add_option("--min-confidence", a.min_confidence, "Only associations from this confidence on")
    ->check(number_within(0, 1));
  command
    .add_option("--min-strength", a.min_strength,
                "Only over concepts from this strength on, as of now; ends need not have it")
    ->check(number_within(0, std::numeric_limits<float>::max()));
  command.add_option("--direction", a.direction, "Along associations, against them, or either way")
    ->check(CLI::IsMember({"out", "in", "both"}))
    ->capture_default_str();
  command
    .add_option("--deadline-ms", a.deadline_ms,
                "Stop after so many milliseconds of searching, and say that the answer is partial")
    ->check(CLI::Range(std::uint64_t{0}, deadline_ms_max));
}

CLI::App* add(CLI::App& app, const char* name, const char* what, std::string& store, bool& json) {
  CLI::App* command = app.add_subcommand(name, what);
  command->add_option("STORE", store, "Directory of the store")->required();
  command->add_flag("--json", json, "Print one JSON object");
  return command;
}

void add_path(CLI::App& app, path_arguments& a) {
  auto* path = add(app, "path", "Find the way from one concept to another", a.store, a.json);
  path->add_option("FROM", a.from, id_help)->required();
  path->add_option("TO", a.to, id_help)->required();
  path->add_flag("--weighted", a.weighted,
                 "The way of the greatest product of confidences, not that of fewest hops");
  path->add_option("--alternatives", a.alternatives, "So many ways at most, best first")
    ->check(CLI::Range(std::size_t{1}, path_alternatives_max));
  path->add_option("--max-depth", a.max_depth, "Hops at most")
    ->check(CLI::Range(std::uint32_t{0}, path_depth_max))
    ->capture_default_str();
  add_bounds(*path, a.bounds);
  path->footer("Example: cmem path kept rain \"slow traffic\" --weighted --alternatives 3 "
               "--min-confidence 0.2");
}

void add_expand(CLI::App& app, expand_arguments& a) {
  auto* expand =
    add(app, "expand", "Show what lies around concepts, and how it is associated", a.store, a.json);
  expand->add_option("ID", a.ids, id_help)->required();
  expand->add_option("--hops", a.hops, "How far")
    ->check(CLI::Range(std::uint32_t{0}, path_depth_max))
    ->capture_default_str();
  expand->add_option("--max-concepts", a.max_concepts, "So many at most, nearest first, then by id")
    ->check(CLI::Range(std::size_t{1}, std::size_t{concepts_max}))
    ->capture_default_str();
  expand
    ->add_option("--max-associations", a.max_associations,
                 "So many among them at most: the most confident")
    ->check(CLI::Range(std::size_t{0}, associations_max))
    ->capture_default_str();
  add_bounds(*expand, a.bounds);
  auto* dot = expand->add_flag("--dot", a.dot, "Write a graph for graphviz");
  expand->get_option("--json")->excludes(dot);
  expand->footer("Example: cmem expand kept rain --hops 2 --kind causal --dot | dot -Tsvg > "
                 "rain.svg");
}

void add_activate(CLI::App& app, activate_arguments& a) {
  auto* activate = add(app, "activate", "Show what comes to mind with concepts, and by which way",
                       a.store, a.json);
  activate->add_option("ID", a.ids, id_help)->required();
  activate->add_option("--energy", a.energy, "What each ID starts with")
    ->check(number_within(0, activation_max))
    ->capture_default_str();
  activate->add_option("--hops", a.hops, "How far it spreads")
    ->check(CLI::Range(std::uint32_t{0}, activation_hops_max))
    ->capture_default_str();
  activate->add_option("--decay", a.decay, "What is left of it after each hop")
    ->check(number_within(1e-6, 1))
    ->capture_default_str();
  activate->add_option("--threshold", a.threshold, "A concept that gets less passes nothing on")
    ->check(number_within(0, HUGE_VAL))
    ->capture_default_str();
  activate->add_option("--top", a.top, "So many concepts at most")
    ->check(CLI::Range(std::size_t{1}, std::size_t{concepts_max}))
    ->capture_default_str();
  activate->add_flag("--fan", a.fan,
                     "A concept shares out what it passes on; else each association gets it all");
  add_bounds(*activate, a.bounds);
  activate->footer(
    "Example: cmem activate kept rain \"slow traffic\" --hops 2 --decay 0.7 --top 5");
}

} // namespace

void add_traversal_commands(CLI::App& app, store_command_line& line) {
  add_path(app, line.path);
  add_expand(app, line.expand);
  add_activate(app, line.activate);
}

} // namespace cmem::tools
