#include "tools/report.hpp"

#include "tests/catch.hpp"
#include "tools/live_line.hpp"
#include "tools/plot.hpp"
#include "tools/svg.hpp"

#include <sstream>

using namespace cmem::tools;
using Catch::Matchers::ContainsSubstring;

namespace {

accounting_report good_accounting() {
  accounting_report a;
  a.attempts = 113;
  a.accepted = 100;
  a.rejected = 10;
  a.refused = 3;
  a.target.written = 100;
  a.target.applied = 90;
  a.target.failed = 4;
  a.target.dropped = 6;
  a.target.rejected = 10;
  return a;
}

scenario_report small_report() {
  scenario_report report;
  report.scenario = "a <b> & \"c\"";
  report.description = "x\x01y";
  report.data = "synthetic";
  run_report run;
  run.target = "memory";
  run.accounting = good_accounting();
  phase_report p;
  p.name = "first & last";
  p.seconds = 2;
  p.writes = {{100, false}, 200, 150, 75, 1};
  p.reads = {{0, true}, 0, 1'234'567, 600'000, 2};
  p.write_operations.push_back(
    {"learn_concept", {150, 90, 800, 2'000, 9'000}, {150, 100, 900, 3'000, 1'500'000}, 0});
  p.queries.push_back({"find", {10, 50, 60, 70, 80}, {10, 50, 60, 70, 80}, 9});
  p.staleness = {100, 5'000'000, 12'000'000, 13'000'000, 14'000'000};
  run.phases.push_back(p);
  run.write_operations = p.write_operations;
  for (std::size_t i = 0; i < 4; ++i) {
    timeline_point t;
    t.start_seconds = 0.5 * static_cast<double>(i);
    t.seconds = 0.5;
    t.writes = 40;
    t.reads = 300'000;
    t.queries[0] = {10, 50, 60, 70, 80};
    t.staleness = p.staleness;
    run.timeline.push_back(t);
  }
  report.runs.push_back(run);
  return report;
}

/// Checks that tags nest and attributes are quoted; empty when well-formed.
std::string ill_formed(const std::string& xml) {
  std::vector<std::string> open;
  std::size_t roots = 0;
  for (std::size_t at = 0; at < xml.size();) {
    if (static_cast<unsigned char>(xml[at]) < 0x20 && xml[at] != '\n')
      return "control character";
    if (xml[at] == '&') {
      const std::string rest = xml.substr(at, 6);
      bool known = false;
      for (const char* e : {"&amp;", "&lt;", "&gt;", "&quot;"})
        known |= rest.rfind(e, 0) == 0;
      if (!known)
        return "bare & at " + rest;
    }
    if (xml[at] != '<') {
      if (open.empty() && roots != 0 && xml[at] != '\n')
        return "text outside of the root";
      ++at;
      continue;
    }
    std::size_t end = at + 1;
    bool quoted = false;
    for (; end < xml.size() && (quoted || xml[end] != '>'); ++end) {
      quoted ^= xml[end] == '"';
      if (xml[end] == '<')
        return "< inside of a tag";
    }
    if (end == xml.size())
      return "open tag at the end";
    const std::string tag = xml.substr(at + 1, end - at - 1);
    const std::string name =
      tag.substr(tag[0] == '/' ? 1 : 0, tag.find_first_of(" /", 1) - (tag[0] == '/' ? 1 : 0));
    if (tag[0] == '/') {
      if (open.empty() || open.back() != name)
        return "unexpected </" + name + ">";
      open.pop_back();
    } else if (tag[0] != '?') {
      roots += open.empty() ? 1U : 0U;
      if (tag.back() != '/')
        open.push_back(name);
    }
    at = end + 1;
  }
  return open.empty() && roots == 1 ? "" : "unclosed or several roots";
}

} // namespace

TEST_CASE("accounting that adds up says nothing") { CHECK(good_accounting().difference().empty()); }

TEST_CASE("every sum of the accounting is checked") {
  const auto difference_after = [](auto&& change) {
    auto a = good_accounting();
    change(a);
    return a.difference();
  };
  CHECK_THAT(difference_after([](auto& a) { ++a.attempts; }), ContainsSubstring("attempts 114"));
  CHECK_THAT(difference_after([](auto& a) { --a.target.applied; }),
             ContainsSubstring("written 100, but"));
  CHECK_THAT(difference_after([](auto& a) { ++a.target.failed; }),
             ContainsSubstring("written 100, but"));
  CHECK_THAT(difference_after([](auto& a) { ++a.target.dropped; }),
             ContainsSubstring("applied + failed + dropped 101"));
  CHECK_THAT(difference_after([](auto& a) {
               ++a.target.written;
               ++a.target.applied;
             }),
             ContainsSubstring("accepted by the call 100, but written 101"));
  CHECK_THAT(difference_after([](auto& a) { ++a.target.rejected; }),
             ContainsSubstring("rejected at the call 10"));
  CHECK_THAT(difference_after([](auto& a) { a.target.pending = 2; }),
             ContainsSubstring("pending at the end 2"));
}

TEST_CASE("expectations that hold are silent, others say value and limit") {
  const auto run = small_report().runs[0];
  expectations e;
  CHECK(missed_expectations(run, e).empty());
  e.dropped_min = 6;
  e.dropped_max = 6;
  e.rate_held_min = 0.75;
  e.append_p999_us_max = 2;
  e.staleness_p99_ms_max = 12;
  CHECK(missed_expectations(run, e).empty());
  e.dropped_min = 7;
  e.dropped_max = 5;
  e.rate_held_min = 0.76;
  e.append_p999_us_max = 1.9;
  e.staleness_p99_ms_max = 11.9;
  const auto missed = missed_expectations(run, e);
  REQUIRE(missed.size() == 5);
  CHECK(missed[0] == "dropped is 6, expected at least 7");
  CHECK(missed[1] == "dropped is 6, expected at most 5");
  CHECK(missed[3]
        == "first & last: writes is 0.75 of the rate, expected at least 0.76 of the rate");
  CHECK(missed[2] == "p99.9 of the learn_concept call is 2 us, expected at most 1.9 us");
  CHECK(missed[4] == "first & last: p99 of staleness is 12 ms, expected at most 11.9 ms");
}

TEST_CASE("a report is ok when nothing is missed and nothing was cut short") {
  auto report = small_report();
  CHECK(report.ok());
  report.runs[0].interrupted = true;
  CHECK_FALSE(report.ok());
  CHECK(report.interrupted());
  report.runs[0].interrupted = false;
  report.runs[0].missed.push_back("something");
  CHECK_FALSE(report.ok());
}

TEST_CASE("the JSON holds what the report does") {
  const auto j = to_json(small_report());
  CHECK(j["ok"] == true);
  CHECK(j["interrupted"] == false);
  const auto& run = j["runs"][0];
  CHECK(run["accounting"]["adds_up"] == true);
  CHECK(run["accounting"]["dropped"] == 6);
  const auto& p = run["phases"][0];
  CHECK(p["writes"]["wanted_per_s"] == 100.0);
  CHECK(p["reads"]["wanted_per_s"] == "max");
  CHECK(p["write_operations"]["learn_concept"]["append"]["p999_ns"] == 2'000);
  CHECK(p["write_operations"]["learn_concept"]["since_due"]["max_ns"] == 1'500'000);
  CHECK(p["queries"]["find"]["found"] == 9);
  CHECK(p["staleness"]["p99_ns"] == 12'000'000);
  CHECK(run["timeline"].size() == 4);
  // Control characters and quotes survive the way to text and back.
  CHECK(nlohmann::json::parse(j.dump()) == j);
}

TEST_CASE("the tables show figures and failures") {
  auto report = small_report();
  report.runs[0].missed.push_back("the bar");
  report.runs[0].interrupted = true;
  std::ostringstream out;
  print(out, report);
  for (const char* text :
       {"writes: 75/s of 100 wanted, 1 thread; 50 of 200 not done", "600,000/s of max wanted",
        "learn_concept, the call", "2.00 µs", "1.50 ms", "staleness", "find found 9 of 10",
        "100 written = 90 applied + 4 failed + 6 dropped; 10 rejected", "it adds up",
        "MISSED: the bar", "INTERRUPTED"})
    CHECK_THAT(out.str(), ContainsSubstring(text));
}

TEST_CASE("durations and counts are written for people") {
  CHECK(show_duration(0) == "0 ns");
  CHECK(show_duration(999) == "999 ns");
  CHECK(show_duration(1'000) == "1.00 µs");
  CHECK(show_duration(12'345) == "12.3 µs");
  CHECK(show_duration(999'999) == "1.00 ms");
  CHECK(show_duration(123'456'789) == "123 ms");
  CHECK(show_duration(61'000'000'000) == "61.0 s");
  CHECK(show_count(0) == "0");
  CHECK(show_count(999) == "999");
  CHECK(show_count(1'000) == "1,000");
  CHECK(show_count(1'234'567) == "1,234,567");
}

TEST_CASE("the live line says where the run is") {
  live_state s;
  s.target = "memory";
  s.phase = "learn";
  s.seconds = 1.25;
  s.seconds_total = 30;
  s.writes_per_second = 2'000;
  s.reads_per_second = 10;
  s.dropped = 5;
  CHECK(live_text(s)
        == "memory    1.2/30 s  learn: 2,000 w/s, 10 r/s, staleness p99 -, pending 0, dropped 5");
  std::ostringstream out;
  {
    live_line line(out);
    line.show(s);
  }
  CHECK(out.str() == "\r\033[K" + live_text(s) + "\r\033[K");
  std::ostringstream silent;
  { live_line line(silent); }
  CHECK(silent.str().empty());
}

TEST_CASE("the checker of XML sees what is wrong") {
  CHECK(ill_formed("<a><b c=\"d\"/></a>").empty());
  CHECK_FALSE(ill_formed("<a><b></a>").empty());
  CHECK_FALSE(ill_formed("<a>&x</a>").empty());
  CHECK_FALSE(ill_formed("<a/><b/>").empty());
  CHECK_FALSE(ill_formed("<a b=\"<\"/>").empty());
}

TEST_CASE("the plot is well-formed, with axes, units, legends and phases") {
  auto report = small_report();
  SECTION("one run") {}
  SECTION("two together") { report.runs.push_back(report.runs[0]); }
  SECTION("nothing was measured") {
    report.runs[0].timeline.clear();
    report.runs[0].phases.clear();
  }
  const std::string svg = plot_svg(report);
  CHECK(ill_formed(svg) == "");
  CHECK_THAT(svg, ContainsSubstring("a &lt;b&gt; &amp; &quot;c&quot;: x y"));
  for (const char* text : {"operations per second", "latency", "staleness", ">writes<", ">reads<"})
    CHECK_THAT(svg, ContainsSubstring(text));
  if (!report.runs[0].phases.empty()) {
    CHECK_THAT(svg, ContainsSubstring(">find<"));
    CHECK_THAT(svg, ContainsSubstring("first &amp; last"));
    CHECK_THAT(svg, ContainsSubstring(">10 ms<"));
    CHECK_THAT(svg, ContainsSubstring(">2 s<"));
  }
  CHECK(svg.find("nan") == std::string::npos);
  CHECK(svg.find("inf") == std::string::npos);
}

TEST_CASE("several targets are drawn in the same charts, the memory first and on top") {
  auto report = small_report();
  for (const char* name : {"mutex_map", "lmdb", "rocksdb", "sqlite"}) {
    report.runs.push_back(report.runs[0]);
    report.runs.back().target = name;
  }
  const std::string svg = plot_svg(report);
  CHECK(ill_formed(svg) == "");
  std::size_t at = 0;
  for (const char* name : {">memory<", ">mutex_map<", ">lmdb<", ">rocksdb<", ">sqlite<"}) {
    const std::size_t next = svg.find(name);
    REQUIRE(next != std::string::npos);
    CHECK(next > at);
    CHECK(svg.find(name, next + 1) == std::string::npos); // one legend for all charts
    at = next;
  }
  CHECK_THAT(svg, !ContainsSubstring(">neighbors<")); // nobody asked
  // Each chart: five lines, the thick one behind the others in the document.
  std::size_t thin = 0, thick = 0;
  for (std::size_t i = svg.find("<polyline"); i != std::string::npos;
       i = svg.find("<polyline", i + 1)) {
    const std::string tag = svg.substr(i, svg.find('>', i) - i);
    if (tag.find("stroke-width:1.5") != std::string::npos) {
      ++thin;
    } else if (tag.find("stroke-width:2.6") != std::string::npos) {
      ++thick;
      CHECK(thin == 4 * thick);
    }
  }
  CHECK(thick == 4); // writes, reads, find, staleness
}

TEST_CASE("text in XML is escaped") {
  CHECK(xml_escaped("a<b>&\"c\"\n") == "a&lt;b&gt;&amp;&quot;c&quot; ");
}
