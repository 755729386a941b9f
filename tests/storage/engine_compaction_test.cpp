// Segments of an engine's store become one beside everything else, and their space comes back.

#include "tests/storage/model.hpp"
#include "tests/storage/operations.hpp"
#include "tests/storage/store_fixture.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

using namespace cmem;
using namespace cmem::test;

namespace {

void flush(store_fixture& s) {
  s.memory->ask_for_flush();
  s.reconcile();
  const auto done = s.memory->flush();
  if (!done)
    FAIL(to_string(done.error()));
}

/// Until there is nothing to do.
void compact(store_fixture& s) {
  for (bool more = true; more;) {
    const auto done = s.memory->compact(10'000);
    if (!done)
      FAIL(to_string(done.error()));
    more = *done;
  }
}

std::vector<std::string> files_with(store_fixture& s, std::string_view bytes) {
  std::vector<std::string> found;
  const auto names = env(s.disk).list("/s");
  REQUIRE(names);
  for (const std::string& name : *names) {
    const auto in = env(s.disk).open("/s/" + name, open_mode::read);
    REQUIRE(in);
    std::vector<std::byte> all(*in->size());
    REQUIRE(in->read_at(all, 0));
    const auto* text = reinterpret_cast<const char*>(all.data());
    if (std::string_view(text, all.size()).find(bytes) != std::string_view::npos)
      found.push_back(name);
  }
  return found;
}

/// Does the owner's work on a thread of its own while a call waits for it.
template <class F>
auto while_it_is_served(store_fixture& s, F&& call) {
  std::atomic<bool> done{false};
  std::thread owner([&] {
    while (!done.load()) {
      s.reconcile();
      (void) s.memory->commit();
      (void) s.memory->flush();
      (void) s.memory->compact(10'000);
      std::this_thread::yield();
    }
  });
  auto answer = call();
  done = true;
  owner.join();
  return answer;
}

} // namespace

TEST_CASE("flushes that pile up become few segments, and the store stays the same") {
  store_fixture s;
  s.open();
  for (int round = 0; round != 30; ++round) {
    for (int i = 0; i != 20; ++i)
      s.learn("c" + std::to_string(i), "content " + std::to_string(round * 100 + i));
    s.write(op::learn_association{"c" + std::to_string(round % 20), "c1"});
    s.write(op::forget_concept{"c" + std::to_string((round * 7) % 20)});
    flush(s);
    compact(s);
  }
  const auto figures = s.memory->stats().store;
  CHECK(figures.flushes == 30);
  CHECK(figures.segments < 8);
  CHECK(figures.compactions > 5);
  const std::string before = text_of(*s.memory->load());
  s.cut_power();
  s.open();
  CHECK(text_of(*s.memory->load()) == before);
}

TEST_CASE("R2, R3: a snapshot held across ten compactions of what it maps answers as it did") {
  store_fixture s;
  const bool map_flushed = GENERATE(false, true);
  const bool all = GENERATE(false, true); // segments into one, with each flush
  s.options.store->map_flushed = map_flushed;
  s.options.store->compaction.fan_in = 2;
  if (all)
    s.options.store->compaction.garbage_max = 0.001;
  s.open();
  for (int i = 0; i != 50; ++i)
    s.learn("c" + std::to_string(i), "first content of " + std::to_string(i));
  s.write(op::learn_association{"c1", "an end with a name"});
  flush(s);
  REQUIRE(s.close().code == errc::ok);
  s.open(); // all of it lies in mapped files
  auto held = s.memory->share();
  const std::string then = text_of(*held);
  for (int round = 0; round != 10; ++round) {
    for (int i = round; i < 50; i += 7)
      s.learn("c" + std::to_string(i), "round " + std::to_string(round));
    s.write(op::forget_concept{"c" + std::to_string(round)});
    flush(s);
    compact(s);
    s.reconcile();
    REQUIRE(text_of(*held) == then);
  }
  CHECK(s.memory->stats().store.compactions >= (all ? 10 : 5));
  const std::string now = text_of(*s.memory->load());
  CHECK(text_of(*held) == then);
  // What it alone still sees is all that is kept for it, and comes back with it.
  CHECK(s.memory->stats().held.mapped_bytes > 0);
  CHECK(s.memory->stats().held.memory_bytes > 0);
  const std::size_t mapped = s.disk->mapped_files();
  held = {};
  s.reconcile();
  s.reconcile();
  CHECK(s.memory->stats().held.mapped_bytes == 0);
  CHECK(s.memory->stats().held.memory_bytes == 0);
  CHECK(s.disk->mapped_files() < mapped);
  CHECK(text_of(*s.memory->load()) == now);
  s.cut_power();
  s.open();
  CHECK(text_of(*s.memory->load()) == now);
}

TEST_CASE(
  "what merged segments are mapped for is read from the new one, and the old are unmapped") {
  store_fixture s;
  s.options.store->compaction.garbage_max = 0.1;
  s.options.log_capacity = 10'000;
  s.open();
  for (int i = 0; i != 5'000; ++i)
    s.learn("c" + std::to_string(i), "content of " + std::to_string(i));
  flush(s);
  for (int i = 0; i != 5'000; i += 2)
    s.learn("c" + std::to_string(i), "other content of " + std::to_string(i));
  flush(s);
  REQUIRE(s.close().code == errc::ok);
  s.open();
  const std::size_t mapped = s.disk->mapped_files();
  REQUIRE(mapped == 2);
  const std::string before = text_of(*s.memory->load());
  const std::uint64_t before_bytes = s.memory->stats().store.segment_bytes;
  auto held = std::optional(s.memory->share());
  compact(s);
  for (int i = 0; i != 10; ++i)
    s.reconcile();
  CHECK(s.memory->stats().store.segments == 1);
  CHECK(s.disk->mapped_files() == 3); // the snapshot that is held reads the old ones
  const std::uint64_t pinned = s.memory->stats().held.mapped_bytes;
  CHECK(pinned > 5'000 * 16 + 2'500 * 16); // their contents, at least
  CHECK(pinned < before_bytes);
  CHECK(text_of(*s.memory->load()) == before);
  held.reset();
  s.reconcile();
  s.reconcile();
  CHECK(s.disk->mapped_files() == 1);
  CHECK(s.memory->stats().held.mapped_bytes == 0);
  CHECK(text_of(*s.memory->load()) == before);
}

TEST_CASE("what was forgotten is in no file once the store was compacted") {
  store_fixture s;
  s.open();
  const std::string secret = "this must be gone from every file";
  s.learn("a", secret);
  s.learn("b", "something else");
  flush(s);
  s.learn("c", secret + ", said again");
  s.reconcile();
  REQUIRE(s.memory->commit());
  REQUIRE(files_with(s, secret).size() >= 2); // a segment and the log
  s.write(op::forget_concept{"a"});
  s.write(op::forget_concept{"c"});
  if (GENERATE(false, true)) { // the process that compacts need not be the one that forgot
    REQUIRE(s.close().code == errc::ok);
    s.open();
    REQUIRE(files_with(s, secret).size() >= 2);
  }
  const auto done =
    while_it_is_served(s, [&] { return s.memory->await_compaction(std::chrono::minutes(2)); });
  if (!done)
    FAIL(to_string(done.error()));
  CHECK(files_with(s, secret) == std::vector<std::string>{});
  CHECK(files_with(s, "something else").size() == 1);
  CHECK(s.memory->stats().store.segments == 1);
  s.cut_power();
  s.open();
  CHECK(s.content("b") == "something else");
  CHECK_FALSE(s.memory->load()->find(concept_id::from_name("a")));
}

TEST_CASE("a store of which nothing is left has no segment after a compaction") {
  store_fixture s;
  s.open();
  s.learn("a", "content");
  flush(s);
  s.write(op::forget_concept{"a"});
  const auto done =
    while_it_is_served(s, [&] { return s.memory->await_compaction(std::chrono::minutes(2)); });
  REQUIRE(done);
  CHECK(s.memory->stats().store.segments == 0);
  s.cut_power();
  s.open();
  CHECK(s.memory->load()->concept_count() == 0);
}

TEST_CASE("a store that was closed is compacted no more: it may be another process's") {
  store_fixture s;
  s.open();
  for (const char* name : {"a", "b", "c"}) {
    s.learn(name, "content");
    s.reconcile();
    s.memory->ask_for_flush();
    s.reconcile();
    REQUIRE(s.memory->flush());
  }
  REQUIRE(s.memory->compact(1));
  s.memory->close();
  while (s.memory->reconcile().more_pending) {}
  REQUIRE(s.memory->close_store());
  std::vector<std::string> before;
  std::vector<std::string> after;
  REQUIRE(s.disk->list("/s", before) >= 0);
  const auto late = s.memory->compact(1);
  REQUIRE_FALSE(late);
  CHECK(late.error().code == errc::closed);
  REQUIRE(s.disk->list("/s", after) >= 0);
  CHECK(before == after);
}

TEST_CASE("who waits for a compaction when the memory is closed is told") {
  store_fixture s;
  s.open();
  s.learn("a");
  s.reconcile();
  result<void> told;
  std::atomic<bool> over{false};
  std::thread waiter([&] {
    told = s.memory->await_compaction(std::chrono::minutes(5));
    over = true;
  });
  while (!s.memory->compaction_is_late() && !over) { // its flush is done, and nobody merges
    (void) s.memory->reconcile();
    (void) s.memory->flush();
  }
  s.memory->close();
  while (s.memory->reconcile().more_pending) {}
  REQUIRE(s.memory->close_store());
  waiter.join();
  REQUIRE_FALSE(told);
  CHECK(told.error().code == errc::closed);
}
