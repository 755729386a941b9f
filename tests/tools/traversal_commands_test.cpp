// path, expand and activate as a user types them.

#include "tests/tools/store_shell.hpp"
#include "tools/dot.hpp"

#include <map>
#include <set>
#include <tuple>

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// rain -> wet street -> slow traffic, less confident and straight; and over "odd"
const std::string streets = rain + R"({"type":"concept","id":"odd \"\\\n","strength":0.5}
{"type":"association","source":"rain","target":"odd \"\\\n","kind":"slows","confidence":0.75}
{"type":"association","source":"odd \"\\\n","target":"slow traffic","kind":"causal","confidence":0.25}
)";

struct streets_shell : shell {
  streets_shell() { REQUIRE(import("s", streets).code == 0); }
  [[nodiscard]] answer ask(std::vector<std::string> words) const {
    words.insert(words.begin() + 1, file("s"));
    return run(words);
  }
  [[nodiscard]] json found(std::vector<std::string> words) const {
    words.emplace_back("--json");
    const auto a = ask(words);
    INFO(a.err);
    REQUIRE(a.code == 0);
    return json::parse(a.out);
  }
};

json names(std::initializer_list<const char*> all) {
  return json(std::vector<std::string>(all.begin(), all.end()));
}

/// What graphviz makes of the language's subset that is written here: statements of quoted names,
/// one a line. Fails on all else.
struct dot_graph {
  std::map<std::string, std::map<std::string, std::string>> nodes;
  std::vector<std::tuple<std::string, std::string, std::string>> edges; // source, target, label

  explicit dot_graph(const std::string& text) : rest_(text) {
    expect("digraph cmem {\n");
    while (!taken("}\n")) {
      if (taken("  // ")) {
        rest_.erase(0, rest_.find('\n') + 1);
        continue;
      }
      expect("  ");
      if (taken("node [shape=box];\n"))
        continue;
      const std::string name = quoted();
      if (taken(" -> ")) {
        const std::string target = quoted();
        expect(" ");
        edges.emplace_back(name, target, attributes().at("label"));
      } else {
        expect(" ");
        nodes[name] = attributes();
      }
      expect(";\n");
    }
    CHECK(rest_.empty());
  }

private:
  bool taken(const std::string& word) {
    const bool there = rest_.starts_with(word);
    if (there)
      rest_.erase(0, word.size());
    return there;
  }
  void expect(const std::string& word) {
    if (!taken(word))
      FAIL("no " << word << " before " << rest_.substr(0, 40));
  }
  std::string quoted() {
    expect("\"");
    std::string s;
    for (; !rest_.empty() && rest_[0] != '"'; rest_.erase(0, 1)) {
      if (static_cast<unsigned char>(rest_[0]) < 0x20)
        FAIL("a control character in quotes");
      if (rest_[0] == '\\') {
        rest_.erase(0, 1);
        s += rest_[0] == 'n' ? '\n' : rest_[0];
        if (rest_[0] != 'n' && rest_[0] != '"' && rest_[0] != '\\')
          FAIL("an escape with a meaning of its own: " << rest_[0]);
      } else if (rest_[0] == '&') { // it reads entities of HTML, of which one is written
        if (!rest_.starts_with("&amp;"))
          FAIL("an entity: " << rest_.substr(0, 10));
        rest_.erase(0, 4);
        s += '&';
      } else {
        s += rest_[0];
      }
    }
    expect("\"");
    return s;
  }
  std::map<std::string, std::string> attributes() {
    std::map<std::string, std::string> all;
    expect("[label=");
    all["label"] = quoted();
    if (taken(", style=bold"))
      all["style"] = "bold";
    expect("]");
    return all;
  }

  std::string rest_;
};

} // namespace

TEST_CASE("path --weighted takes the most confident way") {
  const streets_shell sh;
  const auto j = sh.found({"path", "rain", "slow traffic", "--weighted"});
  CHECK(j["path"] == names({"rain", "wet street", "slow traffic"}));
  CHECK(j["kinds"] == names({"causal", "slows"}));
  CHECK(j["confidence"] == 0.25);
  CHECK(j["end"] == "complete");
  CHECK_FALSE(j.contains("alternatives"));
}

TEST_CASE("path --alternatives lists the others behind the best") {
  const streets_shell sh;
  const auto j = sh.found({"path", "rain", "slow traffic", "--alternatives", "2"});
  CHECK(j["hops"] == 1);
  REQUIRE(j["alternatives"].size() == 1);
  CHECK(j["alternatives"][0]["hops"] == 2);
  CHECK(sh.found({"path", "rain", "slow traffic", "--alternatives", "9"})["alternatives"].size()
        == 2);
  CHECK(sh.found({"path", "rain", "slow traffic", "--alternatives", "1"})["alternatives"].empty());
  const auto text = sh.ask({"path", "rain", "slow traffic", "--alternatives", "2"}).out;
  CHECK_THAT(text, ContainsSubstring("1 hops, confidence 0.1\n\nrain\n"));
}

TEST_CASE("path shows a confidence that is below any float") {
  const shell sh;
  std::string lines = R"({"type":"concept","id":"0"})";
  for (const std::string step : {"1", "2", "3"}) // 2^-70 each
    lines += "\n{\"type\":\"concept\",\"id\":\"" + step
             + "\"}\n{\"type\":\"association\",\"source\":\"" + std::to_string(std::stoi(step) - 1)
             + "\",\"target\":\"" + step
             + "\",\"kind\":\"causal\",\"confidence\":8.470329472543003e-22}";
  REQUIRE(sh.import("s", lines + "\n").code == 0);
  CHECK_THAT(sh.run({"path", sh.file("s"), "0", "3"}).out,
             ContainsSubstring("3 hops, confidence 6.077163e-64\n"));
}

TEST_CASE("path goes where the filters let it") {
  const streets_shell sh;
  const auto hops = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"path", "rain", "slow traffic"});
    return sh.found(more)["hops"];
  };
  CHECK(hops({}) == 1);
  CHECK(hops({"--kind", "causal"}).is_null());
  CHECK(hops({"--kind", "causal", "--kind", "slows"}) == 2);
  CHECK(hops({"--min-confidence", "0.2"}) == 2);
  CHECK(hops({"--min-confidence", "0.6"}).is_null());
  CHECK(sh.found({"path", "rain", "slow traffic", "--kind", "causal", "--kind", "slows",
                  "--min-strength", "2"})["path"]
        == names({"rain", "wet street", "slow traffic"}));
  const auto back = sh.found({"path", "slow traffic", "rain", "--direction", "in"});
  CHECK(back["hops"] == 1);
  CHECK(back["directions"] == names({"in"}));
  CHECK(sh.found({"path", "slow traffic", "rain"})["found"] == false);
  CHECK_THAT(sh.ask({"path", "wet street", "rain", "--direction", "both"}).out,
             ContainsSubstring("<-[causal 0.5]- rain"));
}

TEST_CASE("expand lists concepts by hops, and associations among them") {
  const streets_shell sh;
  const auto j = sh.found({"expand", "rain", "--hops", "1", "--min-confidence", "0.5"});
  REQUIRE(j["concepts"].size() == 3);
  CHECK(j["concepts"][0]["name"] == "rain");
  CHECK(j["concepts"][0]["hops"] == 0);
  std::set<std::string> near;
  for (const auto& c : j["concepts"])
    near.insert(c["name"]);
  CHECK(near == std::set<std::string>{"rain", "wet street", "odd \"\\\n"});
  CHECK(j["associations"].size() == 2);
  CHECK(j["end"] == "complete");
  CHECK(j["concepts_cut"] == false);
  const auto cut = sh.found({"expand", "rain", "--max-concepts", "2", "--max-associations", "0"});
  CHECK(cut["concepts"].size() == 2);
  CHECK(cut["associations"].empty());
  CHECK(cut["concepts_cut"] == true);
  const auto text = sh.ask({"expand", "wet street", "slow traffic"}).out;
  CHECK_THAT(text, ContainsSubstring("0  wet street\n"));
  CHECK_THAT(text, ContainsSubstring("0  slow traffic\n"));
  CHECK_THAT(text, ContainsSubstring("wet street -[slows 0.5]-> slow traffic\n"));
  CHECK_THAT(text, ContainsSubstring("2 concepts, 1 associations\n"));
  CHECK_THAT(sh.ask({"expand", "rain", "--max-concepts", "2"}).out,
             ContainsSubstring("more concepts were left out"));
}

TEST_CASE("expand --dot is a graph whose labels graphviz shows as they are") {
  const streets_shell sh;
  const auto a = sh.ask({"expand", "rain", "--dot"});
  REQUIRE(a.code == 0);
  const dot_graph g(a.out);
  CHECK(g.nodes.size() == 4);
  const std::string rain_id = concept_id::from_name("rain").hex();
  const std::string odd_id = concept_id::from_name("odd \"\\\n").hex();
  CHECK(g.nodes.at(rain_id).at("style") == "bold");
  CHECK(g.nodes.at(odd_id).at("label") == "odd \"\\\n");
  CHECK_FALSE(g.nodes.at(odd_id).contains("style"));
  CHECK(g.edges.size() == 5);
  CHECK(std::count(g.edges.begin(), g.edges.end(), std::tuple(rain_id, odd_id, "slows 0.75")) == 1);
  for (const auto& [source, target, label] : g.edges)
    CHECK((g.nodes.contains(source) && g.nodes.contains(target)));
}

TEST_CASE("What graphviz would stumble over is escaped or replaced") {
  CHECK(tools::dot_quoted("a\"b\\c\nd") == R"("a\"b\\c\nd")");
  CHECK(tools::dot_quoted("\\") == R"("\\")");
  CHECK(tools::dot_quoted(std::string("a\0b\x1B", 4))
        == "\"a\xEF\xBF\xBD"
           "b\xEF\xBF\xBD\"");
  CHECK(tools::dot_quoted("\xFF") == "\"\xEF\xBF\xBD\"");
  CHECK(tools::dot_quoted("Übermut") == "\"Übermut\"");
  CHECK(tools::dot_quoted("&lt; & &amp;") == "\"&amp;lt; &amp; &amp;amp;\"");
}

TEST_CASE("activate lists what comes to mind, and the way there") {
  const streets_shell sh;
  const auto j = sh.found({"activate", "rain", "--hops", "2"});
  REQUIRE(j["hits"].size() == 3);
  // slow traffic: 0.05 straight, 0.5 * 0.5 * 1 over the wet street (0.5 * 3 conducts 1), and
  // 0.375 * 0.5 * 0.25 over the odd one
  CHECK(j["hits"][0]["name"] == "odd \"\\\n");
  CHECK(j["hits"][0]["activation"] == 0.375);
  CHECK(j["hits"][1]["name"] == "wet street");
  CHECK(j["hits"][1]["activation"] == 0.25);
  CHECK(j["hits"][2]["name"] == "slow traffic");
  CHECK(j["hits"][2]["activation"].get<double>() == Approx(0.05 + 0.125 + 0.046875));
  CHECK(j["hits"][2]["path"] == names({"rain", "wet street", "slow traffic"}));
  CHECK(j["hits"][2]["carried"] == 0.125);
  CHECK(j["reached"] == 4);
  CHECK(sh.found({"activate", "rain", "--top", "1"})["hits"].size() == 1);
  CHECK(sh.found({"activate", "rain", "--energy", "2"})["hits"][0]["activation"] == 0.75);
  CHECK(sh.found({"activate", "rain", "--decay", "1", "--hops", "1"})["hits"][0]["activation"]
        == 0.75);
  CHECK(sh.found({"activate", "rain", "--fan"})["hits"][0]["activation"].get<double>() < 0.375);
  CHECK(sh.found({"activate", "rain", "--threshold", "1.5"})["hits"].empty());
  const auto text = sh.ask({"activate", "rain", "wet street", "--kind", "slows"}).out;
  CHECK_THAT(
    text, ContainsSubstring("  slow traffic\n    wet street\n      -[slows 0.5]-> slow traffic\n"));
  CHECK_THAT(sh.ask({"activate", "slow traffic"}).out, ContainsSubstring("nothing comes to mind"));
}

TEST_CASE("an answer that a deadline cut short says so") {
  const streets_shell sh;
  const std::vector<std::string> late = {"--deadline-ms", "0"};
  for (std::vector<std::string> words : std::vector<std::vector<std::string>>{
         {"path", "rain", "slow traffic"}, {"expand", "rain"}, {"activate", "rain"}}) {
    words.insert(words.end(), late.begin(), late.end());
    const auto a = sh.ask(words);
    CHECK(a.code == 0);
    CHECK_THAT(a.out, ContainsSubstring("partial: the deadline passed"));
    CHECK(sh.found(words)["end"] == "deadline");
  }
  const auto dot = sh.ask({"expand", "rain", "--dot", "--deadline-ms", "0"}).out;
  CHECK_THAT(dot, ContainsSubstring("// partial: the deadline passed"));
  CHECK(dot_graph(dot).nodes.size() == 1);
}

TEST_CASE("what the store does not have is exit code 1") {
  const streets_shell sh;
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"path", "rain", "snow"},
                                             {"path", "snow", "rain", "--weighted"},
                                             {"expand", "rain", "snow"},
                                             {"activate", "snow"}}) {
    const auto a = sh.ask(words);
    CHECK(a.code == 1);
    CHECK_THAT(a.err, ContainsSubstring("concept snow is not in the store"));
    CHECK(a.out.empty());
  }
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"path", "rain", "wet street", "--kind", "new"},
                                             {"expand", "rain", "--kind", "new"},
                                             {"activate", "rain", "--kind", "new"}}) {
    const auto a = sh.ask(words);
    CHECK(a.code == 1);
    CHECK_THAT(a.err, ContainsSubstring("unknown_kind: kind new is not in the store"));
  }
  for (const char* command : {"expand", "activate"})
    CHECK_THAT(sh.run({command, sh.file("none"), "a"}).err, ContainsSubstring("no store is there"));
}

TEST_CASE("wrong command lines of traversals are exit code 2, and help has an example") {
  const streets_shell sh;
  for (const char* command : {"path", "expand", "activate"}) {
    const auto help = sh.run({command, "--help"});
    CHECK(help.code == 0);
    CHECK_THAT(help.out, ContainsSubstring("Example: cmem " + std::string(command)));
    CHECK(sh.run({command}).code == 2);
    CHECK(sh.run({command, sh.file("s")}).code == 2);
    for (const std::vector<std::string>& bad :
         std::vector<std::vector<std::string>>{{"--min-confidence", "nan"},
                                               {"--min-confidence", "1.5"},
                                               {"--min-confidence", "x"},
                                               {"--min-strength", "-1"},
                                               {"--min-strength", "nan"},
                                               {"--min-strength", "inf"},
                                               {"--min-strength", "1e300"},
                                               {"--direction", "up"},
                                               {"--deadline-ms", "-1"},
                                               {"--deadline-ms", "99999999999999999999"}}) {
      std::vector<std::string> words = {command, "rain", "wet street"};
      words.insert(words.end(), bad.begin(), bad.end());
      const auto a = sh.ask(words);
      INFO(command << " " << bad[0] << " " << bad[1]);
      CHECK(a.code == 2);
      CHECK_THAT(a.err, ContainsSubstring(bad[0]));
    }
  }
  const std::string beyond = "99999999999999999999"; // any type
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"path", "a", "b", "--alternatives", "0"},
                                             {"path", "a", "b", "--alternatives", "1001"},
                                             {"path", "a", "b", "--alternatives", beyond},
                                             {"expand", "a", "--max-concepts", beyond},
                                             {"expand", "a", "--max-associations", beyond},
                                             {"activate", "a", "--top", beyond},
                                             {"path", "a", "b", "--alternatives", "-1"},
                                             {"path", "a", "b", "--max-depth", "-1"},
                                             {"expand", "a", "--hops", "-1"},
                                             {"expand", "a", "--hops", "1025"},
                                             {"expand", "a", "--max-concepts", "0"},
                                             {"expand", "a", "--dot", "--json"},
                                             {"activate", "a", "--hops", "17"},
                                             {"activate", "a", "--decay", "0"},
                                             {"activate", "a", "--decay", "nan"},
                                             {"activate", "a", "--energy", "-1"},
                                             {"activate", "a", "--energy", "nan"},
                                             {"activate", "a", "--threshold", "nan"},
                                             {"activate", "a", "--top", "0"}}) {
    INFO(words[0] << " " << words[words.size() - 2] << " " << words.back());
    CHECK(sh.ask(words).code == 2);
  }
}
