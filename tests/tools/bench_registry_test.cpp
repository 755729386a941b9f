#include "bench/bench.hpp"

#include "bench/benches.hpp"
#include "bench/workbench.hpp"

#include "tests/catch.hpp"

#include <sstream>

using namespace cmem::bench;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a row meets its bar or not") {
  const row ratio{"r", 10, "ns", "push", 4, ratio_at_most(2.5)};
  CHECK(ratio.ratio() == 2.5);
  CHECK(ratio.meets() == true);
  CHECK(ratio.target_text() == "<= 2.5 x baseline");
  CHECK(row{"r", 11, "ns", "push", 4, ratio_at_most(2.5)}.meets() == false);
  CHECK(row{"r", 8, "ns", "push", 4, ratio_at_least(2.5)}.meets() == false);
  CHECK(row{"r", 10, "ns", "push", 0, ratio_at_most(2.5)}.meets() == false);
  CHECK(row{"r", 10, "ns", "", 0, at_most(10)}.meets() == true);
  CHECK(row{"r", 10, "/s", "", 0, at_least(1'500'000)}.target_text() == ">= 1500000 /s");
  CHECK(row{"r", 10, "/s", "", 0, at_least(11)}.meets() == false);
  CHECK_FALSE(row{"r", 10, "ns"}.meets());
  CHECK_FALSE(row{"r", 10, "ns"}.ratio());
}

TEST_CASE("results are written in the agreed form") {
  outcome o;
  o.rows.push_back({"p50", 10, "ns", "push", 4, ratio_at_most(5)});
  o.rows.push_back({"count", 3, "entries"});
  o.repeats = 2;
  o.notes.push_back("a note");
  const auto j = to_json("append", o);
  CHECK(j["bench"] == "append");
  CHECK(
    j["rows"][0].dump()
    == R"({"baseline":"push","baseline_value":4.0,"meets":true,"name":"p50","ratio":2.5,"target":"<= 5 x baseline","unit":"ns","value":10.0})");
  CHECK(j["rows"][1]["target"].is_null());
  CHECK(j["rows"][1]["meets"].is_null());
  CHECK(j["rows"][1]["baseline"].is_null());
  CHECK(j["repeats"] == 2);
  std::ostringstream out;
  print(out, j);
  for (const char* text :
       {"append", "<= 5 x baseline", "yes", "repeated because of preemption: 2", "a note"})
    CHECK_THAT(out.str(), ContainsSubstring(text));
}

TEST_CASE("a graph is named by what was measured, whatever was asked for") {
  options o;
  CHECK(rmat_name(rmat_scale(o)) == "RMAT scale 20, 16M");
  CHECK(rmat_name(rmat_scale(o, 17)) == "RMAT scale 17, 2M");
  o.scale = 0.02;
  CHECK(rmat_name(rmat_scale(o)) == "RMAT scale 14, 256K");
  o.scale = 1e-9;
  CHECK(rmat_scale(o) == 8);
  o.scale = 1e-4;
  const outcome measured = compressed(o);
  REQUIRE_FALSE(measured.rows.empty());
  for (const row& r : measured.rows)
    CHECK_THAT(r.name, ContainsSubstring("RMAT scale 8, 4K"));
}

TEST_CASE("medians") {
  CHECK(median({3}) == 3);
  CHECK(median({5, 1, 3}) == 3);
  CHECK(median({4, 1, 3, 2}) == 2);
}

TEST_CASE("baseline and subject take turns") {
  std::string order;
  outcome o;
  int n = 0;
  const auto c = compare(
    [&] {
      order += 's';
      return double(++n);
    },
    [&] {
      order += 'b';
      return 7.0;
    },
    o, 3);
  CHECK(c.baseline == 7.0);
  CHECK(c.subject >= 1);
  // A repeated window appears twice in a row; without repeats they alternate.
  CHECK(order.substr(0, 1) == "b");
  CHECK(order.size() == 6 + o.repeats);
}

TEST_CASE("an unknown benchmark is a usage error that names the known ones") {
  std::ostringstream out, err;
  CHECK(command({{"no_such"}, false, false, 1}, {out, err, false}) == cmem::tools::exit_usage);
  CHECK_THAT(err.str(), ContainsSubstring("no_such") && ContainsSubstring("headline"));
  CHECK(command({{}, false, true, 1}, {out, err, false}) == cmem::tools::exit_ok);
  CHECK_THAT(out.str(), ContainsSubstring("headline\n"));
}
