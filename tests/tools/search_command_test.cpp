// search as a user types it.

#include "tests/tools/store_shell.hpp"

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string weather =
  R"({"type":"concept","id":"rain","content":"water that falls from clouds","vector":[1,0],"confidence":0.9,"attributes":{"kind":"noun"}}
{"type":"concept","id":"raincoat","content":"a coat against water","vector":[0.8,0.6],"attributes":{"kind":"noun"}}
{"type":"concept","id":"fall","content":"to come down","vector":[0,1],"strength":0.5,"attributes":{"kind":"verb"}}
{"type":"concept","id":"desert","content":"no water at all"}
{"type":"association","source":"rain","target":"fall","kind":"semantic","confidence":0.5}
)";

struct weather_shell : shell {
  weather_shell() { REQUIRE(import("s", weather).code == 0); }
  [[nodiscard]] answer ask(std::vector<std::string> words, const std::string& input = "") const {
    words.insert(words.begin(), {"search", file("s")});
    return run(words, input);
  }
  [[nodiscard]] json hits(std::vector<std::string> words, const std::string& input = "") const {
    words.emplace_back("--json");
    const auto a = ask(words, input);
    INFO(a.err);
    REQUIRE(a.code == 0);
    return json::parse(a.out)["hits"];
  }
  [[nodiscard]] std::vector<std::string> names(std::vector<std::string> words,
                                               const std::string& input = "") const {
    std::vector<std::string> all;
    for (const auto& h : hits(std::move(words), input))
      all.push_back(h["name"]);
    return all;
  }
};

using list = std::vector<std::string>;

} // namespace

TEST_CASE("search prefers what bears the whole name, and finds it where that has no words") {
  shell s;
  REQUIRE(s.import("s", R"({"type":"concept","id":"rain","content":"what falls from clouds"}
{"type":"concept","id":"drizzle","content":"rain rain rain"}
{"type":"concept","id":"***","content":"stars"}
)")
            .code
          == 0);
  const auto found = json::parse(s.run({"search", s.file("s"), "rain", "--json"}).out)["hits"];
  REQUIRE(found.size() == 2);
  CHECK(found[0]["name"] == "rain");
  CHECK(found[0]["by"]["text"]["rank"] == 2);
  CHECK(found[0]["by"]["name"]["rank"] == 1);
  CHECK_THAT(s.run({"search", s.file("s"), "***"}).out, ContainsSubstring("stars"));
}

TEST_CASE("search shows the beginning of long content, and cuts no character") {
  shell s;
  std::string content = "x";
  for (int i = 0; i != 150; ++i)
    content += "ä";
  REQUIRE(s.import("s", R"({"type":"concept","id":"long","content":")" + content + "\"}\n").code
          == 0);
  const auto shown = s.run({"search", s.file("s"), "long"}).out;
  CHECK_THAT(shown, ContainsSubstring(content.substr(0, 199) + " …"));
}

TEST_CASE("search finds by words of content and name") {
  const weather_shell s;
  CHECK(s.names({"clouds"}) == list{"rain"});
  CHECK(s.names({"water", "CLOUDS"}).front() == "rain");
  CHECK(s.names({"water", "clouds", "--all-words"}) == list{"rain"});
  const auto found = s.hits({"rain"});
  REQUIRE(found.size() == 1);
  CHECK(found[0]["by"]["text"]["rank"] == 1);
  CHECK(found[0]["name"] == "rain");
  CHECK(found[0]["content"] == "water that falls from clouds");
  CHECK(s.hits({"snow"}).empty());
  CHECK_THAT(s.ask({"snow"}).out, ContainsSubstring("nothing is found"));
}

TEST_CASE("search finds by a vector from a file or standard input") {
  const weather_shell s;
  const auto file = s.write("v.json", "[0.9,\n 0.1]\n");
  CHECK(s.names({"--vector", file}) == list{"rain", "raincoat", "fall"});
  CHECK(s.names({"--vector", "-"}, "0.1 0.9") == list{"fall", "raincoat", "rain"});
  CHECK(s.names({"--vector", "-", "--metric", "l2", "--limit", "1"}, "0.8,0.6")
        == list{"raincoat"});
  CHECK(s.hits({"--vector", "-", "--metric", "l2"}, "0.8,0.6")[0]["by"]["vector"]["score"] == 0.0);
  CHECK(s.names({"--vector", "-", "--exact", "--metric", "inner-product"}, "2 0").front()
        == "rain");
  CHECK(s.names({"--vector", "-"}, " [ +1 ,\t1e-46 ] \n").front() == "rain");
  const auto large = s.ask({"--vector", "-", "--metric", "inner-product"}, "3e38, 3e38").out;
  CHECK_THAT(large, ContainsSubstring("raincoat  vector #1 4.2e+38")); // beyond a float
}

TEST_CASE("search finds by the beginning of names and by what is near") {
  const weather_shell s;
  CHECK(s.names({"--prefix", "rain"}) == list{"rain", "raincoat"});
  CHECK(s.names({"--prefix", "x"}) == list{});
  CHECK(s.names({"--near", "rain"}) == list{"fall"});
  CHECK(s.names({"--near", "fall"}) == list{"rain"});
}

TEST_CASE("search fuses what it is given into one ranking, and shows each part") {
  const weather_shell s;
  const auto found = s.hits({"water", "--vector", "-", "--near", "fall"}, "1 0");
  REQUIRE(found.size() >= 3);
  CHECK(found[0]["name"] == "rain"); // first by vector and near, and it has the word
  CHECK(found[0]["by"]["vector"]["rank"] == 1);
  CHECK(found[0]["by"]["near"]["rank"] == 1);
  CHECK(found[0]["by"]["text"]["rank"] >= 1);
  const double score = 2.0 / 61 + 1.0 / (60.0 + found[0]["by"]["text"]["rank"].get<double>());
  CHECK(found[0]["score"].get<double>() == Approx(score));
  const auto shown = s.ask({"water", "--vector", "-"}, "1 0").out;
  CHECK_THAT(shown, ContainsSubstring("vector #1 1"));
  CHECK_THAT(shown, ContainsSubstring("    water that falls from clouds\n"));
}

TEST_CASE("search filters whatever it finds") {
  const weather_shell s;
  CHECK(s.names({"--vector", "-", "--attribute", "kind=noun"}, "0 1") == list{"raincoat", "rain"});
  CHECK(s.names({"--vector", "-", "--attribute", "kind=noun", "--min-confidence", "0.95"}, "0 1")
        == list{"raincoat"});
  CHECK(s.names({"--vector", "-", "--min-strength", "0.75"}, "0 1") == list{"raincoat", "rain"});
  CHECK(s.names({"--vector", "-", "--id", "fall", "--id", "rain"}, "1 0") == list{"rain", "fall"});
  CHECK(s.names({"water", "--attribute", "kind=verb"}).empty());
  CHECK(s.names({"water", "--id", "desert"}) == list{"desert"});
  CHECK(s.names({"--near", "rain", "--attribute", "kind=noun"}).empty());
  CHECK(s.names({"--prefix", "rain", "--min-confidence", "0.95"}) == list{"raincoat"});
}

TEST_CASE("search refuses what it cannot look for, and says why") {
  const weather_shell s;
  const auto refusal = [&](std::vector<std::string> words, int code, const char* text,
                           const std::string& input = "") {
    const auto a = s.ask(std::move(words), input);
    CHECK(a.code == code);
    CHECK_THAT(a.err, ContainsSubstring(text));
    CHECK(a.out.empty());
  };
  refusal({}, 2, "nothing to search for");
  refusal({"--vector", s.file("missing")}, 2, "cannot be read");
  refusal({"--vector", "-"}, 2, "has no numbers", "[]");
  refusal({"--vector", "-"}, 2, "\"one\" is no number", "1 one");
  refusal({"--vector", "-"}, 2, "\"\" is no number", "1,,0");
  refusal({"--vector", "-"}, 2, "\"\" is no number", "[1,0,]");
  refusal({"--vector", "-"}, 2, "1e400 is beyond what a number holds", "0 1e400");
  refusal({"--vector", "-"}, 2, "1e39 is beyond what a number holds", "0 1e39");
  refusal({"--vector", "-"}, 2, "\"+-1\" is no number", "+-1 0");
  refusal({"--vector", "-"}, 2, "longer than 1 MiB", std::string(std::size_t{2} << 20, ' '));
  refusal({"--vector", s.file("s")}, 2, "cannot be read"); // a directory
  refusal({"--vector", "-"}, 2, "dimension", "1 2 3");
  refusal({"--vector", "-"}, 2, "finite", "1 nan");
  refusal({"--vector", "-"}, 2, "zero", "0 0");
  refusal({"--vector", ""}, 2, "--vector");
  refusal({"rain", "--prefix", ""}, 2, "--prefix");
  refusal({"rain", "--id", "snow"}, 1, "snow");
  refusal({"***"}, 2, "no words");
  refusal({"rain", "--attribute", "noun"}, 2, "KEY=VALUE");
  refusal({"rain", "--near", "snow"}, 1, "snow");
  refusal({"rain", "--metric", "euclid"}, 2, "metric");
  refusal({"rain", "--min-confidence", "nan"}, 2, "min-confidence");
  refusal({"rain", "--limit", "0"}, 2, "limit");
}
