#include "tools/runner.hpp"

#include "tests/catch.hpp"
#include "tests/tools/fake_target.hpp"
#include "tools/pacer.hpp"

using namespace cmem;
using namespace cmem::tools;
using Catch::Matchers::ContainsSubstring;
using cmem::test::fake_target;
using cmem::test::short_phase;

namespace {

dataset small_data() {
  data_spec spec;
  spec.concepts = 500;
  spec.degree = 3;
  spec.content_bytes = 20;
  return make_synthetic(spec);
}

std::unique_ptr<scenario_target> memory(const memory_spec& spec = {}) {
  auto made = make_memory_target(spec, 0);
  INFO((made ? "" : made.error().detail));
  REQUIRE(made);
  return std::move(*made);
}

run_report run(const std::vector<phase>& phases, scenario_target& target, double preload = 0,
               const run_hooks& hooks = {}) {
  static const dataset data = small_data();
  scenario s;
  s.phases = phases;
  s.preload = preload;
  auto report = run_scenario(s, data, target, hooks);
  REQUIRE(report);
  return *report;
}

void spin_for(std::int64_t ns) { wait_until(monotonic_ns() + ns, ns); }

} // namespace

TEST_CASE("a run does what is due, no less and no more") {
  fake_target target;
  const auto report = run({short_phase(1'000, 500), short_phase(0, 200)}, target);
  REQUIRE(report.phases.size() == 2);
  const auto& p = report.phases[0];
  CHECK(p.writes.due == 100);
  CHECK(p.writes.done <= 100);
  CHECK(p.writes.done >= 50); // the rest may fall victim to a busy machine
  CHECK(p.reads.due == 50);
  CHECK(report.phases[1].writes.due == 0);
  CHECK(report.phases[1].writes.done == 0);
  CHECK(report.phases[1].reads.due == 20);
  CHECK(target.written == p.writes.done);
  std::uint64_t writes = 0;
  for (const auto& o : report.write_operations)
    writes += o.service.count;
  CHECK(writes == p.writes.done);
  CHECK(target.finds == p.reads.done + report.phases[1].reads.done);
  CHECK(target.finished);
  CHECK(report.missed.empty());
  CHECK_FALSE(report.interrupted);
}

TEST_CASE("latency counts from when an operation was due, so a stall shows in all that waited") {
  fake_target target;
  constexpr std::int64_t stall = 60'000'000;
  target.on_write = [](std::uint64_t number, const write_op&) -> result<ticket> {
    if (number == 20)
      spin_for(stall);
    return ticket{number, 0, 0};
  };
  auto p = short_phase(1'000, 0, 0.2);
  p.write_weights = {1};
  const auto report = run({p}, target);
  const auto& o = report.phases[0].write_operations.at(0);
  CHECK(o.service.max >= stall);
  // Some 60 of 200 were due during the stall: a third waited on average 30 ms.
  CHECK(o.latency.p99 >= stall / 2);
  CHECK(o.latency.p50 <= o.latency.p99);
  CHECK(o.latency.count == o.service.count);
}

TEST_CASE("a rejected write is not repeated when paced, and tried again when not") {
  fake_target target;
  target.on_write = [](std::uint64_t number, const write_op&) -> result<ticket> {
    if (number % 2 == 0)
      return failure{errc::overloaded, "full"};
    return ticket{number, 0, 0};
  };
  SECTION("paced") {
    const auto report = run({short_phase(500, 0)}, target);
    const auto& a = report.accounting;
    CHECK(a.attempts == a.accepted + a.rejected);
    CHECK(a.rejected >= a.accepted - 1);
    CHECK(report.phases[0].rejected == a.rejected);
    CHECK(report.phases[0].writes.done == a.accepted);
    CHECK(report.missed.empty());
  }
  SECTION("unpaced") {
    auto p = short_phase(0, 0);
    p.writes = {0, true};
    std::vector<const char*> contents;
    p.write_weights = {1};
    target.on_write = [&](std::uint64_t number, const write_op& o) -> result<ticket> {
      contents.push_back(std::get<op::learn_concept>(o).content.data());
      if (number % 2 == 0)
        return failure{errc::overloaded, "full"};
      return ticket{number, 0, 0};
    };
    const auto report = run({p}, target);
    CHECK(report.accounting.rejected > 0);
    CHECK(report.missed.empty());
    REQUIRE(contents.size() > 3);
    CHECK(contents[1] == contents[2]); // the same again
    CHECK(contents[0] != contents[1]);
  }
}

TEST_CASE("any other refusal is a miss that says why") {
  fake_target target;
  target.on_write = [](std::uint64_t number, const write_op&) -> result<ticket> {
    if (number == 1)
      return failure{errc::invalid_argument, "confidence is 7"};
    return ticket{number, 0, 0};
  };
  const auto report = run({short_phase(200, 0)}, target);
  CHECK(report.accounting.refused == 1);
  REQUIRE(report.missed.size() == 1);
  CHECK_THAT(report.missed[0], ContainsSubstring("confidence is 7"));
}

TEST_CASE("an entry that vanished or came twice does not add up") {
  for (const int difference : {-1, 1}) {
    fake_target target;
    target.on_counters = [difference](target_counters& c) {
      c.applied = static_cast<std::uint64_t>(static_cast<std::int64_t>(c.applied) + difference);
    };
    const auto report = run({short_phase(200, 0)}, target);
    REQUIRE(report.missed.size() == 1);
    CHECK_THAT(report.missed[0], ContainsSubstring("accounting: written"));
  }
}

TEST_CASE("the preload learns its share of the data, concepts first") {
  fake_target target;
  std::vector<bool> concepts;
  target.on_write = [&](std::uint64_t number, const write_op& o) -> result<ticket> {
    concepts.push_back(std::holds_alternative<op::learn_concept>(o));
    return ticket{number, 0, 0};
  };
  const auto report = run({short_phase(0, 10)}, target, 0.5);
  CHECK(report.preloaded == 250 + 750);
  REQUIRE(concepts.size() == 1'000);
  CHECK(std::count(concepts.begin(), concepts.begin() + 250, true) == 250);
  CHECK(std::count(concepts.begin() + 250, concepts.end(), true) == 0);
  CHECK(report.missed.empty());
  CHECK(target.kinds.size() == 5);
  CHECK(target.preloading_at == std::vector<std::uint64_t>{0, 1'000}); // it is told of both ends
}

TEST_CASE("a failure that no call returned is a miss") {
  fake_target target;
  target.failure_unseen = "a query failed";
  const auto report = run({short_phase(0, 10)}, target);
  REQUIRE(report.missed.size() == 1);
  CHECK(report.missed[0] == "a query failed");
}

TEST_CASE("staleness runs from the append until the entry is visible; what was dropped has none") {
  fake_target target;
  constexpr std::int64_t delay = 5'000'000;
  std::array<std::atomic<std::int64_t>, 1'000> written{};
  target.on_write = [&](std::uint64_t number, const write_op&) -> result<ticket> {
    written[number % 1'000] = monotonic_ns();
    return ticket{number, 0, 0};
  };
  target.on_outcome = [&](const ticket& t) {
    if (t.number % 2 == 0)
      return fate::dropped;
    return monotonic_ns() - written[t.number % 1'000] >= delay ? fate::applied : fate::pending;
  };
  const auto report = run({short_phase(500, 0)}, target);
  const auto& p = report.phases[0];
  CHECK(p.staleness.count > 0);
  CHECK(p.staleness.count <= p.writes.done / 2 + 1);
  CHECK(p.staleness.p50 >= delay);
}

TEST_CASE("an interruption ends a run early and is reported") {
  fake_target target;
  run_hooks hooks;
  int asked = 0;
  hooks.interrupted = [&asked] { return ++asked > 1; };
  const std::int64_t start = monotonic_ns();
  const auto report =
    run({short_phase(100, 100, 600), short_phase(100, 100, 600)}, target, 0, hooks);
  CHECK(monotonic_ns() - start < 300'000'000'000);
  CHECK(report.interrupted);
  REQUIRE(report.phases.size() == 1);
  CHECK(report.phases[0].seconds < 300);
  CHECK(target.finished);
  CHECK(report.missed.empty()); // the accounting holds all the same
}

TEST_CASE("phases last as long as the scale says, and a live line is told") {
  fake_target target;
  run_hooks hooks;
  hooks.time_scale = 0.01;
  std::vector<live_state> shown;
  hooks.on_live = [&shown](const live_state& s) { shown.push_back(s); };
  const auto report = run({short_phase(1'000, 0, 10)}, target, 0, hooks);
  CHECK(report.phases[0].seconds == Approx(0.1));
  REQUIRE_FALSE(shown.empty());
  CHECK(shown[0].phase == "test");
  CHECK(shown[0].target == "fake");
  CHECK(shown[0].seconds_total == Approx(0.1));
}

TEST_CASE("the timeline holds every operation once") {
  fake_target target;
  const auto report = run({short_phase(2'000, 1'000), short_phase(100, 3'000)}, target);
  std::uint64_t writes = 0, reads = 0;
  double last = -1;
  for (const auto& t : report.timeline) {
    writes += t.writes;
    reads += t.reads;
    CHECK(t.start_seconds > last);
    last = t.start_seconds;
  }
  CHECK(writes == report.phases[0].writes.done + report.phases[1].writes.done);
  CHECK(reads == report.phases[0].reads.done + report.phases[1].reads.done);
}

TEST_CASE("a query that the target does not offer is refused before anything is learned") {
  fake_target target;
  auto p = short_phase(100, 100);
  p.query_weights[static_cast<std::size_t>(query_kind::subgraph)] = 1;
  scenario s;
  s.preload = 1;
  s.phases = {p};
  const auto report = run_scenario(s, small_data(), target, {});
  REQUIRE_FALSE(report);
  CHECK(
    report.error()
    == failure{errc::unsupported,
               "phase \"test\" asks for subgraph, which is not offered by fake: leave it out of "
               "query_mix, or run without that"});
  CHECK(target.written == 0);
  // Known of each before one is made.
  CHECK(check_offered(s, target_kind::memory));
  CHECK(check_offered(s, target_kind::mutex_map));
  for (const target_kind peer : {target_kind::lmdb, target_kind::rocksdb, target_kind::sqlite})
    CHECK(check_offered(s, peer).error().code == errc::unsupported);
  s.phases[0].query_weights[static_cast<std::size_t>(query_kind::search)] = 1;
  CHECK(check_offered(s, target_kind::memory));
  CHECK(check_offered(s, target_kind::mutex_map).error().code == errc::unsupported);
  s.phases[0].reads = {};
  CHECK(check_offered(s, target));
}

TEST_CASE("the map behind a mutex takes every operation and accounts for it") {
  const auto target = make_mutex_map_target(500);
  auto p = short_phase(5'000, 1'000);
  p.write_weights = {20, 50, 8, 5, 8, 3, 3, 2, 2};
  p.query_weights.fill(1);
  p.query_weights[static_cast<std::size_t>(query_kind::search)] = 0; // it has no words
  p.writers = 2;
  p.readers = 2;
  const auto report = run({p}, *target, 0.5);
  CHECK(report.missed.empty());
  CHECK(report.phases[0].staleness.count > 0);
  CHECK(report.phases[0].queries.size() == query_kinds - 1);
  CHECK(report.accounting.target.concepts > 0);
}

TEST_CASE("the memory takes every operation and accounts for it") {
  const auto target = memory();
  auto p = short_phase(5'000, 1'000, 0.3);
  p.write_weights = {20, 50, 8, 5, 8, 3, 3, 2, 2};
  p.query_weights.fill(1);
  p.writers = 2;
  p.readers = 2;
  const auto report = run({p}, *target, 0.5);
  CHECK(report.missed.empty());
  CHECK(report.phases[0].staleness.count > 0);
  CHECK(report.phases[0].queries.size() == query_kinds);
  CHECK(report.accounting.target.concepts > 0);
  CHECK(report.accounting.target.snapshots > 0);
}

TEST_CASE("a memory that overflows under drop_oldest accounts for every entry") {
  memory_spec spec;
  spec.log_capacity = 100;
  spec.reconcile_interval_ms = 1'000;
  const auto target = memory(spec);
  auto p = short_phase(0, 0, 0.2);
  p.writes = {0, true};
  p.writers = 2;
  const auto report = run({p}, *target);
  CHECK(report.accounting.target.dropped > 0);
  CHECK(report.missed.empty());
}

TEST_CASE("a memory that overflows under reject drops nothing") {
  memory_spec spec;
  spec.log_capacity = 100;
  spec.overflow = overflow_policy::reject;
  const auto target = memory(spec);
  auto p = short_phase(0, 0, 0.2);
  p.writes = {0, true};
  const auto report = run({p}, *target);
  CHECK(report.accounting.target.rejected > 0);
  CHECK(report.accounting.target.dropped == 0);
  CHECK(report.missed.empty());
}
