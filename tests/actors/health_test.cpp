#include "actors/health.hpp"

#include "tests/catch.hpp"

using namespace cmem;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a memory at its limits is healthy") {
  memory_stats s;
  s.write_log.pending = 10'000;
  s.write_log.dropped = 0;
  s.reconciler.lag_us = 100'000;
  const auto report = assess(s, {});
  CHECK(report.healthy);
  CHECK(report.issues.empty());
}

TEST_CASE("one more pending is a write lag, and says what helps") {
  memory_stats s;
  s.write_log.pending = 10'001;
  const auto report = assess(s, {});
  REQUIRE(report.issues.size() == 1);
  CHECK(!report.healthy);
  CHECK(report.issues[0].what == health_concern::write_lag);
  CHECK(report.issues[0].value == 10'001);
  CHECK(report.issues[0].limit == 10'000);
  CHECK_THAT(report.issues[0].advice,
             ContainsSubstring("10001 entries are pending, more than 10000")
               && ContainsSubstring("max_batch_size"));
}

TEST_CASE("a drop is backpressure, and says what helps") {
  memory_stats s;
  s.write_log.dropped = 1;
  const auto report = assess(s, {});
  REQUIRE(report.issues.size() == 1);
  CHECK(!report.healthy);
  CHECK(report.issues[0].what == health_concern::backpressure);
  CHECK_THAT(report.issues[0].advice,
             ContainsSubstring("1 entries were dropped") && ContainsSubstring("log_capacity"));
}

TEST_CASE("an old pending entry is a reconciliation lag, and says what helps") {
  memory_stats s;
  s.reconciler.lag_us = 100'001;
  const auto report = assess(s, {});
  REQUIRE(report.issues.size() == 1);
  CHECK(!report.healthy);
  CHECK(report.issues[0].what == health_concern::reconciliation_lag);
  CHECK(report.issues[0].value == 101); // ms, rounded up
  CHECK_THAT(report.issues[0].advice, ContainsSubstring("has waited 101 ms, more than 100 ms"));
}

TEST_CASE("limits are the user's") {
  memory_stats s;
  s.write_log.pending = 50;
  s.write_log.dropped = 7;
  s.reconciler.lag_us = 30'000;
  CHECK(assess(s, {50, 7, 30}).healthy);
  const auto report = assess(s, {49, 6, 29});
  REQUIRE(report.issues.size() == 3);
  CHECK(to_string(report.issues[0].what) == "write_lag");
  CHECK(to_string(report.issues[1].what) == "backpressure");
  CHECK(to_string(report.issues[2].what) == "reconciliation_lag");
}

TEST_CASE("stats carry over what the engine counts") {
  engine_stats e;
  e.log = {.written = 1, .dropped = 2, .rejected = 3, .pending = 4};
  e.reconciliations = 5;
  e.entries_processed = 6;
  e.entries_failed = 7;
  e.sequence = 8;
  e.timestamp = 9;
  e.concept_count = 10;
  e.edge_count = 11;
  e.placeholder_count = 12;
  e.live_snapshots = 13;
  e.reconciliation_lag_us = -14; // a writer's clock ahead of ours
  e.memory.total = 15;
  e.held = {17, 18, 19, 20};
  e.store.flushes = 16;
  const auto s = to_memory_stats(e);
  CHECK(s.write_log.written == 1);
  CHECK(s.write_log.dropped == 2);
  CHECK(s.write_log.rejected == 3);
  CHECK(s.write_log.pending == 4);
  CHECK(s.reconciler.reconciliations == 5);
  CHECK(s.reconciler.entries_processed == 6);
  CHECK(s.reconciler.entries_failed == 7);
  CHECK(s.reconciler.disk_flushes == 16);
  CHECK(s.reconciler.lag_us == 0);
  CHECK(s.snapshot.sequence == 8);
  CHECK(s.snapshot.timestamp == 9);
  CHECK(s.snapshot.concept_count == 10);
  CHECK(s.snapshot.edge_count == 11);
  CHECK(s.snapshot.placeholder_count == 12);
  CHECK(s.snapshot.live == 13);
  CHECK(s.memory.total == 15);
  CHECK(s.held.oldest_sequence == 17);
  CHECK(s.held.oldest_age_us == 18);
  CHECK(s.held.memory_bytes == 19);
  CHECK(s.held.mapped_bytes == 20);
}
