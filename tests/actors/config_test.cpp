#include "actors/concurrent_memory.hpp"
#include "actors/config.hpp"

#include "tests/catch.hpp"

#include <functional>
#include <string>

using namespace cmem;
using Catch::Matchers::ContainsSubstring;

namespace {

/// The failure of a config that `change` made, as text; "" when it is valid.
std::string refusal(const std::function<void(config&)>& change) {
  config c;
  change(c);
  const auto valid = validate(c);
  return valid ? "" : to_string(valid.error());
}

} // namespace

TEST_CASE("defaults are valid, and as documented") {
  const config c;
  CHECK(validate(c));
  CHECK(c.reconcile_interval_ms == 10);
  CHECK(c.max_batch_size == 10'000);
  CHECK(c.reconcile_threads == 2);
  CHECK(c.memory_threshold == 50'000);
  CHECK(c.log_capacity == 100'000);
  CHECK(overflow_of(c) == overflow_policy::drop_oldest);
  CHECK(c.durability == durability::interval);
  CHECK(c.commit_interval_ms == 100);
  CHECK(c.health.pending_max == 10'000);
  CHECK(c.health.dropped_max == 0);
  CHECK(c.health.reconciliation_lag_max_ms == 100);
}

TEST_CASE("presets are valid, and as documented") {
  const auto high = config::high_write_throughput();
  const auto low = config::low_latency_reads();
  const auto tight = config::memory_constrained();
  CHECK(validate(high));
  CHECK(validate(low));
  CHECK(validate(tight));
  CHECK(high.reconcile_interval_ms == 50);
  CHECK(high.max_batch_size == 100'000);
  CHECK(low.reconcile_interval_ms == 5);
  CHECK(low.max_batch_size == 10'000);
  CHECK(tight.reconcile_interval_ms == 10);
  CHECK(tight.max_batch_size == 5'000);
  CHECK(tight.pack_associations);
  CHECK_FALSE(config{}.pack_associations);
}

TEST_CASE("every field is refused beyond its edges, by name and value") {
  CHECK(refusal([](config& c) { c.reconcile_interval_ms = 0; })
        == "invalid_argument: reconcile_interval_ms is 0: must lie within [1, 60000]");
  CHECK(refusal([](config& c) { c.reconcile_interval_ms = 60'001; })
        == "invalid_argument: reconcile_interval_ms is 60001: must lie within [1, 60000]");
  CHECK(refusal([](config& c) { c.max_batch_size = 0; })
        == "invalid_argument: max_batch_size is 0: must lie within [1, 1000000]");
  CHECK(refusal([](config& c) { c.max_batch_size = 1'000'001; })
        == "invalid_argument: max_batch_size is 1000001: must lie within [1, 1000000]");
  CHECK(refusal([](config& c) { c.reconcile_threads = 0; })
        == "invalid_argument: reconcile_threads is 0: must lie within [1, 2]");
  CHECK(refusal([](config& c) { c.reconcile_threads = 3; })
        == "invalid_argument: reconcile_threads is 3: must lie within [1, 2]");
  CHECK(refusal([](config& c) { c.memory_threshold = 0; })
        == "invalid_argument: memory_threshold is 0: must lie within [1, 4294967040]");
  CHECK(refusal([](config& c) { c.memory_threshold = 4'294'967'041; })
        == "invalid_argument: memory_threshold is 4294967041: must lie within [1, 4294967040]");
  CHECK_THAT(refusal([](config& c) { c.flush_log_bytes = 65'535; }),
             ContainsSubstring("flush_log_bytes is 65535"));
  CHECK_THAT(refusal([](config& c) { c.read_only = true; }),
             ContainsSubstring("read_only is true"));
  CHECK(refusal([](config& c) { c.log_capacity = 0; })
        == "invalid_argument: log_capacity is 0: must lie within [1, 10000000]");
  CHECK(refusal([](config& c) { c.log_capacity = 10'000'001; })
        == "invalid_argument: log_capacity is 10000001: must lie within [1, 10000000]");
  CHECK(refusal([](config& c) { c.vector_dimension = 4097; })
        == "invalid_argument: vector_dimension is 4097: must lie within [0, 4096]");
  CHECK_THAT(refusal([](config& c) { c.arena_bytes = arena_bytes_min - 1; }),
             ContainsSubstring("arena_bytes is " + std::to_string(arena_bytes_min - 1)));
  CHECK_THAT(refusal([](config& c) { c.arena_bytes = arena_bytes_max + 1; }),
             ContainsSubstring("arena_bytes is 68719476737"));
  CHECK_THAT(refusal([](config& c) { c.memory_budget_bytes = arena_bytes_max + 1; }),
             ContainsSubstring("memory_budget_bytes is 68719476737"));
  CHECK(refusal([](config& c) { c.reader_actors = 0; })
        == "invalid_argument: reader_actors is 0: must lie within [1, 256]");
  CHECK(refusal([](config& c) { c.reader_actors = 257; })
        == "invalid_argument: reader_actors is 257: must lie within [1, 256]");
  CHECK_THAT(refusal([](config& c) { c.health.reconciliation_lag_max_ms = 0; }),
             ContainsSubstring("health.reconciliation_lag_max_ms is 0"));
  CHECK_THAT(refusal([](config& c) { c.health.reconciliation_lag_max_ms = 3'600'001; }),
             ContainsSubstring("health.reconciliation_lag_max_ms is 3600001"));
  CHECK(refusal([](config& c) { c.overflow = static_cast<overflow_policy>(2); })
        == "invalid_argument: overflow is 2: must be drop_oldest or reject");
  CHECK(refusal([](config& c) { c.durability = static_cast<durability>(3); })
        == "invalid_argument: durability is 3: must be none, interval or sync");
  CHECK(refusal([](config& c) { c.commit_interval_ms = 101; })
        == "invalid_argument: commit_interval_ms is 101: must lie within [1, 100]");
  CHECK_THAT(refusal([](config& c) { c.waiting_bytes_max = 0; }),
             ContainsSubstring("waiting_bytes_max is 0"));
  CHECK_THAT(refusal([](config& c) { c.log_file_bytes = 4'095; }),
             ContainsSubstring("log_file_bytes is 4095"));
  for (const std::uint32_t ratio : {0U, 1U, 5U, 16U})
    CHECK(refusal([&](config& c) { c.vector_code_ratio = ratio; })
          == "invalid_argument: vector_code_ratio is " + std::to_string(ratio)
               + ": must be 4 or 8");
}

TEST_CASE("every field is taken at its edges") {
  CHECK(refusal([](config& c) { c.reconcile_interval_ms = 1; }).empty());
  CHECK(refusal([](config& c) {
          c.reconcile_interval_ms = 60'000;
          c.health.reconciliation_lag_max_ms = 3'600'000;
        }).empty());
  CHECK(refusal([](config& c) { c.max_batch_size = 1; }).empty());
  CHECK(refusal([](config& c) { c.max_batch_size = 1'000'000; }).empty());
  CHECK(refusal([](config& c) { c.reconcile_threads = 1; }).empty());
  CHECK(refusal([](config& c) { c.memory_threshold = 1; }).empty());
  CHECK(refusal([](config& c) { c.memory_threshold = 4'294'967'040; }).empty());
  CHECK(refusal([](config& c) { c.log_capacity = 1; }).empty());
  CHECK(refusal([](config& c) { c.log_capacity = 10'000'000; }).empty());
  CHECK(refusal([](config& c) { c.vector_dimension = 4096; }).empty());
  CHECK(refusal([](config& c) { c.arena_bytes = arena_bytes_min; }).empty());
  CHECK(refusal([](config& c) { c.memory_budget_bytes = arena_bytes_max; }).empty());
  CHECK(refusal([](config& c) { c.reader_actors = 1; }).empty());
  CHECK(refusal([](config& c) { c.vector_code_ratio = 4; }).empty());
  CHECK(refusal([](config& c) { c.vector_code_ratio = 8; }).empty());
  CHECK(refusal([](config& c) { c.reader_actors = 256; }).empty());
  CHECK(refusal([](config& c) { c.overflow = overflow_policy::reject; }).empty());
}

TEST_CASE("a lag limit that the interval must exceed is refused") {
  CHECK(refusal([](config& c) { c.reconcile_interval_ms = 200; })
        == "invalid_argument: health.reconciliation_lag_max_ms is 100: must be at least "
           "reconcile_interval_ms, which is 200");
}

TEST_CASE("W3: a memory that is durable rejects by default, another drops its oldest") {
  config c;
  c.storage_path = "/memory";
  CHECK(overflow_of(c) == overflow_policy::reject);
  c.durability = durability::none;
  CHECK(overflow_of(c) == overflow_policy::drop_oldest);
  c.durability = durability::sync;
  c.overflow = overflow_policy::drop_oldest;
  CHECK(overflow_of(c) == overflow_policy::drop_oldest);
}

TEST_CASE("a storage path that cannot be is an error that names it") {
  config c;
  c.storage_path = "/nowhere/at/all/memory";
  const auto opened = concurrent_memory::open(c);
  REQUIRE(!opened);
  CHECK(opened.error().code == errc::not_found);
  CHECK_THAT(opened.error().detail, ContainsSubstring("/nowhere/at/all/memory"));
}

TEST_CASE("opening refuses what validate refuses, by result and by exception") {
  config c;
  c.log_capacity = 0;
  const auto opened = concurrent_memory::open(c);
  REQUIRE(!opened);
  CHECK(opened.error().code == errc::invalid_argument);
  CHECK_THROWS_WITH(concurrent_memory(c), ContainsSubstring("log_capacity is 0"));
}

TEST_CASE("what concerns storage reaches it") {
  config c;
  c.log_capacity = 123;
  c.overflow = overflow_policy::reject;
  c.max_batch_size = 45;
  c.reconcile_threads = 1;
  c.vector_dimension = 6;
  c.memory_budget_bytes = 789;
  c.association_times = false;
  c.arena_bytes = arena_bytes_min;
  c.clock = [] { return timestamp_us{42}; };
  const auto o = storage_options(c);
  CHECK(o.log_capacity == 123);
  CHECK(o.overflow == overflow_policy::reject);
  CHECK(o.batch_entries_max == 45);
  CHECK(o.merge_threads == 1);
  CHECK(o.vector_dimension == 6);
  CHECK(o.memory_budget_bytes == 789);
  CHECK(!o.association_times);
  CHECK(o.arena_bytes == arena_bytes_min);
  CHECK(o.clock() == 42);
  CHECK_FALSE(o.store);
  c.storage_path = "/memory";
  c.durability = durability::sync;
  c.waiting_bytes_max = 7'000;
  c.log_file_bytes = 8'000;
  const auto kept = storage_options(c);
  REQUIRE(kept.store);
  CHECK(kept.store->directory == "/memory");
  CHECK(kept.store->level == durability::sync);
  CHECK(kept.store->waiting_bytes_max == 7'000);
  CHECK(kept.store->log.file_bytes == 8'000);
  CHECK(kept.store->vectors.keep_originals);
  CHECK(kept.store->vectors.ratio == 4);
  c.keep_originals = false;
  c.vector_code_ratio = 8;
  CHECK_FALSE(storage_options(c).store->vectors.keep_originals);
  CHECK(storage_options(c).store->vectors.ratio == 8);
}
