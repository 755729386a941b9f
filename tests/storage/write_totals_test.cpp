// What the manifest says was written in the life of the store.

#include "storage/checkpoint.hpp"
#include "tests/storage/store_fixture.hpp"

using namespace cmem;
using namespace cmem::test;

namespace {

struct totals_fixture : store_fixture {
  explicit totals_fixture(durability level = durability::interval) : store_fixture(7, level) {}

  write_totals totals() const {
    const auto read = read_manifest(env(disk), "/s");
    if (!read)
      FAIL(to_string(read.error()));
    return read->value.written;
  }
  /// Of the records that the log holds.
  std::uint64_t logged() const {
    const auto m = read_manifest(env(disk), "/s");
    auto log = wal_reader::open(env(disk), "/s", {m->value.store, m->value.checkpoint, 0});
    std::uint64_t bytes = 0;
    for (wal_record r; *log->next(r);)
      bytes += r.payload.size();
    return bytes;
  }
  void flush() {
    memory->ask_for_flush();
    reconcile();
    REQUIRE(memory->flush());
  }
  std::uint64_t segment_bytes() const { return memory->stats().store.segment_bytes; }
};

} // namespace

TEST_CASE("the manifest counts what was written, whenever it is written itself") {
  totals_fixture f;
  f.open();
  CHECK(f.totals() == write_totals{});
  f.learn("rain", std::string(100, 'x'));
  f.reconcile();
  f.commit();
  CHECK(f.totals() == write_totals{}); // a commit writes no manifest
  const std::uint64_t learned = f.logged();
  CHECK(learned > 100);
  f.flush();
  CHECK(f.totals().learned_bytes == learned);
  CHECK(f.totals().log_bytes == sizeof(wal_header) + wal_record_bytes(learned));
  CHECK(f.totals().flushed_bytes == f.segment_bytes());
  CHECK(f.totals().compacted_bytes == 0);
}

TEST_CASE("where commits are waited for, log files begin as zeros, which count as written") {
  totals_fixture f(durability::sync);
  f.open();
  f.learn("rain");
  f.reconcile();
  f.commit();
  const std::uint64_t learned = f.logged();
  f.flush();
  CHECK(f.totals().log_bytes
        == wal_file_bytes_min + sizeof(wal_header) + wal_record_bytes(learned));
}

TEST_CASE("totals go on over restarts, and count each compaction") {
  totals_fixture f;
  f.open();
  f.learn("rain", std::string(1'000, 'x'));
  f.flush();
  const write_totals one = f.totals();
  CHECK(f.close().code == errc::ok);
  CHECK(f.totals() == one);
  f.open();
  CHECK(f.totals() == one);
  f.learn("snow", std::string(1'000, 'y'));
  f.flush();
  const write_totals two = f.totals();
  CHECK(two.learned_bytes > one.learned_bytes + 1'000);
  CHECK(two.log_bytes > one.log_bytes + 1'000);
  CHECK(two.flushed_bytes == f.segment_bytes());
  // What a process that died had written since is not known.
  f.learn("hail");
  f.reconcile();
  f.commit();
  f.die();
  f.open();
  CHECK(f.totals().learned_bytes == two.learned_bytes);
  CHECK(f.close().code == errc::ok);
  const write_totals three = f.totals();
  f.options.store->compaction.fan_in = 2;
  f.open();
  for (auto more = f.memory->compact(~std::uint64_t{0}); more && *more;)
    more = f.memory->compact(~std::uint64_t{0});
  CHECK(f.memory->stats().store.compactions > 0);
  CHECK(f.totals().compacted_bytes == f.memory->stats().store.compacted_bytes);
  CHECK(f.totals().flushed_bytes == three.flushed_bytes);
}

TEST_CASE("the half-life of strengths goes through every update unchanged") {
  totals_fixture f;
  f.open();
  CHECK(f.close().code == errc::ok);
  {
    auto m = manifest_file::open(env(f.disk), "/s");
    REQUIRE(m);
    manifest next = m->current();
    next.strength_half_life_us = 123;
    REQUIRE(m->update(next));
  }
  f.open();
  f.learn("rain");
  f.flush();
  f.learn("snow");
  CHECK(f.close().code == errc::ok);
  CHECK(read_manifest(env(f.disk), "/s")->value.strength_half_life_us == 123);
}
