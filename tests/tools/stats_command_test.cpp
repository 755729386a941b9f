// `cmem stats`: what is written, kept and searched for what is learned, live and asked.

#include "tests/tools/store_shell.hpp"

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string concepts(int count, std::size_t bytes) {
  std::string lines;
  for (int i = 0; i != count; ++i)
    lines += R"({"type":"concept","id":"c)" + std::to_string(i) + R"(","content":")"
             + std::string(bytes, 'x') + "\"}\n";
  return lines;
}

std::string associations(int count) {
  std::string lines;
  for (int i = 0; i != count; ++i)
    lines += R"({"type":"association","source":"c)" + std::to_string(i)
             + R"(","target":"nobody","kind":"causal"})" + "\n";
  return lines;
}

json stats(const shell& sh) { return json::parse(sh.run({"stats", sh.file("s"), "--json"}).out); }

double ratio(const json& written, const json& asked) {
  return written.get<double>() / asked.get<double>();
}

} // namespace

TEST_CASE("a store that was compacted has one segment, and nothing in it that is not live") {
  const shell sh;
  REQUIRE(sh.import("s", concepts(100, 500)).code == 0);
  REQUIRE(sh.import("s", associations(50) + concepts(10, 20)).code == 0);
  REQUIRE(sh.import("s", rain).code == 0); // names, a vector's absence, placeholders, a kind
  REQUIRE(sh.run({"compact", sh.file("s")}).code == 0);
  const json j = stats(sh);
  CHECK(j["segments"] == 1);
  CHECK(j["live_bytes"] == j["segment_bytes"]);
  CHECK(j["space_amplification"] == 1.0);
  CHECK(j["read_amplification"] == 1.0);
  REQUIRE(j["segment_list"].size() == 1);
  const json& s = j["segment_list"][0];
  CHECK(s["bytes"] == j["segment_bytes"]);
  CHECK(s["records"] == 104); // with the placeholder, for its name
  CHECK(s["forgotten"] == 0);
  CHECK(s["first_sequence"] == 1);
  CHECK(s["last_sequence"] == 166);
  CHECK(s["age_us"] >= 0);
}

TEST_CASE("what is written counts from the first import on") {
  const shell sh;
  REQUIRE(sh.import("s", concepts(100, 500)).code == 0);
  const json one = stats(sh);
  CHECK(one["learned_bytes"] > 50'000);
  CHECK(one["flushed_bytes"] == one["segment_bytes"]);
  CHECK(one["compacted_bytes"] == 0);
  CHECK(one["logged_bytes"] > one["learned_bytes"]);
  REQUIRE(sh.import("s", associations(5)).code == 0);
  REQUIRE(sh.run({"compact", sh.file("s")}).code == 0);
  const json two = stats(sh);
  CHECK(two["learned_bytes"] > one["learned_bytes"]);
  CHECK(two["flushed_bytes"] > one["flushed_bytes"]);
  CHECK(two["compacted_bytes"] >= two["segment_bytes"]);
  for (const json& j : {one, two})
    CHECK(j["write_amplification"].get<double>()
          == Approx(ratio(j["logged_bytes"].get<std::uint64_t>()
                            + j["flushed_bytes"].get<std::uint64_t>()
                            + j["compacted_bytes"].get<std::uint64_t>(),
                          j["learned_bytes"])));
}

TEST_CASE("records that leave a part to older segments cost space and a search more") {
  const shell sh;
  REQUIRE(sh.import("s", concepts(100, 500)).code == 0);
  // The new records have the lists, and leave the contents where they are. They are too few to be
  // compacted.
  REQUIRE(sh.import("s", associations(50)).code == 0);
  const json j = stats(sh);
  REQUIRE(j["segment_list"].size() == 2);
  CHECK(j["read_amplification"] >= 1.5);
  CHECK(j["read_amplification"] < 1.6); // filters let one in 170 through
  CHECK(j["space_amplification"] > 1.05);
  CHECK(j["space_amplification"].get<double>()
        == Approx(ratio(j["segment_bytes"], j["live_bytes"])));
  CHECK(j["segment_list"][0]["records"] == 100);
  CHECK(j["segment_list"][1]["records"] == 51);
  CHECK(j["segment_list"][1]["first_sequence"] == 101);
  const auto again = stats(sh);
  CHECK(again["read_amplification"] == j["read_amplification"]); // the same sample
}

TEST_CASE("what was replaced is kept, and is not live") {
  const shell sh;
  REQUIRE(sh.import("s", concepts(100, 500)).code == 0);
  REQUIRE(sh.import("s", R"({"type":"concept","id":"c7","content":"short"})").code == 0);
  const json j = stats(sh);
  CHECK(j["segment_list"].size() == 2);
  CHECK(j["live_bytes"].get<std::uint64_t>() + 480 < j["segment_bytes"].get<std::uint64_t>());
  CHECK(j["read_amplification"] < 1.1);
}

TEST_CASE("a store without anything has no ratios") {
  const shell sh;
  REQUIRE(sh.import("s", "").code == 0);
  const json j = stats(sh);
  CHECK(j["write_amplification"].is_null());
  CHECK(j["space_amplification"].is_null());
  CHECK(j["read_amplification"].is_null());
  CHECK(j["segment_list"].empty());
  const auto text = sh.run({"stats", sh.file("s")});
  CHECK_THAT(text.out, ContainsSubstring("\nread amplification   -\n"));
  CHECK_THAT(text.out, !ContainsSubstring("forgotten"));
}

TEST_CASE("the text is a table, with the segments below") {
  const shell sh;
  REQUIRE(sh.import("s", concepts(100, 500)).code == 0);
  const auto text = sh.run({"stats", sh.file("s")});
  CHECK(text.code == 0);
  CHECK_THAT(text.out, ContainsSubstring("concepts             100\n")
                         && ContainsSubstring("\nread amplification   1.00\n")
                         && ContainsSubstring("\nspace amplification  1.00\n")
                         && ContainsSubstring("\nwrite amplification  "));
  std::istringstream lines(text.out.substr(text.out.find("\n\nsegment ")));
  std::vector<std::string> table;
  for (std::string line; std::getline(lines, line);)
    if (!line.empty())
      table.push_back(line);
  REQUIRE(table.size() == 2);
  CHECK_THAT(table[0], Catch::Matchers::EndsWith("records  forgotten  sequences  age"));
  CHECK_THAT(table[1], ContainsSubstring("    100          0      1-100  "));
  CHECK(table[0].size() == table[1].size());
}
