// Backups: what they hold, what they take, what they refuse, and what a writer may do meanwhile.
// Cuts and faults are in backup_crash_test.cpp.

#include "tests/forwarding_kernel.hpp"
#include "tests/storage/backup_fixture.hpp"
#include "tests/storage/store_fixture.hpp"

#include <atomic>
#include <sys/stat.h>
#include <thread>

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

backup_options copies() {
  backup_options o;
  o.link = false;
  return o;
}

/// Acts before a file is opened.
class watched_disk final : public forwarding_kernel {
public:
  using forwarding_kernel::forwarding_kernel;

  std::function<void(const std::string&)> before_open = [](const std::string&) {};

  answer open(const std::string& path, open_mode mode) override {
    before_open(path);
    return forwarding_kernel::open(path, mode);
  }
};

} // namespace

TEST_CASE("a backup opens by itself, and holds what the store held at its sequence") {
  backup_fixture s;
  const bool link = GENERATE(true, false);
  backup_options o;
  o.link = link;
  const backup_report r = s.back_up(o);
  CHECK(r.sequence == 2);
  CHECK(r.timestamp == s.store().timestamp);
  CHECK(r.first);
  CHECK_FALSE(r.whole); // somebody writes it
  CHECK(r.segments == 2);
  CHECK((link ? r.linked : r.copied) == 2);
  CHECK((link ? r.copied : r.linked) == 0);
  CHECK(r.kept == 0);
  CHECK(r.bytes == s.store().segments[0].bytes + s.store().segments[1].bytes);
  CHECK(r.bytes_copied == (link ? 0 : r.bytes));
  CHECK(r.bytes_verified == r.bytes_copied);
  CHECK(s.names("/b") == "LOCK MANIFEST segment-1.cmseg segment-2.cmseg ");
  const auto m = need(read_manifest(s.e, "/b"));
  manifest expected = s.store();
  expected.durable = expected.reserved = 2;
  CHECK(m.value == expected);
  CHECK(m.twice);
  // Nothing of the store is needed any more.
  for (const std::string& name : need(s.e.list("/s")))
    REQUIRE(s.e.remove("/s/" + name));
  s.disk->power_cut(1);
  CHECK(s.fault_in("/b", 2) == "");
}

TEST_CASE("a store that holds nothing has a backup that holds nothing") {
  const env e(std::make_shared<fault_env>());
  manifest m;
  m.store = 3;
  REQUIRE(manifest_file::create(e, "/s", m));
  const auto r = need(backup(e, "/s", "/b"));
  CHECK(r.whole);
  CHECK(r.segments == 0);
  CHECK(need(restore(e, "/b", "/r")).bytes == 0);
  CHECK(need(open_and_read(e, "/r", 0)).sequence == 0);
}

TEST_CASE("a second backup takes only what is new") {
  backup_fixture s;
  (void) s.back_up(copies());
  const auto untouched = s.back_up(copies());
  CHECK_FALSE(untouched.first);
  CHECK(untouched.kept == 2);
  CHECK(untouched.bytes_copied == 0);
  CHECK(untouched.bytes_verified == 0);
  s.grow();
  const auto third = s.back_up(copies());
  CHECK(third.kept == 2);
  CHECK(third.copied == 1);
  CHECK(third.bytes_copied == s.store().segments[2].bytes);
  CHECK(third.bytes_verified == third.bytes_copied);
  CHECK(third.removed == 0);
  CHECK(s.fault_in("/b", 3) == "");
  s.grow(true); // all were merged into one
  const auto merged = s.back_up();
  CHECK(merged.segments == 1);
  CHECK(merged.linked == 1);
  CHECK(merged.removed == 3);
  CHECK(s.names("/b") == "LOCK MANIFEST segment-4.cmseg ");
  CHECK(s.fault_in("/b", 4) == "");
  s.disk->power_cut(1);
  CHECK(s.fault_in("/b", 4) == "");
}

TEST_CASE("verify_all reads everything, and the report says what was read") {
  backup_fixture s;
  backup_options o;
  o.verify_all = true;
  CHECK(s.back_up(o).bytes_verified == s.back_up().bytes);
  CHECK(s.back_up(o).bytes_verified == s.back_up().bytes);
  CHECK(s.back_up().bytes_verified == 0);
}

TEST_CASE("progress goes on to the end, whatever is linked, kept or copied") {
  backup_fixture s;
  for (const bool link : {true, false}) {
    backup_options o;
    o.link = link;
    std::vector<backup_progress> told;
    o.on_progress = [&](const backup_progress& p) { told.push_back(p); };
    s.grow(true);
    s.grow();
    const auto r = s.back_up(o);
    REQUIRE_FALSE(told.empty());
    for (std::size_t i = 0; i != told.size(); ++i) {
      CHECK(told[i].bytes_total == 2 * r.bytes);
      CHECK(told[i].bytes_done >= (i == 0 ? 0 : told[i - 1].bytes_done));
    }
    CHECK(told.back().bytes_done == told.back().bytes_total);
  }
}

TEST_CASE("on a real disk a segment has one more name, or is another file") {
  const real_folder folder;
  const std::string store = folder.path + "/s";
  random_graph g(1, 40);
  auto made = manifest_file::create(env(), store, new_store(g));
  manifest_file m = need(std::move(made));
  g.change(100);
  REQUIRE(checkpoint(env(), store, m, g.newest(), {}, false));
  const auto links = [](const std::string& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_nlink;
  };
  CHECK(need(backup(env(), store, folder.path + "/linked")).linked == 1);
  CHECK(links(store + "/segment-1.cmseg") == 2);
  CHECK(need(backup(env(), store, folder.path + "/copied", copies())).copied == 1);
  CHECK(links(store + "/segment-1.cmseg") == 2);
  std::filesystem::remove_all(store);
  for (const char* name : {"/linked", "/copied"})
    CHECK(need(open_and_read(env(), folder.path + name)).text == all_text(g.newest()));
}

// -- beside a writer

TEST_CASE("D6: segments that go while they are opened are not missed") {
  backup_fixture s;
  const auto watched = std::make_shared<watched_disk>(s.disk);
  const env beside(watched);
  int replaced = 0;
  watched->before_open = [&](const std::string& path) {
    if (path == "/s/segment-2.cmseg" && replaced++ == 0)
      s.grow(true);
  };
  const auto r = need(backup(beside, "/s", "/b"));
  CHECK(replaced == 1);
  CHECK(r.sequence == 3);
  CHECK(s.names("/b") == "LOCK MANIFEST segment-3.cmseg ");
  CHECK(s.fault_in("/b", 3) == "");
}

TEST_CASE("a segment that goes once it is open is copied from there") {
  backup_fixture s;
  const auto watched = std::make_shared<watched_disk>(s.disk);
  int replaced = 0;
  watched->before_open = [&](const std::string& path) {
    if (path == "/b/LOCK" && replaced++ == 0)
      s.grow(true);
  };
  const auto r = need(backup(env(watched), "/s", "/b"));
  CHECK(r.sequence == 2);
  CHECK(r.copied == 2);
  CHECK(s.names("/s").find("segment-1.cmseg") == std::string::npos);
  CHECK(s.fault_in("/b", 2) == "");
  CHECK(s.back_up().sequence == 3);
  CHECK(s.fault_in("/b", 3) == "");
}

TEST_CASE("a writer that never stops replacing ends the backup, with a reason") {
  backup_fixture s;
  (void) s.back_up();
  const auto watched = std::make_shared<watched_disk>(s.disk);
  watched->before_open = [&](const std::string& path) {
    if (path.starts_with("/s/segment-"))
      s.grow(true, 1);
  };
  const auto r = backup(env(watched), "/s", "/b");
  CHECK(r.error().code == errc::timed_out);
  CHECK_THAT(r.error().detail, ContainsSubstring("/s"));
  CHECK(s.fault_in("/b", 2) == "");
}

TEST_CASE("D3: a segment that is named and not there is lost, and said to be") {
  backup_fixture s;
  REQUIRE(s.e.remove("/s/segment-1.cmseg"));
  const auto r = s.try_backup();
  CHECK(r.error().code == errc::corrupt);
  CHECK_THAT(r.error().detail, ContainsSubstring("/s/segment-1.cmseg"));
  CHECK(s.e.list("/b").error().code == errc::not_found); // nothing was begun
}

TEST_CASE("backups beside writing, reconciling and flushing threads hold the snapshot they name") {
  store_fixture s;
  s.options.arena_bytes = std::size_t{256} << 20;
  s.options.log_capacity = 10'000;
  s.options.on_wake = [] {};
  s.options.store->on_commit_due = [] {};
  s.options.store->flush_concepts = 50;
  s.open();
  std::map<std::uint64_t, snapshot_handle> held; // every snapshot; the reconciler's until it ends
  s.learn("the first");
  s.reconcile();
  held.emplace(1, s.memory->share());
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    splitmix random(1);
    while (!stop.load()) {
      const std::string a = "c" + std::to_string(random.below(300));
      const std::string b = "c" + std::to_string(random.below(300));
      if (random.one_in(10))
        (void) s.memory->write(op::forget_concept{a});
      else if (random.one_in(2))
        (void) s.memory->write(op::learn_concept{a, b});
      else
        (void) s.memory->write(op::learn_association{a, b});
    }
  });
  std::thread reconciler([&] {
    while (!stop.load()) {
      if (s.memory->reconcile().published) {
        auto newest = s.memory->share();
        const std::uint64_t at = newest->sequence();
        held.emplace(at, std::move(newest));
      }
      std::this_thread::yield();
    }
  });
  std::thread flusher([&] {
    while (!stop.load()) {
      (void) s.memory->commit();
      (void) s.memory->flush();
    }
  });
  std::map<std::uint64_t, std::string> restored;
  const env e(s.disk);
  std::uint64_t before = 0;
  std::string wrong;
  for (int i = 0; i != 10; ++i) {
    const std::uint64_t asked = need(s.memory->await_flush(std::chrono::minutes(5)));
    const auto r = need(backup(e, "/s", "/b", i % 2 == 0 ? copies() : backup_options()));
    if (r.sequence < asked || r.sequence < before)
      wrong += "a backup went back\n";
    before = r.sequence;
    auto opened = open_and_read(e, "/b", 0);
    restored[r.sequence] = need(std::move(opened)).text;
  }
  stop.store(true);
  writer.join();
  reconciler.join();
  flusher.join();
  CHECK(wrong.empty());
  for (const auto& [sequence, text] : restored) {
    REQUIRE(held.contains(sequence));
    CHECK(text == all_text(*held.at(sequence)));
  }
  held.clear();
}

TEST_CASE("after 1 % changed, at most 5 % are copied") {
  store_fixture s;
  s.options.arena_bytes = std::size_t{256} << 20;
  s.options.log_capacity = 10'000;
  s.open();
  const auto flush = [&] {
    s.memory->ask_for_flush();
    s.reconcile();
    REQUIRE(need(s.memory->flush()));
  };
  constexpr int concepts = 4'000;
  for (int i = 0; i != concepts; ++i) {
    s.learn("c" + std::to_string(i), std::string(200, 'x'));
    s.write(op::learn_association{"c" + std::to_string(i), "c" + std::to_string(i * 7 % concepts)});
    if (i % 1'000 == 0)
      s.reconcile();
  }
  s.reconcile();
  flush();
  const env e(s.disk);
  const auto whole = need(backup(e, "/s", "/b", copies()));
  CHECK(whole.bytes_copied == whole.bytes);
  for (int i = 0; i < concepts; i += 100)
    s.learn("c" + std::to_string(i), std::string(200, 'y'));
  flush();
  const auto changed = need(backup(e, "/s", "/b", copies()));
  CHECK(changed.bytes_copied > 0);
  CHECK(changed.bytes_copied * 100 <= whole.bytes * 5);
  CHECK(need(open_and_read(e, "/b", 0)).text == all_text(*s.memory->load()));
}

// -- refusals

TEST_CASE("a backup refuses what it must not replace, and leaves it as it is") {
  backup_fixture s;
  const auto refused = [&](errc code, const char* why) {
    const std::string before = need(s.e.list("/b")).empty() ? "" : s.names("/b");
    const auto r = s.try_backup();
    REQUIRE_FALSE(r);
    CHECK(r.error().code == code);
    CHECK_THAT(r.error().detail, ContainsSubstring("/b") && ContainsSubstring(why));
    CHECK_THAT(s.names("/b"), ContainsSubstring(before));
  };
  SECTION("the backup of another store") {
    random_graph other(2, 10);
    manifest m = new_store(other);
    m.store = 77;
    REQUIRE(manifest_file::create(s.e, "/b", m));
    refused(errc::invalid_argument, "of another store");
  }
  SECTION("a later state") {
    manifest m = s.store();
    m.segments.clear();
    m.checkpoint = m.durable = m.reserved = 3;
    REQUIRE(manifest_file::create(s.e, "/b", m));
    refused(errc::invalid_argument, "does not go back");
  }
  SECTION("a state that this store never had") {
    (void) s.back_up();
    auto m = manifest_file::open(s.e, "/b");
    manifest other = m->current();
    other.segments[1].checksum ^= 1;
    REQUIRE(m->update(other));
    refused(errc::invalid_argument, "another segment-2.cmseg");
  }
  SECTION("a store that was written and not closed") {
    REQUIRE(manifest_file::create(s.e, "/b", s.store()));
    refused(errc::invalid_argument, "no backup");
  }
  SECTION("a store with a log") {
    (void) s.back_up();
    REQUIRE(s.e.open("/b/wal-0.log", open_mode::create));
    refused(errc::invalid_argument, "has a log");
  }
  SECTION("a store that has lost its manifest") {
    REQUIRE(s.e.make_directory("/b"));
    REQUIRE(s.e.open("/b/segment-1.cmseg", open_mode::create));
    refused(errc::corrupt, "it is missing, beside segment-1.cmseg");
    REQUIRE(s.e.remove("/b/segment-1.cmseg"));
    REQUIRE(s.e.open("/b/wal-3.log", open_mode::create));
    REQUIRE(s.e.open("/b/MANIFEST.new", open_mode::create)); // of no backup: those have no log
    refused(errc::corrupt, "it is missing, beside wal-3.log");
  }
  SECTION("one that is being made, or opened to write") {
    REQUIRE(s.e.make_directory("/b"));
    const auto lock = s.e.lock("/b/LOCK");
    REQUIRE(lock);
    refused(errc::locked, "process 4242");
  }
  SECTION("one that is being read") {
    (void) s.back_up();
    const auto still = hold_still(s.e, "/b");
    REQUIRE(still->has_value());
    refused(errc::locked, "being read");
  }
  SECTION("a manifest that is damaged in both places") {
    (void) s.back_up();
    s.flip("/b/MANIFEST", 8);
    s.flip("/b/MANIFEST", 4104);
    refused(errc::corrupt, "MANIFEST");
  }
}

TEST_CASE("a store that is not there is not backed up, and no directory is made for it") {
  const env e(std::make_shared<fault_env>());
  CHECK(backup(e, "/s", "/b").error().code == errc::not_found);
  CHECK(restore(e, "/s", "/b").error().code == errc::not_found);
  CHECK(e.list("/b").error().code == errc::not_found);
  const backup_fixture s;
  const auto r = backup(s.e, "/s", "/none/b");
  CHECK(r.error().code == errc::not_found);
  CHECK_THAT(r.error().detail, ContainsSubstring("/none/b"));
}

TEST_CASE("a store is no backup of itself") {
  backup_fixture s;
  CHECK(backup(s.e, "/s", "/s").error().code == errc::invalid_argument);
  s.close();
  const auto r = need(backup(s.e, "/s", "/s")); // nothing is to be done
  CHECK(r.kept == 2);
  CHECK(s.fault_in("/s", 2) == "");
}

// -- damage

TEST_CASE("D3: a damaged store is not backed up, and what is damaged is named") {
  backup_fixture s;
  (void) s.back_up(copies());
  s.grow();
  const std::string path = s.segment("/s", 2);
  const std::size_t bytes = s.disk->content(path).size();
  splitmix random(5);
  for (std::size_t i = 0; i != sweep(200); ++i) {
    const std::size_t at = random.below(bytes);
    INFO("byte " << at);
    s.flip(path, at);
    backup_options o;
    o.link = random.one_in(2);
    o.verify_all = o.link;
    const auto r = s.try_backup(o);
    REQUIRE_FALSE(r);
    REQUIRE(r.error().code == errc::corrupt);
    REQUIRE_THAT(r.error().detail,
                 ContainsSubstring(path + " ") && ContainsSubstring("at offset "));
    REQUIRE(s.fault_in("/b", 2) == ""); // the one before
    s.flip(path, at);
  }
  CHECK(s.back_up().sequence == 3);
  CHECK(s.fault_in("/b", 3) == "");
}

TEST_CASE("a segment of the backup that went bad is taken again") {
  backup_fixture s;
  (void) s.back_up(copies());
  backup_options o = copies();
  const std::string path = s.segment("/b", 1);
  SECTION("its header, which is always looked at") { s.flip(path, 30); }
  SECTION("what is behind it, with verify_all") {
    s.flip(path, 300);
    CHECK(s.back_up(copies()).kept == 2);
    o.verify_all = true;
  }
  SECTION("its end") {
    auto content = s.disk->content(path);
    content.resize(content.size() - 1);
    s.disk->set_content(path, content);
  }
  SECTION("all of it") { REQUIRE(s.e.remove(path)); }
  const auto r = s.back_up(o);
  CHECK(r.kept == 1);
  CHECK(r.copied == 1);
  CHECK(s.fault_in("/b", 2) == "");
  CHECK(s.names("/b") == "LOCK MANIFEST segment-1.cmseg segment-2.cmseg ");
}

// -- restore

TEST_CASE("a backup is restored to a store that goes on") {
  backup_fixture s;
  (void) s.back_up();
  s.grow(); // what came later is not in it
  const auto r = need(restore(s.e, "/b", "/r"));
  CHECK(r.sequence == 2);
  CHECK(r.whole);
  CHECK(r.copied == 2);
  CHECK(r.bytes_verified == r.bytes);
  CHECK(s.fault_in("/r", 2) == "");
  engine_options o;
  o.arena_bytes = std::size_t{64} << 20;
  o.vector_dimension = random_graph::dimension;
  o.store = store_options{};
  o.store->files = s.e;
  o.store->directory = "/r";
  {
    const auto opened = engine::create(o);
    engine& memory = *need(opened);
    CHECK(memory.recovery().first_sequence == 2);
    CHECK(memory.recovery().discarded_bytes == 0);
    REQUIRE(memory.write(op::learn_concept{"later", "in the restored store"}));
    memory.close();
    while (memory.reconcile().more_pending) {}
    REQUIRE(memory.close_store());
  }
  const auto again = need(open_and_read(s.e, "/r"));
  CHECK(again.sequence == 3);
  CHECK_THAT(again.text, ContainsSubstring("in the restored store"));
  CHECK(s.fault_in("/b", 2) == ""); // shares nothing with it
  // Its backup goes on where the old one was.
  const auto next = need(backup(s.e, "/r", "/b"));
  CHECK(next.whole);
  CHECK(next.kept == 2);
  CHECK(need(open_and_read(s.e, "/b")).text == again.text);
  // And the store that it came from has gone another way meanwhile.
  CHECK(s.try_backup().error().code == errc::invalid_argument);
}

TEST_CASE("nothing is restored over a store, nor from one that has a log") {
  backup_fixture s;
  (void) s.back_up();
  const auto over = restore(s.e, "/b", "/s");
  CHECK(over.error().code == errc::invalid_argument);
  CHECK_THAT(over.error().detail, ContainsSubstring("/s holds a store"));
  const auto from = restore(s.e, "/s", "/r");
  CHECK(from.error().code == errc::invalid_argument);
  CHECK_THAT(from.error().detail, ContainsSubstring("/s has a log"));
  s.close(); // then the segments are all there is
  CHECK(need(restore(s.e, "/s", "/r")).sequence == 2);
  CHECK(restore(s.e, "/s", "/r").error().code == errc::invalid_argument);
  CHECK(s.fault_in("/r", 2) == "");
}

TEST_CASE("D3: a damaged backup is not restored: any bit, with file and offset") {
  backup_fixture s;
  (void) s.back_up(copies());
  splitmix random(7);
  for (std::size_t i = 0; i != sweep(300); ++i) {
    const std::string path = s.segment("/b", random.below(2));
    const std::size_t at = random.below(s.disk->content(path).size());
    INFO(path << ", byte " << at);
    s.flip(path, at);
    const std::string to = "/r" + std::to_string(i);
    const auto r = restore(s.e, "/b", to);
    REQUIRE_FALSE(r);
    REQUIRE(r.error().code == errc::corrupt);
    REQUIRE_THAT(r.error().detail,
                 ContainsSubstring(path + " ") && ContainsSubstring("at offset "));
    REQUIRE_FALSE(open_and_read(s.e, to)); // is no store
    s.flip(path, at);
  }
  CHECK(need(restore(s.e, "/b", "/r0")).first); // goes on from what is there
  CHECK(s.fault_in("/r0", 2) == "");
}
