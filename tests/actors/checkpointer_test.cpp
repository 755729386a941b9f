// D2, D4, D6, W9: a memory that flushes, stepped by CAF's deterministic scheduler on a disk that
// fails.

#include "tests/actors/stepped.hpp"
#include "tests/fault_env.hpp"

using namespace cmem;
using namespace cmem::test;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

struct flushed {
  std::shared_ptr<fault_env> disk = std::make_shared<fault_env>();
  stepped_system s;
  config settings;

  flushed() {
    settings.storage_path = "/memory";
    settings.log_file_bytes = wal_file_bytes_min;
    settings.memory_threshold = 10;
    settings.files = env(disk);
  }
};

void learn(concurrent_memory& m, int count) {
  for (int i = 0; i != count; ++i)
    (void) good(m.learn_concept("c" + std::to_string(i), "content"));
}

} // namespace

TEST_CASE("D2: at the threshold a segment is written, and the next memory opens from it") {
  flushed f;
  auto memory = f.s.open(f.settings);
  learn(*memory, 9);
  f.s.advance(200ms);
  CHECK(memory->stats().reconciler.disk_flushes == 0);
  learn(*memory, 10);
  f.s.advance(20ms);
  CHECK(memory->stats().reconciler.disk_flushes == 1);
  CHECK(memory->stats().storage.segments == 1);
  CHECK(memory->stats().storage.checkpoint == 19);
  (void) good(memory->learn_concept("last"));
  CHECK(memory->close().not_durable == 0);
  CHECK(memory->stats().storage.segments == 2);
  memory = f.s.open(f.settings);
  CHECK(memory->recovery().records == 0);
  CHECK(memory->stats().snapshot.concept_count == 11);
}

TEST_CASE("W9: a checkpointer that dies leaves its flush to the next one") {
  flushed f;
  const auto memory = f.s.open(f.settings);
  const auto handles = memory->actors();
  cafx::tell_to_exit(handles.checkpointer);
  learn(*memory, 10);
  f.s.advance(20ms);
  CHECK(memory->stats().storage.segments == 1);
  CHECK(memory->actors().checkpointer != handles.checkpointer);
}

TEST_CASE("D4: a flush that fails is logged, and the memory goes on to be read") {
  flushed f;
  std::string errors;
  f.settings.log = [&](log_level level, std::string_view text) {
    if (level == log_level::error)
      errors.append(text).append("\n");
  };
  const auto memory = f.s.open(f.settings);
  f.disk->inject(fault::enospc, 0, true);
  learn(*memory, 10);
  f.s.advance(20ms);
  CHECK_THAT(errors, ContainsSubstring("a flush failed: disk_full"));
  CHECK(memory->stats().storage.read_only);
  CHECK(memory->query_concept("c9"));
  CHECK(memory->learn_concept("more").error().code == errc::read_only);
  CHECK(memory->flush(0s).error().code == errc::read_only);
}

TEST_CASE("D6: a memory that is read only refuses writes and needs nobody who stores") {
  flushed f;
  const auto memory = f.s.open(f.settings);
  learn(*memory, 10);
  f.s.advance(20ms);
  f.settings.read_only = true;
  const auto beside = f.s.open(f.settings);
  CHECK(beside->recovery().beside);
  CHECK(beside->query_concept("c9"));
  CHECK(beside->learn_concept("more").error().code == errc::read_only);
  CHECK_FALSE(beside->actors().flusher);
  CHECK_FALSE(beside->actors().checkpointer);
  CHECK(beside->flush().error().code == errc::not_durable);
  CHECK(beside->close().not_durable == 0);
}

TEST_CASE("segments that pile up are merged in the background, or not at all") {
  flushed f;
  f.settings.compaction = GENERATE(true, false);
  auto memory = f.s.open(f.settings);
  for (int round = 0; round != 12; ++round) {
    learn(*memory, 10);
    f.s.advance(1s);
  }
  const auto figures = memory->stats().storage;
  CHECK(figures.flushes == 12);
  if (f.settings.compaction) {
    CHECK(figures.segments < 4);
    CHECK(figures.compactions > 3);
  } else {
    CHECK(figures.segments == 12);
    CHECK(figures.compactions == 0);
  }
  (void) memory->close();
  memory = f.s.open(f.settings);
  CHECK(memory->stats().snapshot.concept_count == 10);
}

TEST_CASE("merging keeps to its pace") {
  flushed f;
  f.settings.compaction_bytes_per_s = 1; // a step, and then it rests for days
  const auto memory = f.s.open(f.settings);
  for (int round = 0; round != 12; ++round) {
    learn(*memory, 10);
    f.s.advance(1s);
  }
  CHECK(memory->stats().storage.flushes == 12);
  CHECK(memory->stats().storage.compactions <= 1);
}
