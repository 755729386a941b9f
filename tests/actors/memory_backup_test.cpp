// Backups of a memory that goes on learning, through the facade.

#include "actors/concurrent_memory.hpp"
#include "tests/catch.hpp"
#include "tests/storage/model.hpp"
#include "tests/storage/operations.hpp"
#include "tests/storage/segment_fixture.hpp"

#include <atomic>
#include <map>
#include <thread>

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr timestamp_us standing = 1'000; // what the clock shows

config settings_of(const std::string& directory) {
  config c;
  c.storage_path = directory;
  c.overflow = overflow_policy::reject;
  c.arena_bytes = std::uint64_t{1} << 30;
  c.log_file_bytes = 1 << 18;
  c.memory_threshold = 10; // many flushes
  c.flush_log_bytes = flush_log_bytes_min;
  c.vector_dimension = vector_values.size();
  c.clock = [] { return standing; };
  c.log = [](log_level, std::string_view) {};
  return c;
}

/// The n-th operation of the burst, from 1: it gets the number n.
write_op operation_number(std::uint64_t n, contents& c) { return operation(splitmix(n).next(), c); }

std::string text_in(const std::string& directory, std::uint64_t sequence) {
  config c = settings_of(directory);
  c.read_only = true;
  const auto opened = concurrent_memory::open(c);
  REQUIRE(opened);
  const auto s = (*opened)->share();
  REQUIRE(s->sequence() == sequence);
  return text_of(*s);
}

} // namespace

TEST_CASE("a backup under a burst restores to the snapshot of its sequence") {
  const real_folder folder;
  const std::string to = folder.path + "/b";
  auto opened = concurrent_memory::open(settings_of(folder.path + "/s"));
  REQUIRE(opened);
  concurrent_memory& memory = **opened;
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> allowed{20'000}; // so that a slow disk makes no long test
  std::atomic<std::uint64_t> refused{0};
  std::thread writer([&] {
    for (std::uint64_t n = 1; !stop.load(); ++n) {
      while (n > allowed.load() && !stop.load())
        std::this_thread::yield();
      contents c;
      const write_op o = operation_number(n, c);
      while (true) {
        const auto t = memory.write(o);
        if (t)
          break;
        if (t.error().code != errc::overloaded) {
          ++refused;
          return;
        }
        std::this_thread::yield();
      }
    }
  });
  const auto reach = [&](std::uint64_t sequence) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(5);
    while (memory.snapshot()->sequence() < sequence) {
      if (std::chrono::steady_clock::now() > deadline)
        return false;
      std::this_thread::yield();
    }
    return true;
  };
  std::map<std::uint64_t, std::string> restored; // by sequence
  std::string wrong;
  for (int i = 0; i != 6; ++i) {
    const std::uint64_t visible = memory.snapshot()->sequence();
    allowed.store(visible + 20'000);
    backup_options o;
    o.link = i % 2 == 0;
    const auto r = memory.backup(to, o);
    if (!r) {
      wrong += to_string(r.error());
      break;
    }
    if (r->sequence < visible)
      wrong += "a backup lacks what was visible\n";
    const std::string copy = folder.path + "/r" + std::to_string(i);
    if (const auto again = restore(env(), to, copy); !again || again->sequence != r->sequence)
      wrong += "not restored: " + copy;
    else
      restored[r->sequence] = text_in(copy, r->sequence);
    allowed.store(r->sequence + 20'000);
    if (!reach(r->sequence + 100))
      wrong += "the burst stands still\n";
  }
  stop.store(true);
  writer.join();
  REQUIRE(wrong.empty());
  CHECK(refused == 0);
  CHECK(restored.size() == 6);
  model fold;
  std::uint64_t n = 0;
  for (const auto& [sequence, text] : restored) {
    while (n != sequence) {
      contents c;
      (void) fold.apply(operation_number(++n, c), standing); // some fail, there as here
    }
    CHECK(difference(text, fold.text()) == "");
  }
  CHECK(memory.close().store_error.code == errc::ok);
}

TEST_CASE("a backup holds all that was visible when it was asked for, without any await") {
  const real_folder folder;
  auto opened = concurrent_memory::open(settings_of(folder.path + "/s"));
  REQUIRE(opened);
  concurrent_memory& memory = **opened;
  const auto t = memory.learn_concept("a", "content");
  REQUIRE(t);
  REQUIRE(memory.await_visible(*t, std::chrono::minutes(5)));
  const auto r = memory.backup(folder.path + "/b");
  REQUIRE(r);
  CHECK(r->sequence == 1);
  CHECK(text_in(folder.path + "/b", 1) == text_of(*memory.snapshot()));
  // Nothing changed: nothing is taken.
  const auto again = memory.backup(folder.path + "/b");
  REQUIRE(again);
  CHECK(again->kept == r->segments);
  CHECK(again->bytes_copied == 0);
}

TEST_CASE("a memory that keeps nothing, is read only or closed makes no backup") {
  const real_folder folder;
  const std::string to = folder.path + "/b";
  {
    config c = settings_of("");
    c.overflow.reset();
    const auto memory = concurrent_memory::open(c);
    REQUIRE(memory);
    CHECK((*memory)->backup(to).error().code == errc::not_durable);
  }
  const auto memory = concurrent_memory::open(settings_of(folder.path + "/s"));
  REQUIRE(memory);
  REQUIRE((*memory)->learn_concept("a"));
  CHECK((*memory)->backup(folder.path + "/none/b").error().code == errc::not_found);
  CHECK_THAT((*memory)->backup(folder.path + "/s").error().detail, ContainsSubstring("LOCK"));
  (void) (*memory)->close();
  CHECK((*memory)->backup(to).error().code == errc::closed);
  config c = settings_of(folder.path + "/s");
  c.read_only = true;
  const auto reader = concurrent_memory::open(c);
  REQUIRE(reader);
  CHECK((*reader)->backup(to).error().code == errc::not_durable);
  CHECK_FALSE(std::filesystem::exists(to));
  CHECK(backup(env(), folder.path + "/s", to)); // without a memory
  CHECK(text_in(to, 1) == text_of(*(*reader)->snapshot()));
}
