// `cmem compact`, as a user types it.

#include "tests/tools/store_shell.hpp"

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

TEST_CASE(
  "a store that was imported into again and again becomes one segment, and stays the same") {
  const shell sh;
  REQUIRE(sh.import("s", rain + large).code == 0);
  REQUIRE(sh.import("s", R"({"type":"concept","id":"rain","content":"other"})").code == 0);
  const std::string before = sh.exported("s");
  const auto a = sh.run({"compact", sh.file("s"), "--json"});
  INFO(a.err);
  REQUIRE(a.code == 0);
  const auto j = json::parse(a.out);
  CHECK(j["segments_before"] == 2);
  CHECK(j["segments"] == 1);
  CHECK(j["sequence"] == 8);
  CHECK(sh.exported("s") == before);
  CHECK(sh.run({"verify", sh.file("s")}).code == 0);
  const auto again = sh.run({"compact", sh.file("s")});
  CHECK(again.code == 0);
  CHECK_THAT(again.out, ContainsSubstring("segments: 1 before, 1 now"));
}

TEST_CASE("compact says what keeps it from its work") {
  const shell sh;
  const auto absent = sh.run({"compact", sh.file("nowhere")});
  CHECK(absent.code == 1);
  CHECK_THAT(absent.err, ContainsSubstring("nowhere"));
  CHECK(sh.run({"compact"}).code == 2);
}
