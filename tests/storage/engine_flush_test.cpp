// D1, D2, D4, D6: what an engine flushes to segments, and opens again from them.

#include "tests/storage/model.hpp"
#include "tests/storage/operations.hpp"
#include "tests/storage/store_fixture.hpp"

#include <algorithm>
#include <thread>
#include <vector>

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

std::size_t count_files(store_fixture& s, std::string_view ending) {
  const auto names = env(s.disk).list("/s");
  REQUIRE(names);
  return static_cast<std::size_t>(std::count_if(
    names->begin(), names->end(), [&](const std::string& name) { return name.ends_with(ending); }));
}

/// Hands over what changed, and writes it.
void flush(store_fixture& s) {
  s.memory->ask_for_flush();
  s.reconcile();
  REQUIRE(s.memory->flush_due());
  const auto done = s.memory->flush();
  if (!done)
    FAIL(to_string(done.error()));
  CHECK(*done);
  CHECK_FALSE(s.memory->flush_due());
}

store_options& options(store_fixture& s) { return *s.options.store; }

} // namespace

TEST_CASE("a flush makes a segment, and the next opening reads no log") {
  store_fixture s;
  s.open();
  s.learn("a", "content of a");
  s.learn("b", "content of b");
  s.write(op::learn_association{"a", "b", kinds::causal, 0.25F, 2.0F});
  s.write(op::learn_association{"b", "nobody yet"});
  const attribute_update colour{"colour", "red"};
  s.write(op::set_attributes{"a", {&colour, 1}});
  flush(s);
  CHECK(s.memory->stats().store.segments == 1);
  CHECK(s.memory->stats().store.checkpoint == 5);
  CHECK(s.memory->stats().store.durable_sequence == 5); // at any level
  const std::string before = text_of(*s.memory->load());
  s.cut_power();
  s.open();
  CHECK(s.memory->recovery().segments == 1);
  CHECK(s.memory->recovery().records == 0);
  CHECK(s.memory->recovery().checkpoint == 5);
  CHECK(text_of(*s.memory->load()) == before);
  // And goes on from there.
  s.learn("nobody yet", "somebody");
  s.learn("a", "new content");
  s.reconcile();
  CHECK(s.memory->load()->edge_count() == 2);
  CHECK(s.content("a") == "new content");
  CHECK(s.memory->load()->find(concept_id::from_name("a"))->copy().attributes.size() == 1);
}

TEST_CASE("a flush is due when enough concepts changed, or enough log was written") {
  store_fixture s;
  int due = 0;
  options(s).on_flush_due = [&] { ++due; };
  SECTION("concepts") { options(s).flush_concepts = 10; }
  SECTION("bytes of log") { options(s).flush_log_bytes = 400; }
  s.open();
  for (int i = 0; i != 9; ++i)
    s.learn("c" + std::to_string(i));
  s.reconcile();
  CHECK(due == 0);
  CHECK_FALSE(*s.memory->flush());
  for (int i = 9; i != 30; ++i) {
    s.learn("c" + std::to_string(i));
    s.reconcile();
  }
  CHECK(due == 1); // one at a time
  CHECK(s.memory->flush_due());
  CHECK(*s.memory->flush());
  s.learn("one more");
  s.reconcile();
  CHECK(due == 2); // what came meanwhile is due already
}

TEST_CASE("a flush writes what changed, and nothing of the rest") {
  store_fixture s;
  s.open();
  for (int i = 0; i != 100; ++i)
    s.learn("c" + std::to_string(i), std::string(1'000, 'x'));
  s.reconcile();
  flush(s);
  const auto first = s.memory->stats().store.segment_bytes;
  CHECK(first > 100'000);
  s.write(op::record_access{"c7"}); // its content stays in the older segment
  s.reconcile();
  flush(s);
  CHECK(s.memory->stats().store.segments == 2);
  CHECK(s.memory->stats().store.segment_bytes - first < 2'000);
  s.cut_power();
  s.open();
  CHECK(s.content("c7").size() == 1'000);
  CHECK(s.memory->load()->find(concept_id::from_name("c7"))->access_count() == 1);
}

TEST_CASE("what was forgotten stays so, whatever older segments say") {
  store_fixture s;
  s.open();
  s.learn("a", "content");
  s.learn("b");
  s.write(op::learn_association{"b", "a"});
  s.write(op::learn_association{"c", "a"}); // c is a placeholder
  flush(s);
  s.write(op::forget_concept{"a"});
  SECTION("by a segment") { flush(s); }
  SECTION("by the log") {
    s.reconcile();
    (void) s.commit();
  }
  SECTION("and learned anew, without what it had") {
    s.learn("a", "");
    flush(s);
  }
  const std::string before = text_of(*s.memory->load());
  s.cut_power();
  s.open();
  CHECK(text_of(*s.memory->load()) == before);
  CHECK(s.memory->load()->edge_count() == 0);
}

TEST_CASE("space comes back: log files are released and used again") {
  store_fixture s;
  options(s).log = {wal_file_bytes_min, 1};
  s.open();
  std::size_t most = 0;
  for (int round = 0; round != 20; ++round) {
    for (int i = 0; i != 100; ++i)
      s.learn("c" + std::to_string(i), std::string(500, 'x'));
    s.reconcile();
    (void) s.commit();
    flush(s);
    most = std::max(most, count_files(s, ".log"));
  }
  CHECK(most <= 4); // what one round takes, and a spare
  s.cut_power();
  s.open();
  CHECK(s.content("c99").size() == 500);
}

TEST_CASE("closing flushes what is left; closing a store that nothing changed adds nothing") {
  store_fixture s;
  s.open();
  s.learn("a", "content");
  CHECK(s.close().code == errc::ok);
  CHECK(count_files(s, ".cmseg") == 1);
  for (int i = 0; i != 3; ++i) {
    s.open();
    CHECK(s.memory->recovery().records == 0);
    CHECK(s.content("a") == "content");
    CHECK(s.close().code == errc::ok);
  }
  CHECK(count_files(s, ".cmseg") == 1);
}

TEST_CASE("kinds are in the manifest, also those that nothing was learned of") {
  store_fixture s;
  s.open();
  REQUIRE(s.memory->kinds().add("rhymes with"));
  s.learn("a");
  flush(s);
  s.cut_power();
  s.open();
  CHECK(s.memory->kinds().find("rhymes with") == kind_id{5});
}

TEST_CASE("D4: a flush that fails makes the store read-only, and loses nothing") {
  for (const fault f : {fault::enospc, fault::eio, fault::sync_eio}) {
    INFO(to_string(f));
    store_fixture s;
    s.open();
    s.learn("a", "content");
    s.reconcile();
    (void) s.commit();
    s.memory->ask_for_flush();
    s.reconcile();
    s.disk->inject(f, 0, true);
    const auto done = s.memory->flush();
    REQUIRE_FALSE(done);
    CHECK(done.error().code == (f == fault::enospc ? errc::disk_full : errc::io_error));
    CHECK(s.memory->stats().store.read_only);
    CHECK(s.memory->write(op::learn_concept{"b"}).error().code == errc::read_only);
    CHECK(s.content("a") == "content");
    s.disk->heal();
    s.cut_power();
    s.open();
    CHECK(s.content("a") == "content");
    CHECK(count_files(s, ".cmseg") == 0); // the half of one went
  }
}

TEST_CASE("D2: a power cut at any call of a flush loses nothing, though it lets many files go") {
  std::uint64_t calls = 0;
  for (bool cut = true; cut; ++calls) {
    INFO("call " << calls);
    store_fixture s(calls);
    options(s).log = {wal_file_bytes_min, 0}; // none is kept to be used again
    s.open();
    for (int i = 0; i != 40; ++i)
      s.learn("c" + std::to_string(i), std::string(500, 'x'));
    s.reconcile();
    (void) s.commit();
    for (int i = 0; i != 40; ++i) { // of another record each, so that files fill up
      s.learn("d" + std::to_string(i), std::string(500, 'y'));
      s.reconcile();
    }
    (void) s.commit();
    REQUIRE(count_files(s, ".log") > 3);
    s.memory->ask_for_flush();
    s.reconcile();
    s.disk->inject(fault::power_off, calls);
    (void) s.memory->flush();
    cut = s.disk->hit();
    if (!cut) {
      s.disk->heal();
      REQUIRE(count_files(s, ".log") == 1);
    }
    s.cut_power(calls);
    s.open();
    for (int i = 0; i != 40; ++i) {
      REQUIRE(s.content("c" + std::to_string(i)) == std::string(500, 'x'));
      REQUIRE(s.content("d" + std::to_string(i)) == std::string(500, 'y'));
    }
  }
  CHECK(calls > 10);
}

TEST_CASE("D6: read-only beside a writer sees its last checkpoint, and writes nothing") {
  store_fixture s;
  s.open();
  s.learn("a", "flushed");
  flush(s);
  s.learn("b", "in the log");
  s.reconcile();
  (void) s.commit();
  store_fixture r;
  r.disk = s.disk;
  options(r).files = env(s.disk);
  options(r).read_only = true;
  const auto names = env(s.disk).list("/s");
  r.open();
  CHECK(*env(s.disk).list("/s") == *names);
  CHECK(r.memory->recovery().read_only);
  CHECK(r.memory->recovery().beside);
  CHECK(r.content("a") == "flushed");
  CHECK(r.content("b") == "absent");
  CHECK(r.memory->write(op::learn_concept{"c"}).error().code == errc::read_only);
  CHECK(r.memory->learn_batch({}).error().code == errc::read_only);
  r.reconcile();
  CHECK(r.memory->await_flush(std::chrono::seconds(0)).error().code == errc::not_durable);
  CHECK(s.content("b") == "in the log"); // which goes on
  s.learn("a", "again");
  flush(s);
  CHECK(r.content("a") == "flushed");
  CHECK(r.close().code == errc::ok);
  r.open();
  CHECK(r.content("a") == "again");
  CHECK(r.content("b") == "in the log");
  r.memory.reset();
  s.learn("d", "in the log, too"); // which is read where nobody writes
  s.reconcile();
  (void) s.commit();
  s.die();
  r.open();
  CHECK_FALSE(r.memory->recovery().beside);
  CHECK(r.content("d") == "in the log, too");
  CHECK(r.close().code == errc::ok);
}

TEST_CASE("D6: read-only where there is no store fails, and makes none") {
  store_fixture r;
  options(r).read_only = true;
  CHECK(r.try_open().code == errc::not_found);
  CHECK_FALSE(env(r.disk).list("/s"));
}

TEST_CASE("await_flush answers when segments hold everything, or cannot") {
  store_fixture s;
  s.open();
  s.learn("a");
  s.reconcile();
  CHECK(s.memory->await_flush(std::chrono::nanoseconds(0)).error().code == errc::timed_out);
  s.reconcile(); // it had asked
  CHECK(s.memory->flush_due());
  std::thread other([&] {
    while (!s.memory->flush_due()) {
      s.memory->ask_for_flush();
      s.reconcile();
    }
    while (*s.memory->flush()) {}
    for (bool more = true; more;) {
      s.reconcile();
      more = !*s.memory->flush();
    }
  });
  const auto done = s.memory->await_flush(std::chrono::minutes(5));
  other.join();
  REQUIRE(done);
  CHECK(*done == 1);
}

TEST_CASE("D4: await_flush learns of a commit that fails, and of the end of the memory") {
  store_fixture s;
  s.open();
  s.learn("a");
  s.reconcile();
  result<std::uint64_t> told = std::uint64_t{0};
  SECTION("a commit that fails") {
    std::thread waiting([&] { told = s.memory->await_flush(std::chrono::minutes(5)); });
    while (!s.memory->flush_due()) // it has asked
      s.reconcile();
    for (int i = 0; i != 300; ++i) { // and waits by now, on any machine but the slowest
      s.learn("more");
      s.reconcile();
      (void) s.commit();
    }
    s.learn("more");
    s.reconcile();
    s.disk->inject(fault::sync_eio, 0, true);
    CHECK_FALSE(s.memory->commit());
    waiting.join();
    REQUIRE_FALSE(told);
    CHECK(told.error().code == errc::read_only);
  }
  SECTION("a memory that was closed before") {
    s.memory->close();
    s.reconcile();
    CHECK_FALSE(s.memory->reconcile().more_pending);
    told = s.memory->await_flush(std::chrono::minutes(5));
    REQUIRE_FALSE(told);
    CHECK(told.error().code == errc::closed);
  }
}

TEST_CASE("a store that was flushed again and again opens as it was") {
  for (std::uint64_t seed = 1; seed != 20; ++seed) {
    INFO("seed " << seed);
    store_fixture s(seed);
    splitmix random(seed);
    s.options.vector_dimension = vector_values.size();
    for (int life = 0; life != 4; ++life) {
      s.open();
      for (int i = 0; i != 300; ++i) {
        contents c;
        s.now += 10;
        (void) s.memory->write(operation(random.next(), c));
        if (i % 40 == 39) {
          s.reconcile();
          flush(s);
        }
      }
      s.reconcile();
      const std::string before = text_of(*s.memory->load());
      CHECK(s.close().code == errc::ok);
      s.open();
      CHECK(s.memory->recovery().records == 0);
      REQUIRE(text_of(*s.memory->load()) == before);
      s.die();
    }
  }
}

TEST_CASE("map_flushed: content leaves the memory once it is in a segment, and nobody sees it go") {
  store_fixture s;
  options(s).map_flushed = true;
  s.open();
  const std::string kib(1'000, 'k');
  for (int i = 0; i != 100; ++i)
    s.learn("c" + std::to_string(i), kib + std::to_string(i));
  s.reconcile();
  auto held = s.memory->share();
  const std::string before = text_of(*held);
  flush(s);
  // Changed, forgotten and learned anew between the flush and its end: what is newer stays.
  s.learn("c1", "newer");
  s.write(op::forget_concept{"c2"});
  s.write(op::forget_concept{"c3"});
  s.learn("c3", "anew");
  const attribute_update colour{"colour", "red"};
  s.write(op::set_attributes{"c4", {&colour, 1}});
  while (s.memory->reconcile().more_pending) {}
  const auto used = s.memory->stats().memory.payloads;
  CHECK(used > 100'000); // the old snapshot has it
  CHECK(text_of(*held) == before);
  CHECK(s.content("c0") == kib + "0");
  CHECK(s.content("c1") == "newer");
  CHECK(s.content("c2") == "absent");
  CHECK(s.content("c3") == "anew");
  CHECK(s.content("c4") == kib + "4");
  CHECK(s.memory->load()->find(concept_id::from_name("c4"))->copy().attributes.size() == 1);
  const std::string after = text_of(*s.memory->load());
  SECTION("its blocks come back when the last snapshot from before goes") {
    held = {};
    s.reconcile();
    s.reconcile();
    CHECK(s.memory->stats().memory.payloads < used - 90'000);
    CHECK(text_of(*s.memory->load()) == after);
  }
  SECTION("it is no change: the next flush writes what else did") {
    flush(s);
    CHECK(s.memory->stats().store.segments == 2);
    CHECK(s.memory->stats().store.segment_bytes < 130'000);
  }
  held = {};
  CHECK(s.close().code == errc::ok);
  s.open();
  CHECK(text_of(*s.memory->load()) == after);
}

TEST_CASE("map_flushed: what a flush moves is no measure of what the next version needs") {
  store_fixture s;
  options(s).map_flushed = true;
  s.open();
  for (int i = 0; i != 20'000; ++i) { // few at a time
    s.learn("c" + std::to_string(i), "content");
    if (i % 100 == 99)
      s.reconcile();
  }
  flush(s);
  while (s.memory->reconcile().more_pending) {}
  const auto reserved = [&s] {
    const memory_use m = s.memory->stats().memory;
    return m.total - m.bookkeeping;
  };
  const std::uint64_t moved = reserved();
  s.learn("c1", "newer");
  s.reconcile();
  CHECK(reserved() <= moved + 2 * span_bytes);
}
