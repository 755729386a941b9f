// Writers, reconciler, flusher and those who await, all at once on one store.

#include "storage/engine.hpp"
#include "tests/catch.hpp"
#include "tests/fault_env.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace cmem;
using namespace cmem::test;

namespace {

/// A flag that one thread waits for, and others raise.
class bell {
public:
  void ring() {
    const std::lock_guard lock(mutex_);
    rung_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(10), [this] { return rung_; });
    rung_ = false;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool rung_ = false; // guarded by mutex_
};

struct workers {
  explicit workers(std::shared_ptr<fault_env> d, durability level) : disk(std::move(d)) {
    options.arena_bytes = std::size_t{256} << 20;
    options.log_capacity = 500;
    options.overflow = overflow_policy::reject;
    options.on_wake = [this] { reconcile.ring(); };
    store_options s;
    s.files = env(disk);
    s.directory = "/s";
    s.level = level;
    s.waiting_bytes_max = 5'000; // the cap is met all the time
    s.log = {wal_file_bytes_min, 1};
    s.on_commit_due = [this] { commit.ring(); };
    options.store = s;
    auto made = engine::create(options);
    if (!made)
      FAIL(to_string(made.error()));
    memory = std::move(*made);
    reconciler = std::thread([this] {
      for (bool more = true; more;) {
        reconcile.wait();
        const auto r = memory->reconcile();
        more = !memory->closed() || r.more_pending || r.stalled;
      }
    });
    flusher = std::thread([this] {
      while (!done.load()) {
        commit.wait();
        (void) memory->commit(); // what it answers is told to those who await
      }
    });
  }
  /// The failure of closing the store, or ok.
  failure close() {
    memory->close();
    reconciler.join();
    const auto closed = memory->close_store();
    done.store(true);
    flusher.join();
    return closed ? failure{} : closed.error();
  }

  std::shared_ptr<fault_env> disk;
  engine_options options;
  bell reconcile;
  bell commit;
  std::unique_ptr<engine> memory;
  std::atomic<bool> done = false;
  std::thread reconciler;
  std::thread flusher;
};

} // namespace

TEST_CASE("D1: all that is awaited is on the disk when its await says so") {
  constexpr int writers = 3;
  const int each = static_cast<int>(sweep(2'000));
  const auto level = GENERATE(durability::interval, durability::sync);
  const auto disk = std::make_shared<fault_env>();
  workers w(disk, level);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int k = 0; k < writers; ++k)
    threads.emplace_back([&, k] {
      for (int i = 0; i < each;) {
        const auto name = std::to_string(k) + "-" + std::to_string(i);
        const auto t = w.memory->write(op::learn_concept{name, name});
        if (!t) {
          wrong += t.error().code != errc::overloaded;
          std::this_thread::yield();
          continue;
        }
        ++i;
        if (i % 50 != 0)
          continue;
        const auto r = w.memory->await_durable(*t, std::chrono::minutes(5));
        wrong += !r || r->what != fate::applied;
        wrong += !w.memory->load()->find(concept_id::from_name(name)); // durable is visible
        (void) w.memory->stats();
      }
    });
  for (auto& t : threads)
    t.join();
  CHECK(w.close().code == errc::ok);
  CHECK(wrong == 0);
  w.memory.reset();
  disk->power_cut(1);
  const auto again = engine::create(w.options);
  REQUIRE(again);
  CHECK((*again)->load()->concept_count() == static_cast<std::uint64_t>(writers * each));
}

TEST_CASE("D4: a disk that fails under load leaves nobody waiting") {
  for (std::uint64_t n = 0; n < sweep(40); ++n) {
    INFO("sync " << n);
    const auto disk = std::make_shared<fault_env>(n + 1);
    workers w(disk, durability::interval);
    disk->inject(fault::sync_eio, n);
    std::atomic<int> wrong = 0;
    std::vector<std::vector<std::string>> stored(2);
    std::vector<std::thread> threads;
    for (std::size_t k = 0; k < stored.size(); ++k)
      threads.emplace_back([&, k] {
        for (int i = 0; i < 100'000; ++i) {
          const auto name = std::to_string(k) + "-" + std::to_string(i);
          const auto t = w.memory->write(op::learn_concept{name, name});
          if (!t && t.error().code == errc::overloaded)
            continue;
          if (!t) {
            wrong += t.error().code != errc::read_only;
            return;
          }
          const auto r = w.memory->await_durable(*t, std::chrono::minutes(5));
          if (r && r->what == fate::applied)
            stored[k].push_back(name);
          else
            wrong += (r ? r->reason : r.error().code) != errc::read_only;
        }
      });
    for (auto& t : threads)
      t.join();
    CHECK(w.close().code == errc::read_only);
    CHECK(wrong == 0);
    w.memory.reset();
    disk->power_cut(n);
    const auto again = engine::create(w.options);
    REQUIRE(again);
    for (const auto& names : stored)
      for (const std::string& name : names)
        REQUIRE((*again)->load()->find(concept_id::from_name(name)));
  }
}
