// The commands of `cmem` on a store, as a user types them.

#include "tests/tools/store_shell.hpp"

#include <array>
#include <sys/wait.h>

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("what is imported is exported, and comes back byte for byte") {
  const shell sh;
  const std::string odd = concept_id::from_name("\xFF").hex();
  const std::string like_hex = "000102030405060708090a0b0c0d0e0f";
  const std::string lines =
    rain
    + R"({"type":"concept","id":"北京","content":"\u0000\n\"\\ 😀","vector":[0.1,-2.5e-30,3]})"
      "\n"
      R"({"type":"concept","id":")"
    + like_hex
    + R"(","content_base64":"AP/+","attributes":{"b":"2","a":"ü"},"attributes_base64":{"/w==":"/g=="}})"
      "\n"
      R"({"type":"concept","id":")"
    + odd
    + R"(","name_base64":"/w=="})"
      "\n"
      R"({"type":"association","source":"never learned","target":")"
    + like_hex
    + R"(","kind":"wärmt","weight":1e-7})"
      "\n"
      R"({"type":"association","source":"北京","target":"北京","kind_base64":"/w=="})"
      "\n";
  const auto first = sh.import("a", lines);
  INFO(first.err);
  REQUIRE(first.code == 0);
  const std::string once = sh.exported("a");
  for (const char* text :
       {R"("id":"rain","content":"water","strength":1,"confidence":0.9})", R"("id":"北京")",
        R"("vector":[0.1,-2.5e-30,3])", R"("content_base64":"AP/+")",
        R"("attributes":{"a":"ü","b":"2"},"attributes_base64":{"/w==":"/g=="})",
        R"("name_base64":"/w==")", R"("source":"never learned")", R"("kind":"wärmt")",
        R"("weight":1e-07)", R"("kind_base64":"/w==")", R"("\u0000\n\"\\ 😀")"})
    CHECK_THAT(once, ContainsSubstring(text));
  REQUIRE(sh.import("b", once).code == 0);
  CHECK(sh.exported("b") == once);
  REQUIRE(sh.import("b", once).code == 0); // the same again changes nothing
  CHECK(sh.exported("b") == once);
}

TEST_CASE("the order of an export is that of the content, not of learning") {
  const shell sh;
  std::istringstream in(rain);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    lines.push_back(line + "\n");
  std::string reversed;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line)
    reversed += *line;
  REQUIRE(sh.import("a", rain).code == 0);
  REQUIRE(sh.import("b", reversed).code == 0);
  CHECK(sh.exported("a") == sh.exported("b"));
}

TEST_CASE("an import ends by saying what is durable") {
  const shell sh;
  const auto a = sh.import("s", rain);
  REQUIRE(a.code == 0);
  CHECK(a.err.empty());
  const auto j = json::parse(a.out);
  CHECK(j["lines"] == 6);
  CHECK(j["concepts"] == 3);
  CHECK(j["associations"] == 3);
  CHECK(j["bad_lines"] == 0);
  CHECK(j["durable"] == true);
  CHECK(j["durable_sequence"] == j["sequence"]);
  CHECK(j["sequence"] == 6);
  const auto text = sh.run({"import", sh.file("s"), sh.file("s.jsonl")});
  CHECK(text.code == 0);
  CHECK_THAT(text.out, ContainsSubstring("6 lines at ")
                         && ContainsSubstring("holds 3 concepts and 3 associations")
                         && ContainsSubstring("durable: all of it, up to sequence 12"));
}

TEST_CASE("a bad line is named by its number, and the others are learned") {
  const shell sh;
  const std::string lines = "\n{\"type\":\"concept\",\"id\":\"a\"}\n{oops\n"
                            "{\"type\":\"concept\",\"id\":\"b\",\"vector\":[1]}\n"
                            "{\"type\":\"concept\",\"id\":\"c\",\"content\":\""
                            + std::string((std::size_t{1} << 20) + 1, 'x')
                            + "\"}\n{\"type\":\"concept\",\"id\":\"d\"}";
  const auto a =
    sh.run({"import", sh.file("s"), sh.write("bad.jsonl", lines), "--json", "--dimension", "2"});
  CHECK(a.code == 1);
  CHECK_THAT(a.err, ContainsSubstring("bad.jsonl:3: not JSON")
                      && ContainsSubstring("bad.jsonl:4: invalid_argument: vector has 1 numbers")
                      && ContainsSubstring("bad.jsonl:5: invalid_argument: content"));
  const auto j = json::parse(a.out);
  CHECK(j["lines"] == 5);
  CHECK(j["bad_lines"] == 3);
  CHECK(j["concepts"] == 2);
  CHECK(j["durable"] == true);
  CHECK(sh.run({"get", sh.file("s"), "d"}).code == 0);
}

TEST_CASE("a line that the merge refuses is named by its number") {
  const shell sh;
  // A concept that was learned by id first takes its name from whoever names it first; two
  // attributes too many are found out when they are merged.
  std::string many;
  for (int i = 0; i < 40; ++i)
    many += (i == 0 ? "\"" : ",\"") + std::string("a") + std::to_string(i) + "\":\"v\"";
  std::string more = many;
  for (auto& letter : more)
    letter = letter == 'a' ? 'b' : letter;
  const auto a = sh.import("s", "{\"type\":\"concept\",\"id\":\"x\",\"attributes\":{" + many
                                  + "}}\n" + "{\"type\":\"concept\",\"id\":\"x\",\"attributes\":{"
                                  + more + "}}\n" + "{\"type\":\"concept\",\"id\":\"y\"}\n");
  CHECK(a.code == 1);
  CHECK_THAT(a.err, ContainsSubstring("s.jsonl:2: limit_exceeded"));
  CHECK(json::parse(a.out)["concepts"] == 2);
}

TEST_CASE("--strict stops at the first bad line, and what came before is durable") {
  const shell sh;
  const auto a = sh.run({"import", sh.file("s"), "-", "--strict", "--json"},
                        "{\"type\":\"concept\",\"id\":\"a\"}\nx\n{\"type\":\"concept\",\"id\":"
                        "\"b\"}\n");
  CHECK(a.code == 1);
  CHECK_THAT(a.err, ContainsSubstring("standard input:2: ") && ContainsSubstring("--strict"));
  const auto j = json::parse(a.out);
  CHECK(j["lines"] == 2);
  CHECK(j["stopped"] == true);
  CHECK(j["durable"] == true);
  CHECK(sh.run({"get", sh.file("s"), "a"}).code == 0);
  CHECK(sh.run({"get", sh.file("s"), "b"}).code == 1);
}

TEST_CASE("standard input is read as a file is, vectors that come late included") {
  const shell sh;
  const std::string late = rain + R"({"type":"concept","id":"v","vector":[1,2,3]})" + "\n";
  REQUIRE(sh.run({"import", sh.file("piped"), "-"}, late).code == 0);
  REQUIRE(sh.import("filed", late).code == 0);
  CHECK(sh.exported("piped") == sh.exported("filed"));
  CHECK(json::parse(sh.run({"stats", sh.file("piped"), "--json"}).out)["vector_dimension"] == 3);
  // A store keeps its dimension, whatever comes later.
  const auto wrong =
    sh.run({"import", sh.file("piped"), "-"}, "{\"type\":\"concept\",\"id\":\"w\",\"vector\":[1]}");
  CHECK(wrong.code == 1);
  CHECK_THAT(wrong.err, ContainsSubstring("standard input:1: invalid_argument: vector"));
}

TEST_CASE("an import of nothing makes an empty store") {
  const shell sh;
  REQUIRE(sh.run({"import", sh.file("s"), "-"}).code == 0);
  CHECK(sh.exported("s").empty());
}

TEST_CASE("progress is shown on a terminal alone") {
  const shell sh;
  const auto live = sh.run({"import", sh.file("s"), sh.write("r.jsonl", rain)}, "", true);
  CHECK(live.code == 0);
  CHECK(live.out.find('\033') == std::string::npos);
  const auto piped = sh.run({"import", sh.file("s"), sh.file("r.jsonl")});
  CHECK(piped.err == "");
}

TEST_CASE("a file that cannot be read makes no store") {
  const shell sh;
  const auto a = sh.run({"import", sh.file("s"), sh.file("none.jsonl")});
  CHECK(a.code == 1);
  CHECK_THAT(a.err, ContainsSubstring("none.jsonl: cannot be read"));
  CHECK_FALSE(fs::exists(sh.file("s")));
}

TEST_CASE("get shows a concept by name and by id") {
  const shell sh;
  REQUIRE(sh.import("s", rain).code == 0);
  const auto text = sh.run({"get", sh.file("s"), "wet street"});
  CHECK(text.code == 0);
  CHECK_THAT(text.out, ContainsSubstring("slippery") && ContainsSubstring("2.5")
                         && ContainsSubstring("outgoing      1"));
  const auto id = concept_id::from_name("rain").hex();
  const auto j = json::parse(sh.run({"get", sh.file("s"), id, "--json"}).out);
  CHECK(j["id"] == id);
  CHECK(j["name"] == "rain");
  CHECK(j["content"] == "water");
  CHECK(j["confidence"] == 0.9);
  CHECK(j["outgoing"] == 2);
  const auto none = sh.run({"get", sh.file("s"), "snow"});
  CHECK(none.code == 1);
  CHECK_THAT(none.err, ContainsSubstring("not_found") && ContainsSubstring("snow"));
}

TEST_CASE("neighbors are the best first, by kind, confidence, limit and direction") {
  const shell sh;
  REQUIRE(sh.import("s", rain).code == 0);
  const auto names = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {"neighbors", sh.file("s"), "rain", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    const auto a = sh.run(words);
    REQUIRE(a.code == 0);
    const auto j = json::parse(a.out);
    std::string all;
    for (const auto& n : j["neighbors"])
      all += n["name"].get<std::string>() + ";";
    return all;
  };
  CHECK(names({}) == "wet street;slow traffic;");
  CHECK(names({"--limit", "1"}) == "wet street;");
  CHECK(names({"--min-confidence", "0.3"}) == "wet street;");
  CHECK(names({"--kind", "semantic"}) == "slow traffic;");
  CHECK(names({"--incoming"}).empty());
  CHECK_THAT(sh.run({"neighbors", sh.file("s"), "rain"}).out,
             ContainsSubstring("wet street  causal, confidence 0.5, weight 1"));
  const auto unknown = sh.run({"neighbors", sh.file("s"), "rain", "--kind", "odd"});
  CHECK(unknown.code == 1);
  CHECK_THAT(unknown.err, ContainsSubstring("unknown_kind"));
  CHECK(sh.run({"neighbors", sh.file("s"), "snow"}).code == 1);
}

TEST_CASE("path prints hops, kinds and confidence, and that there is none is an answer") {
  const shell sh;
  REQUIRE(sh.import("s", rain).code == 0);
  const auto path = [&](const char* from, const char* to, const char* depth) {
    const auto a = sh.run({"path", sh.file("s"), from, to, "--max-depth", depth, "--json"});
    REQUIRE(a.code == 0);
    return json::parse(a.out);
  };
  CHECK(
    path("rain", "slow traffic", "3")
    == json::parse(R"({"found":true,"hops":1,"path":["rain","slow traffic"],)"
                   R"("kinds":["semantic"],"confidence":0.10000000149011612,"end":"complete"})"));
  const auto two = path("wet street", "slow traffic", "1");
  CHECK(two["kinds"] == json({"slows"}));
  CHECK(two["confidence"] == 0.5);
  CHECK(path("rain", "rain", "0")["hops"] == 0);
  const auto none = path("slow traffic", "rain", "5");
  CHECK(none["found"] == false);
  CHECK(none["path"].empty());
  CHECK(none["hops"].is_null());
  CHECK_THAT(sh.run({"path", sh.file("s"), "slow traffic", "rain"}).out,
             ContainsSubstring("no path within 6 hops"));
  CHECK_THAT(sh.run({"path", sh.file("s"), "rain", "wet street"}).out,
             ContainsSubstring("-[causal 0.5]-> wet street"));
  CHECK(sh.run({"path", sh.file("s"), "rain", "snow"}).code == 1);
}

TEST_CASE("stats counts what there is") {
  const shell sh;
  REQUIRE(sh.import("s", rain).code == 0);
  const auto j = json::parse(sh.run({"stats", sh.file("s"), "--json"}).out);
  CHECK(j["concepts"] == 3);
  CHECK(j["associations"] == 3);
  CHECK(j["sequence"] == 6);
  CHECK(j["durable_sequence"] == 6);
  CHECK(j["segments"].is_number());
  std::uintmax_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(sh.file("s")))
    bytes += entry.file_size();
  CHECK(j["bytes_on_disk"] <= bytes);
  CHECK(j["bytes_on_disk"] > 1000);
  CHECK_THAT(sh.run({"stats", sh.file("s")}).out, ContainsSubstring("concepts             3"));
}

TEST_CASE("a store that is not there is refused by everything but import") {
  const shell sh;
  const std::string none = sh.file("none");
  fs::create_directories(sh.file("empty"));
  for (const std::string& store : {none, sh.file("empty")})
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"export", store},
                                               {"get", store, "a"},
                                               {"neighbors", store, "a"},
                                               {"path", store, "a", "b"},
                                               {"stats", store},
                                               {"verify", store}}) {
      const auto a = sh.run(words);
      CHECK(a.code == 1);
      CHECK_THAT(a.err, ContainsSubstring("no store is there"));
    }
  CHECK_FALSE(fs::exists(none));
  CHECK(fs::is_empty(sh.file("empty")));
}

TEST_CASE("D6: a store in use by another process is not imported to, and the process is named") {
  const shell sh;
  REQUIRE(sh.import("s", rain).code == 0);
  std::array<int, 2> ready{};
  std::array<int, 2> done{};
  REQUIRE(::pipe(ready.data()) == 0);
  REQUIRE(::pipe(done.data()) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) { // holds the store until its input ends; no threads, so fork is enough
    ::close(done[1]);
    const auto lock = env().lock(sh.file("s") + "/LOCK");
    char byte = lock ? 'y' : 'n';
    if (::write(ready[1], &byte, 1) != 1 || ::read(done[0], &byte, 1) != 0)
      ::_exit(1);
    ::_exit(0);
  }
  ::close(done[0]);
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  REQUIRE(byte == 'y');
  const auto refused = sh.run({"import", sh.file("s"), sh.file("s.jsonl")});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err,
             ContainsSubstring("locked") && ContainsSubstring("process " + std::to_string(child)));
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"export", sh.file("s")},
                                             {"path", sh.file("s"), "rain", "wet street"},
                                             {"stats", sh.file("s")}}) {
    const auto a = sh.run(words);
    CHECK(a.code == 0);
    CHECK_THAT(a.err, ContainsSubstring("another process writes")
                        && ContainsSubstring("last checkpoint, sequence 6"));
  }
  ::close(done[1]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(sh.run({"stats", sh.file("s")}).code == 0);
}

TEST_CASE("an output that cannot be written is exit code 1") {
  const shell sh;
  REQUIRE(sh.import("s", rain).code == 0);
  std::ofstream full("/dev/full");
  std::ostringstream err;
  const std::string store = sh.file("s");
  const char* const argv[] = {"cmem", "export", store.c_str()};
  CHECK(run_cli(3, argv, {full, err}, {}) == 1);
  CHECK_THAT(err.str(), ContainsSubstring("cannot be written"));
}

TEST_CASE("every command has help, and a wrong line is exit code 2") {
  const shell sh;
  for (const char* command :
       {"import", "export", "get", "neighbors", "path", "stats", "verify", "inspect"}) {
    const auto a = sh.run({command, "--help"});
    CHECK(a.code == 0);
    CHECK_THAT(a.out, ContainsSubstring("--json"));
    CHECK(sh.run({command}).code == 2);
    CHECK(sh.run({command, "a", "b", "c", "d"}).code == 2);
  }
  CHECK(sh.run({"path", "s", "a", "b", "--max-depth", "1025"}).code == 2);
  CHECK(sh.run({"neighbors", "s", "a", "--limit", "0"}).code == 2);
  CHECK(sh.run({"neighbors", "s", "a", "--min-confidence", "2"}).code == 2);
  CHECK(sh.run({"import", "s", "-", "--dimension", "5000"}).code == 2);
}
