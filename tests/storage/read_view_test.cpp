#include "storage/read_view.hpp"

#include "tests/catch.hpp"

#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

// What a reader checks: all fields say the same, and say 0 once the snapshot is freed. Plain on
// purpose: ThreadSanitizer reports a reader that is still there.
template <class Sync>
struct basic_fake : cmem::basic_view_target<Sync> {
  explicit basic_fake(std::uint64_t n) { fields.fill(n); }
  ~basic_fake() { fields.fill(0); }
  std::uint64_t value() const {
    for (std::uint64_t f : fields)
      if (f != fields[0])
        return 0;
    return fields[0];
  }
  std::array<std::uint64_t, 8> fields;
};
using fake = basic_fake<cmem::real_sync>;
using fake_view = cmem::basic_read_view<fake>;

// A reconciler: publishes 1, 2, 3 …, frees what nobody uses. The fakes live in the memory, which
// the view's handles keep alive.
template <class Sync>
class basic_fixture {
public:
  using target = basic_fake<Sync>;
  using view_type = cmem::basic_read_view<target, Sync>;
  using memory_type = std::deque<std::unique_ptr<target>>;

  explicit basic_fixture(std::size_t threads_max = view_type::threads_default) {
    memory_->push_back(std::make_unique<target>(1));
    view.emplace(std::shared_ptr<void>(memory_), memory_->back().get(), threads_max);
  }
  void publish() {
    memory_->push_back(std::make_unique<target>(++newest));
    view->publish(memory_->back().get());
  }
  // Scans, frees, and names what is left: "1 3" when 1 is held and 3 is current.
  std::string reclaim() {
    std::vector<target*> live;
    for (const auto& t : *memory_)
      live.push_back(t.get());
    std::string left;
    view->scan(std::span<target* const>(live), [&](std::size_t i, bool in_use) {
      if (!in_use)
        (*memory_)[i].reset();
      else
        left += (left.empty() ? "" : " ") + std::to_string(live[i]->value());
    });
    std::erase(*memory_, nullptr);
    return left;
  }
  // Expires when nothing keeps the memory.
  std::weak_ptr<void> life() const { return memory_; }
  // Lets go of view and memory, as when a memory is destroyed.
  std::weak_ptr<void> close() {
    auto watched = life();
    view.reset();
    memory_.reset();
    return watched;
  }

  std::optional<view_type> view;
  std::uint64_t newest = 1;

private:
  std::shared_ptr<memory_type> memory_ = std::make_shared<memory_type>();
};
using fixture = basic_fixture<cmem::real_sync>;

template <class F>
void on_other_thread(F f) {
  std::thread(f).join();
}

// Stops a thread before its n-th step on atomics and fences, until released.
class stepper {
public:
  explicit stepper(int steps) : left_(steps) {}
  // The reader's side.
  void step() {
    if (left_-- != 0)
      return;
    reached_.set_value(true);
    go_.get_future().wait();
  }
  void finish() {
    if (left_ >= 0)
      reached_.set_value(false);
  }
  // The test's side. False when the reader took fewer steps.
  bool wait_until_stopped() {
    auto reached = reached_.get_future();
    REQUIRE(reached.wait_for(60s) == std::future_status::ready);
    return reached.get();
  }
  void go() { go_.set_value(); }

private:
  int left_;
  std::promise<bool> reached_;
  std::promise<void> go_;
};
thread_local stepper* stepping = nullptr;

void step() {
  if (stepping != nullptr)
    stepping->step();
}

// The machine, with a stop before every step. A single cell, so that a second load counts.
struct stopping_sync {
  template <class U>
  class atomic {
  public:
    atomic() noexcept = default;
    atomic(U v) noexcept : value_(v) {}
    U load(std::memory_order o) const { return step(), value_.load(o); }
    void store(U v, std::memory_order o) { step(), value_.store(v, o); }
    U exchange(U v, std::memory_order o) { return step(), value_.exchange(v, o); }
    U fetch_add(U v, std::memory_order o) { return step(), value_.fetch_add(v, o); }
    U fetch_sub(U v, std::memory_order o) { return step(), value_.fetch_sub(v, o); }
    U fetch_or(U v, std::memory_order o) { return step(), value_.fetch_or(v, o); }
    U fetch_and(U v, std::memory_order o) { return step(), value_.fetch_and(v, o); }

  private:
    std::atomic<U> value_{};
  };
  template <class Slot>
  using slots = cmem::thread_slots<Slot>;
  static constexpr unsigned cells_per_thread = 1;
  static bool enable_asymmetric_fences() { return cmem::real_sync::enable_asymmetric_fences(); }
  static void light_fence(bool asymmetric) { step(), cmem::real_sync::light_fence(asymmetric); }
  static bool heavy_fence(bool asymmetric) { return cmem::real_sync::heavy_fence(asymmetric); }
};
using stopping_fixture = basic_fixture<stopping_sync>;
using stopping_guard = stopping_fixture::view_type::guard;

// A thread that loads once, stopping before its n-th step, and gives its guard back when told.
class stopped_reader {
public:
  stopped_reader(stopping_fixture& f, int steps) : step_(steps) {
    thread_ = std::thread([this, &f] {
      stepping = &step_;
      auto guard = f.view->load();
      stepping = nullptr;
      step_.finish();
      loaded_.set_value(guard->value());
      release_.get_future().wait();
    });
    stopped = step_.wait_until_stopped();
  }
  // Lets it go on; the value that it loaded, still held.
  std::uint64_t go_on() {
    step_.go();
    return value();
  }
  std::uint64_t value() {
    auto value = loaded_.get_future();
    REQUIRE(value.wait_for(60s) == std::future_status::ready);
    return value.get();
  }
  void release() {
    release_.set_value();
    thread_.join();
  }

  bool stopped = false;

private:
  stepper step_;
  std::promise<std::uint64_t> loaded_;
  std::promise<void> release_;
  std::thread thread_;
};

} // namespace

TEST_CASE("a guard holds the snapshot that was current") {
  fixture f;
  auto first = f.view->load();
  CHECK(first->value() == 1);
  f.publish();
  CHECK(f.view->load()->value() == 2);
  f.publish();
  CHECK(f.reclaim() == "1 3");
  first = f.view->load();
  CHECK(first->value() == 3);
  CHECK(f.reclaim() == "3");
}

TEST_CASE("a view without a snapshot gives empty guards and handles") {
  fake_view view(nullptr, nullptr);
  auto guard = view.load();
  CHECK_FALSE(guard);
  CHECK_FALSE(view.share());
  CHECK_FALSE(guard.share());
  fake one(1);
  CHECK(view.publish(&one) == nullptr);
  CHECK(view.load()->value() == 1);
}

TEST_CASE("guards nest and go in any order") {
  fixture f;
  std::vector<fake_view::guard> guards;
  for (int i = 0; i != 8; ++i) {
    guards.push_back(f.view->load());
    f.publish();
  }
  CHECK(f.reclaim() == "1 2 3 4 5 6 7 8 9");
  guards.erase(guards.begin() + 3);
  guards.erase(guards.begin());
  CHECK(f.reclaim() == "2 3 5 6 7 8 9");
  std::swap(guards.front(), guards.back());
  guards.pop_back();
  CHECK(f.reclaim() == "3 5 6 7 8 9");
  auto moved = std::move(guards.back());
  guards.clear();
  CHECK(f.reclaim() == "7 9");
  moved = {};
  CHECK(f.reclaim() == "9");
}

TEST_CASE("more guards than cells fall back to a count") {
  fixture f;
  std::vector<fake_view::guard> guards;
  for (unsigned i = 0; i != cmem::real_sync::cells_per_thread; ++i)
    guards.push_back(f.view->load());
  CHECK_FALSE(guards.back().counted());
  f.publish();
  guards.push_back(f.view->load());
  CHECK(guards.back().counted());
  f.publish();
  CHECK(f.reclaim() == "1 2 3");
  CHECK(guards.back()->value() == 2);
  guards.erase(guards.begin(), guards.end() - 1);
  CHECK_FALSE(f.view->load().counted());
  CHECK(f.reclaim() == "2 3");
  auto handle = guards.back().share();
  guards.clear();
  CHECK(f.reclaim() == "2 3");
  handle = {};
  CHECK(f.reclaim() == "3");
}

TEST_CASE("more threads than slots fall back to a count") {
  fixture f(1);
  CHECK_FALSE(f.view->load().counted());
  on_other_thread([&] {
    auto guard = f.view->load();
    CHECK(guard.counted());
    f.publish();
    CHECK(f.reclaim() == "1 2");
  });
  CHECK(f.reclaim() == "2");
}

TEST_CASE("a handle is counted, copied, and released on any thread") {
  fixture f;
  auto handle = f.view->share();
  CHECK(handle->value() == 1);
  f.publish();
  auto second = f.view->share();
  CHECK_FALSE(handle == second);
  on_other_thread([&f, copy = handle]() mutable {
    CHECK((*copy).value() == 1);
    CHECK(f.reclaim() == "1 2");
    copy = {};
  });
  CHECK(f.reclaim() == "1 2");
  on_other_thread([moved = std::move(handle)] { CHECK(moved.get()->value() == 1); });
  CHECK_FALSE(handle); // NOLINT: moved from on purpose
  CHECK(f.reclaim() == "2");
  second = f.view->share();
  f.publish();
  CHECK(f.reclaim() == "2 3");
}

TEST_CASE(
  "R1: a reader stopped anywhere inside load() holds up nobody, and its snapshot is in use") {
  const bool counted = GENERATE(false, true);
  int stops = 0;
  for (int n = 0;; ++n) {
    stopping_fixture f(counted ? 0 : 10);
    on_other_thread([&] { CHECK(f.view->load().counted() == counted); }); // prepares the slot
    stopped_reader reader(f, n);
    if (!reader.stopped) {
      CHECK(reader.value() == 1);
      reader.release();
      break;
    }
    ++stops;
    std::string left;
    for (int i = 0; i != 100; ++i) { // publishing, loading and counting go on
      f.publish();
      auto guard = f.view->load();
      CHECK(guard->value() == f.newest);
      CHECK(f.view->share()->value() == f.newest);
      guard = {};
      left = f.reclaim();
    }
    // Before its first store nothing shows the reader, and nothing waits for it. From then on a
    // cell shows 1; or, counted, it is inside, and may get whatever was current since.
    const std::uint64_t got = reader.go_on();
    CAPTURE(n, left);
    if (n < 2)
      CHECK(left == "101");
    else if (!counted)
      CHECK(left == "1 101");
    else
      CHECK(left.starts_with("1 2 3 4 5 "));
    CHECK(got == (counted && n >= 4 ? 1 : 101));
    reader.release();
    CHECK(f.reclaim() == "101");
  }
  CHECK(stops == (counted ? 6 : 4)); // every step was met
}

TEST_CASE("counted loads that overlap for ever do not keep every snapshot") {
  stopping_fixture f(0);
  constexpr int inside = 3; // past entering, before its count
  auto current = std::make_unique<stopped_reader>(f, inside);
  REQUIRE(current->stopped);
  std::string left;
  for (int i = 0; i != 20; ++i) { // at every moment one is inside
    f.publish();
    left = f.reclaim();
    auto next = std::make_unique<stopped_reader>(f, inside);
    REQUIRE(next->stopped);
    current->go_on();
    current->release();
    current = std::move(next);
  }
  CHECK(std::count(left.begin(), left.end(), ' ') <= 3);
  current->go_on();
  current->release();
  CHECK(f.reclaim() == "21");
}

TEST_CASE("guards and handles keep the memory after it is destroyed") {
  fixture f;
  std::weak_ptr<void> life;
  SECTION("nothing held: it goes at once, though its threads live") {
    std::promise<void> loaded, closed;
    std::thread idle([&] {
      (void) f.view->load();
      loaded.set_value();
      closed.get_future().wait();
    });
    (void) f.view->load();
    loaded.get_future().wait();
    life = f.close();
    CHECK(life.expired());
    closed.set_value();
    idle.join();
  }
  SECTION("a guard, or several") {
    auto guard = f.view->load();
    f.publish();
    auto other = f.view->load();
    life = f.close();
    guard = {};
    CHECK_FALSE(life.expired());
    CHECK(other->value() == 2);
    other = {};
  }
  SECTION("guards of two threads") {
    auto guard = f.view->load();
    std::promise<void> loaded, closed;
    std::thread reader([&] {
      auto other = f.view->load();
      loaded.set_value();
      closed.get_future().wait();
      CHECK(other->value() == 1);
    });
    loaded.get_future().wait();
    life = f.close();
    guard = {};
    CHECK_FALSE(life.expired());
    closed.set_value();
    reader.join();
  }
  SECTION("a guard by count") {
    std::vector<fake_view::guard> guards;
    while (guards.empty() || !guards.back().counted())
      guards.push_back(f.view->load());
    life = f.close();
    guards.erase(guards.begin(), guards.end() - 1);
    CHECK_FALSE(life.expired());
    CHECK(guards.back()->value() == 1);
  }
  SECTION("a handle, and one made from a guard afterwards") {
    auto handle = f.view->share();
    auto guard = f.view->load();
    life = f.close();
    auto late = guard.share();
    guard = {};
    CHECK(late == handle);
    handle = {};
    CHECK_FALSE(life.expired());
    on_other_thread([&] { late = {}; });
  }
  CHECK(life.expired());
}

TEST_CASE("a guard may be a thread_local variable, and go after the thread's slots") {
  fixture f(1);
  bool kept = false;
  std::weak_ptr<void> life;
  const bool closed_before = GENERATE(false, true);
  on_other_thread([&] {
    struct last_will {
      fake_view::guard guard;
      bool* kept = nullptr;
      std::weak_ptr<void>* life = nullptr;
      ~last_will() { *kept = guard->value() == 1 && !life->expired(); }
    };
    thread_local last_will will; // made before the thread's slots, hence destroyed after them
    will.kept = &kept;
    will.life = &life;
    will.guard = f.view->load();
    CHECK_FALSE(will.guard.counted());
    f.publish();
    life = closed_before ? f.close() : f.life();
  });
  CHECK(kept);
  if (!closed_before) {
    CHECK(f.reclaim() == "2");
    CHECK_FALSE(f.view->load().counted()); // the only slot came back
    life = f.close();
  }
  CHECK(life.expired());
}

TEST_CASE("views in one process know nothing of one another") {
  fixture a, b;
  auto of_a = a.view->load();
  auto of_b = b.view->load();
  a.publish();
  a.publish();
  CHECK(a.view->load()->value() == 3);
  CHECK(b.view->load()->value() == 1);
  CHECK(a.reclaim() == "1 3");
  const auto life = a.close();
  CHECK(of_b->value() == 1);
  of_b = {};
  CHECK(of_a->value() == 1);
  CHECK_FALSE(life.expired());
  of_a = {};
  CHECK(life.expired());
  b.publish();
  CHECK(b.reclaim() == "2");
}

TEST_CASE("memories may come and go under threads that hold on") {
  const std::size_t rounds = cmem::test::sweep(2000);
  std::barrier sync(3);
  std::optional<fixture> f;
  std::weak_ptr<void> life;
  std::atomic<bool> bad{false};
  const auto reader = [&](bool keeps) {
    for (std::size_t r = 0; r != rounds; ++r) {
      sync.arrive_and_wait(); // there is a memory
      auto guard = f->view->load();
      auto nested = f->view->load();
      sync.arrive_and_wait(); // it is being destroyed
      if (guard->value() != 1)
        bad = true;
      auto handle = keeps ? guard.share() : fake_view::handle();
      guard = {};
      nested = {};
      sync.arrive_and_wait(); // it is destroyed
      if (keeps && handle->value() != 1)
        bad = true;
      handle = {};
      sync.arrive_and_wait(); // all let go
    }
  };
  std::thread keeps(reader, true), drops(reader, false);
  for (std::size_t r = 0; r != rounds; ++r) {
    f.emplace();
    sync.arrive_and_wait();
    sync.arrive_and_wait();
    life = f->close();
    sync.arrive_and_wait();
    sync.arrive_and_wait();
    if (!life.expired())
      bad = true;
  }
  keeps.join();
  drops.join();
  CHECK_FALSE(bad);
}

TEST_CASE("four readers and a publisher") {
  fixture f(3); // one reader always counts, as do those who hold many
  const std::size_t publishes = cmem::test::sweep(100'000);
  std::atomic<bool> done{false}, bad{false};
  std::mutex mutex;
  std::vector<fake_view::handle> mailbox; // guarded by mutex
  const auto read = [&](unsigned seed) {
    std::minstd_rand random(seed);
    std::vector<fake_view::guard> guards;
    std::uint64_t last = 0;
    while (!done.load(std::memory_order_relaxed)) {
      auto guard = f.view->load();
      if (guard->value() < last || guard->value() == 0)
        bad = true;
      last = guard->value();
      switch (random() % 8) {
        case 0: guards.push_back(std::move(guard)); break;
        case 1:
          if (!guards.empty())
            guards.erase(guards.begin() + static_cast<std::ptrdiff_t>(random() % guards.size()));
          break;
        case 2: {
          auto handle = random() % 2 == 0 ? guard.share() : f.view->share();
          const std::lock_guard lock(mutex);
          mailbox.push_back(std::move(handle));
          break;
        }
        case 3: {
          const std::lock_guard lock(mutex);
          for (const auto& handle : mailbox)
            if (handle->value() == 0)
              bad = true;
          mailbox.clear();
          break;
        }
        default: break;
      }
      for (const auto& held : guards)
        if (held->value() == 0)
          bad = true;
      if (guards.size() > cmem::real_sync::cells_per_thread + 2)
        guards.clear();
    }
  };
  std::vector<std::thread> readers;
  for (unsigned i = 0; i != 4; ++i)
    readers.emplace_back(read, i + 1);
  for (std::size_t i = 0; i != publishes; ++i) {
    f.publish();
    (void) f.reclaim();
  }
  done = true;
  for (auto& r : readers)
    r.join();
  mailbox.clear();
  CHECK_FALSE(bad);
  CHECK(f.reclaim() == std::to_string(publishes + 1));
}
