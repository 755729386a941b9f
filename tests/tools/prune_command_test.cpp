// `cmem prune`, as a user types it.

#include "tests/tools/store_shell.hpp"

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string marked =
  R"({"type":"concept","id":"old news","content":"rain","attributes":{"cmem.expires_at":"2020-01-01T00:00:00Z"}})"
  "\n"
  R"({"type":"concept","id":"anchor","content":"sun","attributes":{"cmem.expires_at":"2020-01-01T00:00:00Z","cmem.pinned":"true"}})"
  "\n"
  R"({"type":"concept","id":"weak","content":"mist","strength":0.25})"
  "\n"
  R"({"type":"concept","id":"fine","content":"snow"})"
  "\n";

std::string all_bytes(const std::string& directory) {
  std::string all;
  for (const auto& entry : fs::directory_iterator(directory)) {
    std::ifstream in(entry.path(), std::ios::binary);
    all += entry.path().filename().string();
    all.append(std::istreambuf_iterator<char>(in), {});
  }
  return all;
}

} // namespace

TEST_CASE("a dry run says what would go and why, and writes nothing") {
  const shell sh;
  REQUIRE(sh.import("s", marked).code == 0);
  const std::string before = sh.exported("s");
  const auto a = sh.run({"prune", sh.file("s"), "--dry-run", "--min-strength", "0.5", "--json"});
  INFO(a.err);
  REQUIRE(a.code == 0);
  const auto j = json::parse(a.out);
  CHECK(j["dry_run"] == true);
  CHECK(j["concepts"] == 4);
  CHECK(j["expired"] == 1);
  CHECK(j["faded"] == 1);
  CHECK(j["unused"] == 0);
  CHECK(j["pinned"] == 1);
  CHECK(j["payload_bytes"] == 8);
  CHECK(j["forgotten"] == 0);
  REQUIRE(j["due"].size() == 2);
  for (const auto& d : j["due"])
    if (d["name"] == "old news") {
      CHECK(d["reason"] == "expired");
      CHECK(d["expires_at"] == "2020-01-01T00:00:00Z");
    } else {
      CHECK(d["name"] == "weak");
      CHECK(d["reason"] == "faded");
      CHECK(d["strength"] == 0.25);
    }
  CHECK(sh.exported("s") == before);
  const auto text =
    sh.run({"prune", sh.file("s"), "--dry-run", "--min-strength", "0.5", "--limit", "1"});
  CHECK_THAT(text.out, ContainsSubstring("and 1 more, see --limit")
                         && ContainsSubstring("2 of 4 concepts would go: 1 expired, 1 faded"));
}

TEST_CASE("pruning forgets, and a compaction takes it from the files") {
  const shell sh;
  REQUIRE(sh.import("s", marked).code == 0);
  const auto kept = sh.run({"prune", sh.file("s"), "--keep-expired"});
  CHECK(kept.code == 0);
  CHECK_THAT(kept.out, ContainsSubstring("0 of 4 concepts were due"));
  const auto a = sh.run({"prune", sh.file("s")});
  INFO(a.err);
  REQUIRE(a.code == 0);
  CHECK_THAT(a.out,
             ContainsSubstring("old news: expired") && ContainsSubstring("1 were forgotten"));
  CHECK(sh.run({"get", sh.file("s"), "old news"}).code == 1);
  CHECK(sh.run({"get", sh.file("s"), "anchor"}).code == 0);
  CHECK(sh.run({"get", sh.file("s"), "weak"}).code == 0);
  CHECK_THAT(all_bytes(sh.file("s")), ContainsSubstring("old news"));
  REQUIRE(sh.run({"compact", sh.file("s")}).code == 0);
  CHECK_THAT(all_bytes(sh.file("s")), !ContainsSubstring("old news"));
  CHECK(sh.run({"verify", sh.file("s")}).code == 0);
}

TEST_CASE("durations are read with their units") {
  const shell sh;
  REQUIRE(sh.import("s", marked).code == 0);
  const std::string nothing = sh.write("nothing.jsonl", "");
  for (const auto& [text, seconds] :
       {std::pair("3600", 3'600), std::pair("7s", 7), std::pair("90m", 5'400),
        std::pair("12h", 43'200), std::pair("90d", 7'776'000), std::pair("2w", 1'209'600),
        std::pair("1y", 31'557'600)}) {
    INFO(text);
    REQUIRE(sh.run({"import", sh.file("s"), nothing, "--half-life", text}).code == 0);
    const auto stats = sh.run({"stats", sh.file("s"), "--json"});
    CHECK(json::parse(stats.out)["strength_half_life_s"] == seconds);
  }
  for (const char* bad : {"soon", "-1", "1x"})
    CHECK(sh.run({"prune", sh.file("s"), "--dry-run", "--unused-for", bad}).code == 2);
}

TEST_CASE("what was not accessed for so long is named as unused") {
  const shell sh;
  fs::copy("tests/data/store-v2", sh.file("s")); // of November 2023
  const auto named = [&](const char* for_so_long) {
    const auto a =
      sh.run({"prune", sh.file("s"), "--dry-run", "--unused-for", for_so_long, "--json"});
    INFO(a.err);
    REQUIRE(a.code == 0);
    const auto j = json::parse(a.out);
    CHECK(j["unused"].get<std::size_t>() == j["due"].size());
    return j["concepts"].get<std::size_t>() - j["due"].size();
  };
  CHECK(named("90d") == 0);
  CHECK(named("100y") > 0);           // all of them stay
  CHECK(named("0") == named("100y")); // no such rule
}

TEST_CASE("prune says what keeps it from its work") {
  const shell sh;
  const auto absent = sh.run({"prune", sh.file("nowhere")});
  CHECK(absent.code == 1);
  CHECK_THAT(absent.err, ContainsSubstring("nowhere"));
  CHECK_FALSE(fs::exists(sh.file("nowhere")));
  REQUIRE(sh.import("s", marked).code == 0);
  CHECK(sh.run({"prune", sh.file("s"), "--min-strength", "-1"}).code == 2);
  const auto bad =
    sh.import("t", R"({"type":"concept","id":"a","attributes":{"cmem.expires_at":"tomorrow"}})");
  CHECK(bad.code == 1);
  CHECK_THAT(bad.err,
             ContainsSubstring("cmem.expires_at") && ContainsSubstring("2027-01-31T08:00:00Z"));
}

TEST_CASE("a half-life is kept by the store, and exports are what is left") {
  const shell sh;
  const std::string line = R"({"type":"concept","id":"a","content":"x","strength":8})";
  const auto made = sh.run({"import", sh.file("s"), sh.write("l", line), "--half-life", "100y"});
  INFO(made.err);
  REQUIRE(made.code == 0);
  const auto stats = sh.run({"stats", sh.file("s"), "--json"});
  CHECK(json::parse(stats.out)["strength_half_life_s"] == 3'155'760'000U);
  CHECK(sh.run({"import", sh.file("t"), sh.write("l", line), "--half-life", "101y"}).code == 2);
  const auto get = sh.run({"get", sh.file("s"), "a", "--json"});
  CHECK(json::parse(get.out)["strength"].get<double>() == Approx(8.0));
}
