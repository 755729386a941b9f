#include "tools/scenario.hpp"

#include "tests/catch.hpp"

#include <filesystem>

using namespace cmem;
using namespace cmem::tools;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string good = R"(description = "test"
seed = 3
preload = 0.5
readers = 2
path_depth_max = 5

[data]
source = "synthetic"
concepts = 100

[memory]
overflow = "reject"
log_capacity = 50
storage = "kept"
durability = "sync"

[write_mix]
learn_concept = 1

[[phase]]
name = "one"
seconds = 2
writes_per_s = 100

[[phase]]
seconds = 0.5
reads_per_s = "max"
readers = 3
[phase.query_mix]
find = 2
neighbors = 1

[expect]
dropped_max = 0
rate_held_min = 0.9
)";

/// The good script with one text replaced.
std::string with(const std::string& old, const std::string& replacement) {
  std::string text = good;
  const auto at = text.find(old);
  REQUIRE(at != std::string::npos);
  return text.replace(at, old.size(), replacement);
}

std::string error_of(const std::string& text) {
  const auto s = parse_scenario(text, "dir/burst.toml");
  REQUIRE_FALSE(s);
  CHECK(s.error().code == errc::parse_error);
  return s.error().detail;
}

} // namespace

TEST_CASE("a script is read as it stands") {
  const auto read = parse_scenario(good, "dir/burst.toml");
  REQUIRE(read);
  const scenario& s = *read;
  CHECK(s.name == "burst");
  CHECK(s.description == "test");
  CHECK(s.seed == 3);
  CHECK(s.preload == 0.5);
  CHECK(s.data.source == data_source::synthetic);
  CHECK(s.data.concepts == 100);
  CHECK(s.memory.overflow == overflow_policy::reject);
  CHECK(s.memory.storage == "kept");
  CHECK(s.memory.durability == durability::sync);
  CHECK(s.memory.log_capacity == 50);
  CHECK(s.expect.dropped_max == 0U);
  CHECK(s.expect.rate_held_min == 0.9);
  CHECK_FALSE(s.expect.dropped_min);
  CHECK(s.seconds() == 2.5);
  REQUIRE(s.phases.size() == 2);
  CHECK(s.phases[0].name == "one");
  CHECK(s.phases[0].writes == rate{100, false});
  CHECK(s.phases[0].reads.idle());
  CHECK(s.phases[0].readers == 2);
  CHECK(s.phases[0].path_depth_max == 5);
  CHECK(s.phases[0].write_weights == write_mix{1});
  CHECK(s.phases[1].name == "phase 2");
  CHECK(s.phases[1].reads == rate{0, true});
  CHECK(s.phases[1].readers == 3);
  CHECK(s.phases[1].query_weights == query_mix{2, 1, 0});
  CHECK(s.phases[0].query_weights == query_mix{1, 1, 1}); // those that every target offers
}

TEST_CASE("a mix may ask for paths by confidence, alternatives and context") {
  const auto read = parse_scenario(R"(
[data]
source = "synthetic"
[[phase]]
seconds = 1
reads_per_s = 10
alternatives = 5
context_hops = 3
context_concepts = 50
[phase.query_mix]
confident_path = 1
alternative_paths = 2
subgraph = 3
activation = 4
)",
                                   "a.toml");
  REQUIRE(read);
  const phase& p = read->phases[0];
  CHECK(p.query_weights == query_mix{0, 0, 0, 1, 2, 3, 4});
  CHECK(p.alternatives == 5);
  CHECK(p.context_hops == 3);
  CHECK(p.context_concepts == 50);
}

TEST_CASE("every script that comes with the project is good") {
  std::size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator("examples/scenarios"))
    if (entry.path().extension() == ".toml") {
      const auto s = read_scenario(entry.path().string());
      INFO((s ? "" : s.error().detail));
      CHECK(s);
      ++seen;
    }
  CHECK(seen >= 6);
}

TEST_CASE("the headline's script is the one that was promised") {
  const auto s = read_scenario("examples/scenarios/learn_reason_learn.toml");
  REQUIRE(s);
  REQUIRE(s->phases.size() == 3);
  CHECK(s->phases[0].writes == rate{2000, false});
  CHECK(s->phases[0].reads == rate{10, false});
  CHECK(s->phases[1].writes == rate{10, false});
  CHECK(s->phases[1].reads == rate{3000, false});
  CHECK(s->phases[2].writes == rate{1500, false});
  CHECK(s->phases[2].reads == rate{20, false});
}

TEST_CASE("errors name file, line, key and what to do") {
  struct wrong {
    std::string old, replacement, error;
  };
  const std::vector<wrong> all = {
    {"seed = 3", "seed = = 3", "dir/burst.toml:2: not TOML: "},
    {"seed = 3", "sead = 3", "dir/burst.toml:2: sead: unknown key; known here: description, seed"},
    {"seed = 3", "seed = -1", "dir/burst.toml:2: seed: is -1: must be a whole number from 0"},
    {"seed = 3", "seed = 3.5", ":2: seed: is 3.5: must be a whole number"},
    {"description = \"test\"", "description = 7", ":1: description: must be a text"},
    {"preload = 0.5", "preload = 1.5", ":3: preload: is 1.5: must be a number from 0 to 1"},
    {"preload = 0.5", "preload = nan", ":3: preload: is nan: must be a number"},
    {"readers = 2", "readers = 0", ":4: readers: is 0: must be a whole number from 1 to 64"},
    {"readers = 2", "readers = 65", ":4: readers: is 65: must be"},
    {"path_depth_max = 5", "path_depth_max = 1025", ":5: path_depth_max: is 1025"},
    {"[data]\nsource = \"synthetic\"\nconcepts = 100\n", "", "scenario: has no data: add [data]"},
    {"source = \"synthetic\"", "source = \"book\"",
     ":8: data.source: is 'book': must be one of wordnet, synthetic, jsonl"},
    {"source = \"synthetic\"\n", "", "data: needs `source`"},
    {"source = \"synthetic\"\nconcepts = 100", "source = \"jsonl\"", "data: needs `path`"},
    {"source = \"synthetic\"", "source = \"wordnet\"", "data.concepts: unknown key"},
    {"concepts = 100", "concepts = 0", ":9: data.concepts: is 0: must be a whole number from 1"},
    {"concepts = 100", "degree = -1", ":9: data.degree: is -1: must be a number from 0"},
    {"durability = \"sync\"", "durability = \"maybe\"",
     "memory.durability: is 'maybe': must be one of none, interval, sync"},
    {"storage = \"kept\"", "storage = 7", "memory.storage: must be a text in quotes"},
    {"overflow = \"reject\"", "overflow = \"block\"",
     ":12: memory.overflow: is 'block': must be one of drop_oldest, reject"},
    {"log_capacity = 50", "log_capacity = 10000001", ":13: memory.log_capacity: is 10000001"},
    {"log_capacity = 50", "storage_path = \"x\"", ":13: memory.storage_path: unknown key"},
    {"[write_mix]\nlearn_concept = 1", "[write_mix]\nlearn_concept = 0",
     "write_mix: needs a share above 0"},
    {"[write_mix]\nlearn_concept = 1", "[write_mix]\nlearn = 1",
     ":18: write_mix.learn: unknown key"},
    {"[write_mix]\nlearn_concept = 1", "[write_mix]\nlearn_concept = -1",
     ":18: write_mix.learn_concept: is -1: must be a number from 0"},
    {"seconds = 2\n", "seconds = 0\n", ":22: phase.seconds: is 0: must be a number above 0"},
    {"seconds = 2\n", "", "phase: needs `seconds`"},
    {"writes_per_s = 100", "writes_per_s = \"fast\"",
     ":23: phase.writes_per_s: is 'fast': must be operations per second from 0 to 100000000, or "
     "\"max\""},
    {"writes_per_s = 100", "writes_per_s = -1", ":23: phase.writes_per_s: is -1"},
    {"writes_per_s = 100", "writes_per_s = 0", "phase: does nothing"},
    {"writes_per_s = 100", "write_per_s = 100", "phase: does nothing"},
    {"name = \"one\"", "nome = \"one\"", ":21: phase.nome: unknown key"},
    {"find = 2", "find = \"2\"", ":30: phase.query_mix.find: is '2': must be a number"},
    {"dropped_max = 0", "drops = 0", ":34: expect.drops: unknown key"},
    {"rate_held_min = 0.9", "rate_held_min = 2", ":35: expect.rate_held_min: is 2"},
  };
  for (const auto& w : all) {
    CAPTURE(w.replacement);
    CHECK_THAT(error_of(with(w.old, w.replacement)), ContainsSubstring(w.error));
  }
}

TEST_CASE("phases must be there, and a list of tables") {
  const std::string data = "[data]\nsource = \"synthetic\"\n";
  CHECK_THAT(error_of(data), ContainsSubstring("scenario: has no phases: add [[phase]]"));
  CHECK_THAT(error_of(data + "[phase]\nseconds = 1\n"),
             ContainsSubstring("write [[phase]] with two brackets"));
  CHECK_THAT(error_of("phase = [1]\n" + data), ContainsSubstring(":1: phase: must be a table"));
  CHECK_THAT(error_of("data = 1\n"), ContainsSubstring(":1: data: must be a table"));
}

TEST_CASE("a file that is not there is an error of its own") {
  const auto s = read_scenario("no/such.toml");
  REQUIRE_FALSE(s);
  CHECK(s.error().code == errc::io_error);
  CHECK_THAT(s.error().detail, ContainsSubstring("no/such.toml: cannot be read"));
}

TEST_CASE("a relative path of data is relative to the script") {
  const auto s = parse_scenario("[data]\nsource = \"jsonl\"\npath = \"facts.jsonl\"\n"
                                "[[phase]]\nseconds = 1\nreads_per_s = 1\n",
                                "dir/burst.toml");
  REQUIRE(s);
  CHECK(s->data.path == "dir/facts.jsonl");
}
