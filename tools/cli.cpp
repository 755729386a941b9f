#include "tools/cli.hpp"

#include "tools/serve_command.hpp"
#include "tools/store_cli.hpp"

#include <CLI/CLI.hpp>

namespace cmem::tools {
namespace {

constexpr const char* exit_codes =
  "Exit codes: 0 all is well; 1 the accounting, an expectation or a bar is missed, a store is "
  "not as it should be, or the run failed or was cut short; 2 the command line or a scenario is "
  "wrong.";

void add_run_options(CLI::App& app, run_arguments& a) {
  app.add_flag("--json", a.json, "Print the report as JSON");
  app.add_option("--time-scale", a.time_scale, "Multiply the seconds of every phase")
    ->check(CLI::Range(1e-4, 1e4));
  app.add_option("--store", a.store,
                 "Keep the memory in this directory; a later run opens it again");
  app.add_option("--data", a.data, "Folder of WordNet's data files")->check(CLI::ExistingDirectory);
}

} // namespace

int run_cli(int argc, const char* const* argv, const console& c, const bench_command& bench) {
  CLI::App app("ConcurrentMemory: burst scenarios, stores and benchmarks", "cmem");
  app.footer(exit_codes);
  app.require_subcommand(1);

  run_arguments run;
  auto* run_app = app.add_subcommand("run", "Run a burst scenario and report");
  run_app->add_option("SCENARIO", run.scenario, "Name of an installed scenario, or a .toml file")
    ->required();
  add_run_options(*run_app, run);
  run_app->add_option("--plot", run.plot, "Draw rates, read latency and staleness over time (SVG)");
  run_app
    ->add_option("--against", run.against,
                 "Run it against these as well, and draw them together: a list with commas, or one "
                 "each time; `all` are those that are here")
    ->delimiter(',')
    ->allow_extra_args(false)
    ->check(CLI::IsMember({"mutex_map", "lmdb", "rocksdb", "sqlite", "all"}));
  run_app
    ->add_option("--peers", run.peers,
                 "Keep the files of lmdb, rocksdb and sqlite below this directory while they run; "
                 "else beside the store, or in TMPDIR")
    ->check(CLI::ExistingDirectory);

  run_arguments demo;
  demo.plot = "cmem-demo.svg";
  bool alone = false;
  auto* demo_app =
    app.add_subcommand("demo", "WordNet learned and reasoned over in bursts, in 20 seconds");
  add_run_options(*demo_app, demo);
  demo_app->add_option("--plot", demo.plot, "Where to draw it (SVG)")->capture_default_str();
  demo_app->add_flag("--alone", alone, "Without the map behind a mutex beside it");

  bench_arguments benches;
  auto* bench_app = app.add_subcommand("bench", "Run benchmarks and compare with their bars");
  bench_app->add_option("NAME", benches.names, "Which; all without one");
  bench_app->add_flag("--json", benches.json, "Print one JSON object a benchmark");
  bench_app->add_flag("--list", benches.list, "Say which there are");
  bench_app
    ->add_option("--scale", benches.scale, "Multiply sizes; other than 1 says nothing about bars")
    ->check(CLI::Range(1e-4, 10.0));
  bench_app
    ->add_option("--directory", benches.directory,
                 "Make stores in here, on a real disk; else in TMPDIR")
    ->check(CLI::ExistingDirectory);
  bench_app
    ->add_option("--seconds", benches.seconds,
                 "How long `soak` runs each of its two memories, instead of ten minutes")
    ->check(CLI::Range(0.1, 86'400.0));
  bench_app
    ->add_option("--vectors", benches.vectors,
                 "Vectors for those that search by them: little-endian floats, rows without gaps")
    ->check(CLI::ExistingFile);
  bench_app->add_option("--dimension", benches.dimension, "Of a row of --vectors")
    ->check(CLI::Range(1, 4096));

  store_command_line store;
  add_store_commands(app, store);

  serve_arguments serve;
  add_serve_command(app, serve);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e, c.out, c.err) == 0 ? exit_ok : exit_usage;
  }
  if (*run_app) {
    return run_command(run, c);
  }
  if (*demo_app) {
    if (!alone)
      demo.against = {"mutex_map"};
    return demo_command(std::move(demo), c);
  }
  if (app.got_subcommand("serve"))
    return serve_command(serve, c);
  if (const auto code = run_store_command(app, store, c))
    return *code;
  return bench(benches, c);
}

} // namespace cmem::tools
