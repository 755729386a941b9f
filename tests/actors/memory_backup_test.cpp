// Backups of a memory that goes on learning, through the facade.

#include "actors/concurrent_memory.hpp"
#include "tests/catch.hpp"
#include "tests/storage/model.hpp"
#include "tests/storage/operations.hpp"
#include "tests/storage/segment_fixture.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
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

using wide_names = std::array<std::string, 2>;

/// On many concepts, most of them learned once or twice.
write_op wide_operation(std::uint64_t code, contents& c, wide_names& n) {
  decoder d(code);
  const std::uint32_t what = d.below(16);
  for (std::string& name : n)
    name = "wide " + std::to_string(d.below(5'000));
  if (what == 0)
    return op::forget_concept{n[0]};
  if (what < 8)
    return op::learn_association{n[0], n[1], static_cast<kind_id>(what % 5),
                                 static_cast<float>(d.below(5)) / 4};
  c.text.assign(d.below(300), static_cast<char>('a' + what));
  return op::learn_concept{n[0], c.text, {}, static_cast<float>(what)};
}

/// All that a snapshot holds: concepts, associations, placeholders, in one order.
std::string all_of_it(const graph_snapshot& s) {
  std::vector<std::string> rest;
  for (std::uint32_t i = 0; i != s.index_count(); ++i)
    if (s.node(i).state == node_placeholder)
      rest.push_back(describe(s, i) + "\n");
  std::sort(rest.begin(), rest.end());
  std::string text = text_of(s);
  for (const std::string& line : rest)
    text += line;
  return text;
}

std::uint64_t hash_of(const graph_snapshot& s) {
  const std::string text = all_of_it(s);
  return segment_checksum(std::as_bytes(std::span(text)));
}

/// Every snapshot that a memory publishes, held. Its clock is read before each publish, and shows
/// what was published before.
class snapshot_collector {
public:
  timestamp_us tick() {
    if (const concurrent_memory* const m = memory_.load())
      take(m->share());
    return ++now_;
  }
  void watch(const concurrent_memory* m) { memory_.store(m); }
  snapshot_handle of(std::uint64_t sequence) {
    take(memory_.load()->share()); // the newest
    const std::lock_guard lock(mutex_);
    const auto found = held_.find(sequence);
    return found == held_.end() ? snapshot_handle() : found->second;
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return held_.size();
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    held_.clear();
  }

private:
  void take(const snapshot_handle& s) {
    if (newest_.load() == s->sequence())
      return;
    const std::lock_guard lock(mutex_);
    held_.try_emplace(s->sequence(), s);
    newest_.store(s->sequence());
  }

  std::atomic<const concurrent_memory*> memory_{nullptr};
  std::atomic<timestamp_us> now_{1'000};
  std::atomic<std::uint64_t> newest_{~std::uint64_t{0}};
  std::mutex mutex_;
  std::map<std::uint64_t, snapshot_handle> held_; // guarded by mutex_
};

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

TEST_CASE("a backup under a burst is the live snapshot of its sequence, to the last field") {
  constexpr std::uint64_t ahead = 20'000; // entries, so that a slow disk makes no long test
  const real_folder folder;
  const std::string to = folder.path + "/b";
  snapshot_collector collector;
  config c = settings_of(folder.path + "/s");
  c.clock = [&collector] { return collector.tick(); };
  auto opened = concurrent_memory::open(c);
  REQUIRE(opened);
  concurrent_memory& memory = **opened;
  collector.watch(&memory);
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> allowed{ahead};
  std::atomic<std::uint64_t> written{0};
  std::atomic<std::uint64_t> refused{0};
  std::vector<std::thread> writers;
  for (std::uint64_t w = 0; w != 3; ++w)
    writers.emplace_back([&, w] {
      splitmix random(100 + w);
      while (!stop.load()) {
        if (written.load() >= allowed.load()) {
          std::this_thread::yield();
          continue;
        }
        ++written;
        contents text;
        wide_names names;
        const write_op o = random.next() % 2 == 0 ? operation(random.next(), text)
                                                  : wide_operation(random.next(), text, names);
        for (auto t = memory.write(o); !t; t = memory.write(o)) {
          refused += t.error().code != errc::overloaded;
          if (stop.load())
            return;
          std::this_thread::yield();
        }
      }
    });
  std::string wrong;
  std::size_t snapshots = 0;
  std::uint64_t before = 0;
  for (int i = 0; i != 5; ++i) {
    backup_options o;
    o.link = i % 2 == 0;
    const auto made = memory.backup(to, o);
    if (!made) {
      wrong += to_string(made.error());
      break;
    }
    const snapshot_handle live = collector.of(made->sequence);
    const std::string copy = folder.path + "/r" + std::to_string(i);
    const auto restored = restore(env(), to, copy);
    config r = settings_of(copy);
    r.read_only = true;
    const auto again = concurrent_memory::open(r);
    if (!live || !restored || !again) {
      wrong += "no snapshot was published, or none restored, of " + std::to_string(made->sequence);
      break;
    }
    const snapshot_handle kept = (*again)->share();
    wrong += kept->sequence() == made->sequence ? "" : "another sequence\n";
    // One number may be published twice, when nothing but figures or places has changed.
    wrong += kept->timestamp() >= live->timestamp() ? "" : "an older time\n";
    if (hash_of(*kept) != hash_of(*live))
      wrong += difference(all_of_it(*kept), all_of_it(*live));
    wrong += made->sequence > before || i == 0 ? "" : "the burst stands still\n";
    before = made->sequence;
    snapshots += collector.count();
    collector.let_go();
    allowed.store(written.load() + ahead);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(5);
    while (memory.snapshot()->sequence() < before + 100
           && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
  }
  stop.store(true);
  for (std::thread& w : writers)
    w.join();
  CHECK(wrong == "");
  CHECK(refused == 0);
  CHECK(snapshots > 5); // in one of which each backup was to be found
  collector.watch(nullptr);
  collector.let_go();
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
