// D1, D4, D6, D7, R2, W4: an engine that keeps what it learns.

#include "tests/storage/store_fixture.hpp"

#include <array>
#include <vector>

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("D1: what was committed is there after the power failed") {
  store_fixture s;
  s.open();
  CHECK(s.memory->recovery().created);
  const auto t = s.learn("a", "content");
  const auto told = s.durable(t);
  s.reconcile();
  CHECK(*told == "waits"); // visible, and not on the disk
  CHECK(s.content("a") == "content");
  s.learn("b", "too late");
  CHECK(s.commit() == 1);
  CHECK(*told == "applied");
  s.reconcile();
  s.cut_power();
  s.open();
  CHECK_FALSE(s.memory->recovery().created);
  CHECK(s.memory->recovery().entries == 1);
  CHECK(s.content("a") == "content");
  CHECK(s.content("b") == "absent");
}

TEST_CASE("D1: await_durable of what is durable already, and of what never will be") {
  store_fixture s;
  s.open();
  const auto good = s.learn("a");
  const auto bad = s.write(op::strengthen{"nobody", 1.0F});
  const auto told = s.durable(bad);
  s.reconcile();
  CHECK(*told == "failed not_found"); // needs no disk
  (void) s.commit();
  CHECK(*s.durable(good) == "applied");
  ticket foreign = good;
  foreign.memory ^= 1;
  CHECK(*s.durable(foreign) == "failed unknown");
  CHECK(s.memory->await_durable(s.learn("b"), std::chrono::nanoseconds(0)).error().code
        == errc::timed_out);
}

TEST_CASE("D1: without a store, or at level none, await_durable says so") {
  store_fixture s(1, durability::none);
  s.open();
  CHECK(*s.durable(s.learn("a", "kept")) == "not_durable");
  s.reconcile();
  CHECK(s.commit() == 0);
  CHECK(s.memory->stats().store.syncs == 0);
  SECTION("the process may die") { s.die(); }
  SECTION("a store that is closed is on the disk") {
    CHECK(s.close().code == errc::ok);
    s.disk->power_cut(7);
  }
  s.open();
  CHECK(s.content("a") == "kept");

  store_fixture none;
  none.options.store.reset();
  none.open();
  CHECK(*none.durable(none.learn("a")) == "not_durable");
  CHECK(none.memory->commit().error().code == errc::not_durable);
  CHECK(none.memory->close_store());
}

TEST_CASE("D1: one sync takes all that waits") {
  store_fixture s;
  s.options.store->log.file_bytes = 1 << 16;
  s.open();
  s.learn("the first one makes a file");
  s.reconcile();
  (void) s.commit();
  std::vector<std::shared_ptr<std::string>> told;
  for (int i = 0; i < 50; ++i) {
    told.push_back(s.durable(s.learn("c" + std::to_string(i))));
    s.reconcile();
  }
  const auto syncs = s.disk->sites(fault::sync_eio);
  CHECK(s.commit() == 51);
  CHECK(s.disk->sites(fault::sync_eio) == syncs + 1);
  for (const auto& text : told)
    CHECK(*text == "applied");
  CHECK(s.memory->stats().store.syncs == 2);
  CHECK(s.memory->stats().store.durable_sequence == 51);
  CHECK(s.memory->stats().store.waiting_bytes == 0);
}

TEST_CASE("D1: a commit is asked for by an await, and at level sync by every batch") {
  store_fixture s;
  s.open();
  const auto t = s.learn("a");
  s.reconcile();
  CHECK(s.commits_due == 0); // the timer's
  (void) s.durable(t);
  CHECK(s.commits_due == 1);
  (void) s.durable(t);
  CHECK(s.commits_due == 1); // once until the next commit
  (void) s.commit();
  s.learn("b");
  (void) s.durable(s.learn("c"));
  s.reconcile();
  CHECK(s.commits_due == 2);

  store_fixture always(1, durability::sync);
  always.open();
  always.learn("a");
  always.reconcile();
  CHECK(always.commits_due == 1);
}

TEST_CASE("D1: at the cap of waiting bytes draining stops, and the overflow policy rules") {
  const auto policy = GENERATE(overflow_policy::reject, overflow_policy::drop_oldest);
  store_fixture s;
  s.options.overflow = policy;
  s.options.log_capacity = 10;
  s.options.store->waiting_bytes_max = 1'000;
  s.open();
  s.learn("large", std::string(2'000, 'x'));
  s.reconcile();
  CHECK(s.commits_due > 0);
  const auto first = s.learn("first");
  const auto report = s.memory->reconcile();
  CHECK(report.stalled);
  CHECK_FALSE(report.more_pending);
  CHECK(report.entries == 0);
  CHECK(s.content("first") == "absent");
  std::size_t refused = 0;
  for (int i = 0; i < 15; ++i) {
    const auto t = s.memory->write(op::learn_concept{"c" + std::to_string(i)});
    refused += !t && t.error().code == errc::overloaded;
    (void) s.memory->reconcile();
  }
  const auto counters = s.memory->stats().log;
  CHECK(counters.pending == 10);
  CHECK(counters.rejected == (policy == overflow_policy::reject ? 6 : 0));
  CHECK(refused == counters.rejected);
  CHECK(counters.dropped == (policy == overflow_policy::reject ? 0 : 6));
  const int wakes = s.wakes;
  (void) s.commit();
  CHECK(s.wakes == wakes + 1); // there is room again
  const auto told = s.durable(first);
  s.reconcile();
  (void) s.commit();
  CHECK(*told == (policy == overflow_policy::reject ? "applied" : "failed dropped"));
}

TEST_CASE("D4: a failed sync makes the store read-only, and nothing is acknowledged any more") {
  store_fixture s;
  s.open();
  const auto before = s.learn("before", "kept");
  s.reconcile();
  (void) s.commit();
  const auto visible = s.learn("visible", "in memory");
  const auto told = s.durable(visible);
  s.reconcile();
  const auto queued = s.learn("queued");
  const auto queued_told = s.durable(queued);
  s.disk->inject(fault::sync_eio, 0);
  const auto failed = s.memory->commit();
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == errc::io_error);
  CHECK(*told == "read_only");
  s.reconcile(); // what was queued fails
  CHECK(*queued_told == "failed read_only");
  CHECK(s.content("queued") == "absent");
  CHECK(s.content("visible") == "in memory"); // reads go on
  const auto refused = s.memory->write(op::learn_concept{"later"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::read_only);
  CHECK_THAT(refused.error().detail, ContainsSubstring("wal-"));
  const std::array<write_op, 1> batch{op::learn_concept{"later"}};
  CHECK(s.memory->learn_batch(batch).error().code == errc::read_only);
  CHECK(s.memory->commit().error().code == errc::read_only);
  CHECK(*s.durable(before) == "applied"); // it is on the disk, whatever came after
  CHECK(s.memory->stats().store.read_only);
  CHECK(s.memory->stats().store.durable_sequence == 1);
  CHECK(s.close().code == errc::read_only); // D7
  s.disk->power_cut(3);
  s.open();
  CHECK(s.content("before") == "kept");
  s.learn("again");
  s.reconcile();
  (void) s.commit();
}

TEST_CASE("D4: a full disk makes the store read-only; with room again it opens with all of it") {
  store_fixture s;
  s.open();
  std::vector<std::shared_ptr<std::string>> told;
  s.disk->set_capacity(40'000);
  failure met;
  for (int i = 0; met.code == errc::ok; ++i) {
    REQUIRE(i < 1'000);
    told.push_back(s.durable(s.learn("c" + std::to_string(i), std::string(300, 'x'))));
    s.reconcile();
    if (const auto done = s.memory->commit(); !done)
      met = done.error();
  }
  CHECK(met.code == errc::disk_full);
  CHECK(s.memory->write(op::learn_concept{"more"}).error().code == errc::read_only);
  s.cut_power(5);
  s.disk->set_capacity(~std::uint64_t{0});
  s.open();
  REQUIRE(told.size() > 10);
  for (std::size_t i = 0; i != told.size(); ++i)
    if (*told[i] == "applied")
      CHECK(s.content("c" + std::to_string(i)).size() == 300);
  CHECK(*told.back() == "read_only");
}

TEST_CASE("D6: a second process is refused with the pid of the first") {
  store_fixture s;
  s.open();
  const auto second = engine::create(s.options);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == errc::locked);
  CHECK_THAT(second.error().detail, ContainsSubstring("4242"));
  CHECK(s.close().code == errc::ok);
  s.open();
}

TEST_CASE("D7: closing stores all that was merged, and nothing waits after it") {
  store_fixture s;
  s.open();
  const auto t = s.learn("a", "kept");
  const auto told = s.durable(t);
  auto open_store = std::move(s.memory);
  open_store->close();
  (void) open_store->reconcile();
  CHECK(open_store->close_store());
  CHECK(*told == "applied");
  s.memory = std::move(open_store);
  CHECK(*s.durable(t) == "applied");
  CHECK(s.memory->write(op::learn_concept{"b"}).error().code == errc::closed);
  CHECK(s.memory->close_store()); // again: nothing to do
  s.disk->power_cut(9);
  s.open();
  CHECK(s.content("a") == "kept");
}

TEST_CASE("D7: an engine that goes without closing tells those who wait") {
  store_fixture s;
  s.open();
  const auto told = s.durable(s.learn("a"));
  s.reconcile();
  CHECK(*told == "waits");
  s.memory.reset();
  CHECK(*told == "closed");
}

TEST_CASE("R2: numbers never go back, and a store that was closed loses none") {
  store_fixture s;
  s.open();
  s.learn("a");
  s.write(op::strengthen{"nobody", 1.0F}); // failed, and numbered
  s.reconcile();
  CHECK(s.sequence() == 2);
  CHECK(s.close().code == errc::ok);
  s.open();
  CHECK(s.sequence() == 2);
  CHECK(s.memory->recovery().log_sequence == 2);
  s.learn("b");
  s.reconcile();
  CHECK(s.sequence() == 3); // shown, and not on the disk
  s.cut_power(4);
  s.open();
  CHECK(s.content("b") == "absent");
  CHECK(s.memory->recovery().log_sequence == 2);
  CHECK(s.memory->recovery().first_sequence > 3);
  const auto first = s.sequence();
  CHECK(first == s.memory->recovery().first_sequence);
  s.learn("c", "kept");
  s.reconcile();
  CHECK(s.commit() == first + 1);
  s.cut_power(4);
  s.open();
  CHECK(s.content("c") == "kept");
  CHECK(s.memory->recovery().log_sequence == first + 1);
}

TEST_CASE("R7: times are replayed as they were recorded, and a snapshot's never goes back") {
  store_fixture s;
  s.open();
  s.now = 9'000;
  s.learn("a");
  s.now = 5'000;
  s.write(op::record_access{"a"});
  s.reconcile();
  s.now = 20'000;
  s.learn("b");
  s.reconcile();
  CHECK(s.close().code == errc::ok);
  s.now = 100; // the clock was set back
  s.open();
  CHECK(s.memory->load()->timestamp() == 20'000);
  const auto c = s.memory->load()->find(concept_id::from_name("a"))->copy();
  CHECK(c.created == 9'000);
  CHECK(c.last_accessed == 5'000);
}

TEST_CASE("kinds, names, vectors and attributes are opened again as they were") {
  store_fixture s;
  s.options.vector_dimension = 2;
  s.open();
  const auto likes = *s.memory->kinds().add("likes");
  const std::array<float, 2> vector{1.0F, -2.0F};
  const std::array<attribute_update, 1> attributes{attribute_update{"colour", "green"}};
  s.write(op::learn_concept{"a", "x", vector, 2.0F, 0.5F});
  s.write(op::set_attributes{"a", attributes});
  s.write(op::learn_association{"a", "b", likes, 0.25F, 3.0F});
  const std::array<write_op, 2> batch{op::learn_concept{"b"}, op::learn_concept{"c"}};
  REQUIRE(s.memory->learn_batch(batch));
  s.reconcile();
  (void) s.commit();
  (void) *s.memory->kinds().add("unused");
  s.cut_power(2);
  s.open();
  CHECK(s.memory->kinds().find("likes") == likes);
  CHECK_FALSE(s.memory->kinds().find("unused"));
  const auto snapshot = s.memory->load();
  const auto a = snapshot->find(concept_id::from_name("a"))->copy();
  CHECK(a.name == "a");
  CHECK(a.vector == std::vector<float>{1.0F, -2.0F});
  CHECK(a.attributes.at(0).second == "green");
  CHECK(snapshot->edge_count() == 1);
  CHECK(snapshot->concept_count() == 3);

  s.memory.reset();
  s.disk->kill();
  s.options.vector_dimension = 3;
  CHECK_THAT(s.try_open().detail, ContainsSubstring("vector_dimension is 3"));
}

TEST_CASE("a store opens under limits that it would not be taken under today") {
  store_fixture s;
  s.open();
  for (int i = 0; i < 20; ++i)
    s.write(op::learn_association{"hub", "c" + std::to_string(i)});
  s.learn("hub");
  CHECK(s.close().code == errc::ok);
  s.options.concepts_max = 10;
  s.options.degree_max = 5;
  s.options.memory_budget_bytes = 1;
  s.open();
  CHECK(s.content("hub").empty());
  CHECK(s.memory->write(op::learn_concept{"new"}).error().code == errc::memory_budget);
  s.memory.reset();
  s.disk->kill();
  s.options.memory_budget_bytes = 0;
  s.open();
  const auto t = s.learn("new");
  s.reconcile();
  CHECK(s.memory->load()->outcome(t).reason == errc::limit_exceeded);
}

TEST_CASE("a batch of many bytes becomes several records, and W8's stay whole") {
  store_fixture s;
  s.options.arena_bytes = std::size_t{512} << 20;
  s.options.store->log.file_bytes = std::size_t{8} << 20;
  s.options.store->waiting_bytes_max = std::size_t{256} << 20;
  s.open();
  const std::string mib(content_bytes_max, 'x');
  for (int i = 0; i < 20; ++i)
    s.learn("single" + std::to_string(i), mib);
  std::vector<std::string> names;
  for (int i = 0; i < 20; ++i)
    names.push_back("member" + std::to_string(i));
  std::vector<write_op> batch;
  for (const std::string& n : names)
    batch.push_back(op::learn_concept{n, mib});
  REQUIRE(s.memory->learn_batch(batch));
  s.reconcile();
  (void) s.commit();
  s.cut_power(1);
  std::vector<recovery_progress> seen;
  s.options.store->on_progress = [&](const recovery_progress& p) { seen.push_back(p); };
  s.open();
  CHECK(s.memory->recovery().records >= 2);
  CHECK(s.memory->recovery().entries == 40);
  CHECK(s.content("member19").size() == content_bytes_max);
  REQUIRE_FALSE(seen.empty());
  CHECK(seen.back().entries == 40);
  CHECK(seen.back().bytes_done <= seen.back().bytes_total);
  s.memory.reset();
  s.disk->kill();
  s.options.arena_bytes = std::size_t{16} << 20;
  const failure f = s.try_open();
  CHECK(f.code == errc::out_of_memory);
  CHECK_THAT(f.detail, ContainsSubstring("arena_bytes"));
}

TEST_CASE("what is written together is in one log record, however large") {
  store_fixture s;
  s.options.arena_bytes = std::size_t{512} << 20;
  s.options.store->log.file_bytes = std::size_t{8} << 20;
  s.options.store->waiting_bytes_max = std::size_t{256} << 20;
  s.open();
  const std::string mib(content_bytes_max, 'x');
  std::vector<std::string> names;
  for (int i = 0; i < 20; ++i)
    names.push_back("c" + std::to_string(i));
  std::vector<write_op> ops;
  for (const std::string& name : names)
    ops.push_back(op::learn_concept{name, mib});
  REQUIRE(s.memory->write_together(ops));
  s.reconcile();
  (void) s.commit();
  s.memory.reset();
  s.disk->kill();
  s.open();
  CHECK(s.memory->recovery().records == 1);
  CHECK(s.memory->load()->concept_count() == 20);
}

TEST_CASE("W8: a learn_batch that no log record holds is refused at the call") {
  store_fixture s;
  s.options.log_capacity = 2'000;
  s.open();
  const std::string mib(content_bytes_max, 'x');
  const std::vector<write_op> batch(1'030, op::learn_concept{"a", mib});
  const auto refused = s.memory->learn_batch(batch);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::limit_exceeded);
}

TEST_CASE("damage to a store is an error that names the file") {
  store_fixture s;
  s.open();
  s.learn("a");
  CHECK(s.close().code == errc::ok);
  auto known = s.disk->content("/s/MANIFEST");
  SECTION("a flipped bit in one root: the other stands for it") {
    known[20] ^= std::byte{1};
    s.disk->set_content("/s/MANIFEST", known);
    CHECK(s.try_open().code == errc::ok);
    CHECK(s.content("a").empty());
  }
  SECTION("flipped bits in both roots") {
    known[20] ^= std::byte{1};
    known[manifest_sector + 20] ^= std::byte{1};
    s.disk->set_content("/s/MANIFEST", known);
    CHECK(s.try_open().code == errc::corrupt);
    CHECK_THAT(s.try_open().detail, ContainsSubstring("/s/MANIFEST"));
  }
  SECTION("a manifest that is gone") {
    REQUIRE(env(s.disk).remove("/s/MANIFEST"));
    CHECK_THAT(s.try_open().detail,
               ContainsSubstring("MANIFEST is corrupt at offset 0: it is missing"));
  }
  SECTION("a segment that is gone") {
    REQUIRE(env(s.disk).remove("/s/segment-1.cmseg"));
    CHECK_THAT(s.try_open().detail, ContainsSubstring("/s/segment-1.cmseg"));
  }
  SECTION("a log that is gone") {
    s.open();
    s.learn("b");
    s.reconcile();
    (void) s.commit();
    s.die();
    REQUIRE(env(s.disk).remove("/s/wal-1.log"));
    s.open(); // nothing that is left tells of it
    CHECK(s.content("a").empty());
    CHECK(s.content("b") == "absent");
  }
  SECTION("a torn tail is reported, and no error") {
    s.open();
    s.learn("b");
    s.reconcile();
    (void) s.commit();
    s.die();
    auto log = s.disk->content("/s/wal-1.log");
    bool cut = false;
    for (std::size_t i = log.size(); i-- > 512 && !cut;)
      if (log[i] != std::byte{0}) {
        log[i] ^= std::byte{0xFF};
        cut = true;
      }
    s.disk->set_content("/s/wal-1.log", log);
    s.open();
    CHECK(s.memory->recovery().discarded_bytes > 0);
    CHECK(s.memory->recovery().discarded_file == "/s/wal-1.log");
    CHECK(s.content("b") == "absent");
  }
}
