#include "tools/cli.hpp"

#include "tests/catch.hpp"
#include "tools/peer_targets.hpp"
#include "tools/scenario_places.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

using namespace cmem::tools;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

/// A folder of its own that goes with the test.
class scratch {
public:
  scratch() : path_(fs::temp_directory_path() / ("cmem_cli_test_" + std::to_string(::getpid()))) {
    fs::create_directories(path_);
  }
  ~scratch() { fs::remove_all(path_); }
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name)) << text;
    return file(name);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

private:
  fs::path path_;
};

struct answer {
  int code;
  std::string out;
  std::string err;
};

answer cmem_program(std::vector<std::string> words, const bench_command& bench = {}) {
  std::vector<const char*> argv = {"cmem"};
  for (const auto& w : words)
    argv.push_back(w.c_str());
  std::ostringstream out, err;
  const int code = run_cli(static_cast<int>(argv.size()), argv.data(), {out, err, false}, bench);
  return {code, out.str(), err.str()};
}

std::string script(const std::string& rest, const std::string& expect = "") {
  return "description = \"short\"\n[data]\nsource = \"synthetic\"\nconcepts = 200\ndegree = 2\n"
         + rest + "[[phase]]\nseconds = 0.2\nwrites_per_s = 500\nreads_per_s = 100\n" + expect;
}

} // namespace

TEST_CASE("help is no error and names the exit codes") {
  const auto help = cmem_program({"--help"});
  CHECK(help.code == 0);
  for (const char* text : {"run", "demo", "bench", "Exit codes"})
    CHECK_THAT(help.out, ContainsSubstring(text));
  CHECK_THAT(cmem_program({"run", "--help"}).out, ContainsSubstring("--against"));
  CHECK(cmem_program({"demo", "--help"}).code == 0);
  CHECK(cmem_program({"bench", "--help"}).code == 0);
}

TEST_CASE("a wrong command line is exit code 2") {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
         {},
         {"walk"},
         {"run"},
         {"run", "demo", "--loud"},
         {"run", "demo", "--time-scale", "0"},
         {"run", "demo", "--time-scale", "fast"},
         {"run", "demo", "--against", "redis"},
         {"run", "demo", "--against", "mutex_map,redis"},
         {"run", "demo", "--against"},
         {"run", "demo", "--peers", "/no/such/folder"},
         {"run", "demo", "--data", "/no/such/folder"},
         {"bench", "--scale", "0"},
       }) {
    const auto a = cmem_program(words);
    CHECK(a.code == 2);
    CHECK_FALSE(a.err.empty());
  }
}

TEST_CASE("a scenario that is not there or is wrong is exit code 2") {
  const scratch dir;
  const auto unknown = cmem_program({"run", "no_such_scenario"});
  CHECK(unknown.code == 2);
  CHECK_THAT(unknown.err, ContainsSubstring("no such scenario") && ContainsSubstring("demo"));
  CHECK(cmem_program({"run", dir.file("none.toml")}).code == 2);
  const auto wrong = cmem_program({"run", dir.write("wrong.toml", script("", "loud = true\n"))});
  CHECK(wrong.code == 2);
  CHECK_THAT(wrong.err, ContainsSubstring("wrong.toml:") && ContainsSubstring("loud"));
}

TEST_CASE("data that can't be read is exit code 1") {
  const scratch dir;
  const auto a = cmem_program(
    {"run", dir.write("a.toml", "[data]\nsource = \"jsonl\"\npath = "
                                "\"none.jsonl\"\n[[phase]]\nseconds = 1\nreads_per_s = 1\n")});
  CHECK(a.code == 1);
  CHECK_THAT(a.err, ContainsSubstring("none.jsonl"));
}

TEST_CASE("a good run is exit code 0, its table goes to the output, and no live line to a pipe") {
  const scratch dir;
  const auto a = cmem_program({"run", dir.write("good.toml", script(""))});
  CHECK(a.code == 0);
  CHECK_THAT(a.out, ContainsSubstring("good: short") && ContainsSubstring("it adds up"));
  CHECK(a.err.empty());
}

TEST_CASE("JSON is all that is printed, the plot is where it was asked for") {
  const scratch dir;
  const auto a = cmem_program({"run", dir.write("good.toml", script("")), "--json", "--plot",
                               dir.file("p.svg"), "--against", "mutex_map", "--time-scale", "0.5"});
  CHECK(a.code == 0);
  const auto j = nlohmann::json::parse(a.out);
  CHECK(j["ok"] == true);
  CHECK(j["time_scale"] == 0.5);
  REQUIRE(j["runs"].size() == 2);
  CHECK(j["runs"][0]["target"] == "concurrent_memory");
  CHECK(j["runs"][1]["target"] == "mutex_map");
  CHECK_THAT(a.err, ContainsSubstring("plot: " + dir.file("p.svg")));
  std::ifstream svg(dir.file("p.svg"));
  std::string first;
  std::getline(svg, first);
  CHECK_THAT(first, ContainsSubstring("<?xml"));
}

TEST_CASE("--against takes lists, each name once, and what is here of all") {
  const scratch dir;
  const auto file = dir.write("good.toml", script(""));
  const auto targets = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = {"run", "--json", "--time-scale", "0.2"};
    words.insert(words.end(), more.begin(), more.end());
    words.push_back(file); // no name of the list takes its place
    const auto a = cmem_program(words);
    INFO(a.err);
    REQUIRE(a.code == 0);
    std::string names;
    const auto j = nlohmann::json::parse(a.out);
    for (const auto& run : j["runs"])
      names += run["target"].get<std::string>() + ' ';
    return names;
  };
  std::string here, in_turn = "concurrent_memory ";
  for (std::size_t i = 1; i != target_kinds; ++i) {
    if (!target_available(static_cast<target_kind>(i)))
      continue;
    const std::string name(target_names[i]);
    in_turn += name + ' ';
    here.insert(0, here.empty() ? name : name + ',');
  }
  CHECK(targets({"--against", "all"}) == in_turn);
  CHECK(targets({"--against", "mutex_map,mutex_map", "--against", "mutex_map"})
        == "concurrent_memory mutex_map ");
  std::string reversed = "concurrent_memory " + here + ' ';
  std::replace(reversed.begin(), reversed.end(), ',', ' ');
  CHECK(targets({"--against", here, "--peers", dir.path().string()}) == reversed);
}

TEST_CASE("beside a store peers are kept likewise, and nothing of them stays") {
  const scratch dir;
  if (!target_available(target_kind::sqlite))
    return;
  const auto file = dir.write("kept.toml", script("[memory]\ndurability = \"sync\"\n"));
  const auto a = cmem_program({"run", file, "--against", "sqlite", "--store", dir.file("kept"),
                               "--json", "--time-scale", "0.2"});
  REQUIRE(a.code == 0);
  const auto j = nlohmann::json::parse(a.out);
  CHECK(j["runs"][0]["settings"].is_null());
  CHECK_THAT(j["runs"][1]["settings"].get<std::string>(),
             ContainsSubstring("SQLite") && ContainsSubstring("synchronous = FULL"));
  CHECK(j["runs"][1]["store"].is_null());
  std::size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(dir.path()))
    ++entries;
  CHECK(entries == 2); // the script and the store
}

TEST_CASE("a missed expectation is exit code 1 and says which") {
  const scratch dir;
  const auto a =
    cmem_program({"run", dir.write("strict.toml", script("", "[expect]\ndropped_min = 1\n"))});
  CHECK(a.code == 1);
  CHECK_THAT(a.out, ContainsSubstring("MISSED: dropped is 0, expected at least 1"));
}

TEST_CASE("a plot that can't be written is exit code 1") {
  const scratch dir;
  const auto a =
    cmem_program({"run", dir.write("good.toml", script("")), "--plot", dir.file("no/such/p.svg")});
  CHECK(a.code == 1);
  CHECK_THAT(a.err, ContainsSubstring("can't be written"));
}

TEST_CASE("JSON lines are run like any other data") {
  const scratch dir;
  static_cast<void>(dir.write(
    "facts.jsonl",
    "{\"type\":\"concept\",\"id\":\"sun\",\"vector\":[1,2],\"attributes\":{\"k\":\"v\"}}\n"
    "{\"type\":\"association\",\"source\":\"sun\",\"target\":\"moon\",\"kind\":\"lights\"}\n"));
  const auto a = cmem_program(
    {"run", dir.write("facts.toml",
                      "[data]\nsource = \"jsonl\"\npath = \"facts.jsonl\"\n[[phase]]\nseconds = "
                      "0.1\nwrites_per_s = 200\nreads_per_s = 50\n")});
  CHECK(a.err.empty());
  CHECK(a.code == 0);
  CHECK_THAT(a.out, ContainsSubstring("1 concepts, 0 associations"));
}

TEST_CASE("a run with a store keeps it, and the next one opens it again") {
  const scratch dir;
  const auto burst = dir.write("kept.toml", script("[memory]\ndurability = \"sync\"\n"));
  const auto first = cmem_program({"run", burst, "--store", dir.file("kept")});
  CHECK(first.code == 0);
  CHECK_THAT(first.out, ContainsSubstring("durability sync: a new one"));
  const auto second = cmem_program({"run", burst, "--store", dir.file("kept"), "--json"});
  CHECK(second.code == 0);
  const auto j = nlohmann::json::parse(second.out);
  CHECK(j["runs"][0]["store"]["concepts_before"] > 0);
  CHECK(j["runs"][0]["store"]["not_durable"] == 0);
  CHECK_THAT(cmem_program({"run", burst, "--store", dir.file("kept")}).out,
             ContainsSubstring("opened again in"));
}

TEST_CASE("the overflow scenario drops and accounts for every entry") {
  const auto a = cmem_program({"run", "overflow", "--json", "--time-scale", "0.1"});
  CHECK(a.code == 0);
  const auto j = nlohmann::json::parse(a.out);
  const auto& accounting = j["runs"][0]["accounting"];
  CHECK(accounting["adds_up"] == true);
  CHECK(accounting["dropped"] > 0);
}

TEST_CASE("bench hands its arguments on and its exit code back") {
  bench_arguments seen;
  const auto a =
    cmem_program({"bench", "append", "load", "--json", "--scale", "0.5", "--seconds", "30"},
                 [&seen](const bench_arguments& b, const console&) {
                   seen = b;
                   return 1;
                 });
  CHECK(a.code == 1);
  CHECK(seen.names == std::vector<std::string>{"append", "load"});
  CHECK(seen.json);
  CHECK(seen.scale == 0.5);
  CHECK(seen.seconds == 30);
}

TEST_CASE("a scenario is found by name below the installed program and above a built one") {
  const scratch dir;
  const auto shared = dir.path() / "usr" / "share" / "concurrent_memory" / "scenarios";
  const auto built = dir.path() / "repo" / "examples" / "scenarios";
  fs::create_directories(shared);
  fs::create_directories(built);
  std::ofstream(shared / "tide.toml") << "x";
  std::ofstream(built / "wave.toml") << "x";
  const auto installed = scenario_folders(dir.path() / "usr" / "bin" / "cmem");
  const auto tide = find_scenario("tide", installed);
  REQUIRE(tide);
  CHECK(fs::equivalent(*tide, shared / "tide.toml"));
  const auto wave = find_scenario(
    "wave", scenario_folders(dir.path() / "repo" / "build" / "release" / "tools" / "cmem"));
  REQUIRE(wave);
  CHECK(fs::equivalent(*wave, built / "wave.toml"));
  const auto none = find_scenario("wave", installed);
  REQUIRE_FALSE(none);
  CHECK_THAT(none.error().detail, ContainsSubstring("tide"));
  const auto nowhere = find_scenario("wave", {});
  REQUIRE_FALSE(nowhere);
  CHECK_THAT(nowhere.error().detail, ContainsSubstring("no folder of scenarios was found"));
}
