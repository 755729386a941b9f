// The engine when the heap is used up at any point of a reconcile step: nothing is lost, freed
// twice or kept for ever, and whoever awaits is told.

#include "storage/sanitizers.hpp"
#include "tests/fault_env.hpp"
#include "tests/storage/engine_fixture.hpp"
#include "tests/storage/model.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace cmem;
using cmem::test::engine_fixture;
using cmem::test::model;
using cmem::test::text_of;

namespace {

// Of all threads: two may merge.
std::atomic<long> until_failure{-1}; // allocations that go well yet; < 0: all do
std::atomic<bool> failed{false};

} // namespace

// Sanitizers bring their own: there the heap never fails. Not inline: g++ would take malloc's
// memory for mismatched.
#if !defined(CMEM_ASAN) && !defined(CMEM_TSAN)
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  if (until_failure >= 0 && until_failure-- == 0) {
    failed = true;
    throw std::bad_alloc();
  }
  if (void* p = std::malloc(bytes == 0 ? 1 : bytes))
    return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
#endif

namespace {

concept_id cid(std::uint64_t n) { return concept_id::from_halves(0, n); }

/// A graph with snapshots held, one let go, and much retired, vacated and revived.
class worn_engine {
public:
  explicit worn_engine(std::optional<store_options> store = {}, std::uint32_t merge_threads = 1)
    : f_({.merge_threads = merge_threads,
          .parallel_entries_min = 2,
          .on_apply =
            [this](const write_entry&) {
              if (refuses_)
                throw std::runtime_error("on purpose");
            },
          .store = std::move(store)}) {
    for (std::uint64_t n = 0; n < 80; ++n)
      learn(n);
    step();
    held_.push_back(f_.memory->share());
    for (std::uint64_t n = 0; n < 40; ++n)
      write(op::forget_concept{cid(n)});
    step();
    held_.push_back(f_.memory->share());
    for (std::uint64_t n = 20; n < 30; ++n)
      learn(n);
    step();
    step();
    held_.push_back(f_.memory->share());
    for (const auto& s : held_)
      texts_.push_back(text_of(*s));
    write(op::strengthen{cid(25), 1.0F});
  }

  /// One step with entries of every sort in which the allocation numbered `n` fails, and one whose
  /// merge is taken back; false when there are not so many allocations.
  bool fail_at(long n) {
    for (std::uint64_t i = 30; i < 50; ++i) {
      learn(i);
      write(op::learn_association{cid(60), cid(100 + i)});
      write(op::forget_concept{cid(i + 20)});
    }
    write(op::strengthen{cid(999), 1.0F}); // fails
    held_.erase(held_.begin() + 1);
    texts_.erase(texts_.begin() + 1);
    std::array<int, 3> told{};
    for (std::size_t i = 0; i < told.size(); ++i)
      f_.memory->on_settled(pending_[i * 10].of, [&told, i](settlement) { ++told[i]; });
    int stored = 0;
    if (f_.memory->recovery().created)
      for (std::size_t i = 0; i < told.size(); ++i)
        f_.memory->on_durable(pending_[i * 10].of,
                              [&stored](const result<settlement>&) { ++stored; });
    failed = false;
    until_failure = n;
    bool threw = false;
    try {
      (void) f_.memory->reconcile();
    } catch (const std::bad_alloc&) {
      threw = true;
    }
    until_failure = -1;
    threw_ = threw_ || threw;
    refuses_ = true;
    for (std::uint64_t i = 70; i < 80; ++i)
      learn(i);
    step();
    refuses_ = false;
    step();
    for (const int times : told)
      CHECK(times == 1);
    if (f_.memory->recovery().created) {
      REQUIRE(f_.memory->commit());
      CHECK(stored == 3);
    }
    return failed;
  }
  /// Lets everything go and forgets it; what the memory holds then.
  std::string emptied() {
    for (std::size_t i = 0; i < held_.size(); ++i)
      CHECK(text_of(*held_[i]) == texts_[i]);
    held_.clear();
    for (std::uint64_t n = 0; n < 200; ++n)
      write(op::forget_concept{cid(n)});
    for (int i = 0; i < 4; ++i) {
      write(op::forget_concept{cid(0)});
      step();
    }
    const auto s = f_.memory->stats();
    return "payloads " + std::to_string(s.memory.payloads) + " retired "
           + std::to_string(s.memory.retired) + " snapshots " + std::to_string(s.live_snapshots)
           + " concepts " + std::to_string(s.concept_count) + "/"
           + std::to_string(s.placeholder_count);
  }
  /// Blocks that a step left behind or freed twice show in these.
  [[nodiscard]] std::string pages() const {
    const auto m = f_.memory->stats().memory;
    return "records " + std::to_string(m.records) + " adjacency " + std::to_string(m.adjacency);
  }
  [[nodiscard]] bool threw() const { return threw_; }
  [[nodiscard]] std::uint64_t parallel_parts() const { return f_.memory->stats().parallel_parts; }
  /// Closes; the store must then hold what the memory showed.
  void check_store(const store_options& store) {
    f_.memory->close();
    step();
    REQUIRE(f_.memory->close_store());
    const engine_fixture again({.store = store});
    CHECK(text_of(*again.memory->load()) == expected_.text());
  }

private:
  struct pending {
    ticket of;
    write_op what;
  };

  void learn(std::uint64_t n) {
    write(op::learn_concept{{cid(n), "name"}, "content"});
    write(op::learn_association{cid(n), cid(n / 2)});
    write(op::learn_association{cid(1), cid(n), kinds::causal});
  }
  void write(const write_op& o) { pending_.push_back({f_.write(o), o}); }
  /// Reconciles, and looks at what became of everything.
  void step() {
    f_.reconcile();
    const auto s = f_.memory->load();
    for (const pending& p : pending_) {
      const settlement got = s->outcome(p.of);
      if (got.what == fate::failed
          && (got.reason == errc::out_of_memory || got.reason == errc::internal))
        continue;
      const errc e = expected_.apply(p.what, f_.now);
      CHECK(got
            == (e == errc::ok ? settlement{fate::applied, errc::ok} : settlement{fate::failed, e}));
    }
    pending_.clear();
    CHECK(text_of(*s) == expected_.text());
  }

  bool refuses_ = false; // every merge throws
  engine_fixture f_;
  model expected_;
  std::vector<pending> pending_;
  std::vector<snapshot_handle> held_;
  std::vector<std::string> texts_;
  bool threw_ = false;
};

} // namespace

TEST_CASE("W9: a heap that is used up at any point of a step loses nothing") {
  const std::uint32_t merge_threads = GENERATE(1U, 2U);
  const auto run = [merge_threads](long n, std::string& left, bool& threw) {
    worn_engine e({}, merge_threads);
    const bool reached = e.fail_at(n);
    if (std::thread::hardware_concurrency() > 1)
      CHECK((e.parallel_parts() != 0) == (merge_threads == 2));
    left = e.emptied() + " " + e.pages();
    threw = threw || e.threw();
    return reached;
  };
  std::string expected;
  bool threw = false;
  CHECK_FALSE(run(-1, expected, threw));
  CHECK_FALSE(threw);
  bool reached = true;
  long points = 0;
  for (; reached; ++points) {
    INFO("allocation " << points);
    std::string left;
    reached = run(points, left, threw);
    CHECK(left == expected);
  }
#if !defined(CMEM_ASAN) && !defined(CMEM_TSAN)
  CHECK(points > 30);
  CHECK(threw);
#endif
}

TEST_CASE("W9: a heap that is used up while a step is logged stores each entry once") {
  bool reached = true;
  bool threw = false;
  for (long points = 0; reached; ++points) {
    INFO("allocation " << points);
    store_options store;
    store.files = env(std::make_shared<cmem::test::fault_env>());
    store.directory = "/s";
    store.log.file_bytes = wal_file_bytes_min;
    worn_engine e(store);
    reached = e.fail_at(points);
    threw = threw || e.threw();
    e.check_store(store);
  }
#if !defined(CMEM_ASAN) && !defined(CMEM_TSAN)
  CHECK(threw);
#endif
}

TEST_CASE("W9: a heap that is used up while lists are packed loses nothing") {
  constexpr timestamp_us second = 1'000'000;
  bool reached = true;
  bool given_up = false;
  std::string expected;
  for (long points = -1; reached; ++points) {
    INFO("allocation " << points);
    engine_fixture f({.pack_associations = true});
    const auto rest = [&f] {
      for (int i = 0; i != 4; ++i) {
        f.now += second;
        while (f.memory->reconcile().more_pending) {}
      }
    };
    for (std::uint64_t n = 0; n < 20; ++n) {
      f.write(op::learn_concept{cid(n)});
      for (std::uint64_t k = 0; k < 20 + 15 * n; ++k) // blocks of many sizes
        f.write(op::learn_association{cid(n), cid(100 + k), 0, static_cast<float>(k % 7) / 10});
      f.reconcile();
    }
    const std::string before = text_of(*f.memory->load());
    auto held = f.memory->share();
    f.now += second;
    (void) f.memory->reconcile(); // the pass looks at what is there now
    f.now += second;
    failed = false;
    until_failure = points;
    try {
      (void) f.memory->reconcile();
    } catch (const std::bad_alloc&) { // the next step finishes it
    }
    until_failure = -1;
    reached = points < 0 || failed;
    CHECK(text_of(*f.memory->load()) == before);
    rest();
    CHECK(text_of(*f.memory->load()) == before);
    CHECK(text_of(*held) == before);
    given_up = given_up || f.memory->stats().lists_packed == 0;
    for (std::uint64_t n = 0; n < 20; ++n) // then it is packed when it has changed
      f.write(op::strengthen_association{cid(n), cid(100), 0, 0.0F});
    f.reconcile();
    rest();
    CHECK(f.memory->stats().lists_packed >= 20);
    CHECK(text_of(*f.memory->load()) == before);
    held = {};
    for (std::uint64_t n = 0; n < 500; ++n)
      f.write(op::forget_concept{cid(n)});
    f.reconcile();
    f.write(op::forget_concept{cid(0)});
    f.reconcile();
    const memory_use m = f.memory->stats().memory;
    const std::string left = "records " + std::to_string(m.records) + " adjacency "
                             + std::to_string(m.adjacency) + " retired "
                             + std::to_string(m.retired);
    if (points < 0)
      expected = left;
    CHECK(left == expected);
  }
#if !defined(CMEM_ASAN) && !defined(CMEM_TSAN)
  CHECK(given_up);
#endif
}

TEST_CASE("W9: a heap that is used up while vectors are coded leaves a store that is merged anew") {
  constexpr std::size_t dimension = 27;
  bool reached = true;
  [[maybe_unused]] bool threw = false;
  for (long points = 0; reached; points += 1 + points / 16) {
    INFO("allocation " << points);
    const auto disk = std::make_shared<cmem::test::fault_env>();
    store_options store;
    store.files = env(disk);
    store.directory = "/s";
    store.log.file_bytes = wal_file_bytes_min;
    store.compaction.fan_in = 2;
    store.compaction.size_ratio = 100;
    store.vectors.keep_originals = false;
    store.vectors.vectors_min = 20;
    store.vectors.rounds = 1;
    engine_fixture f({.vector_dimension = dimension, .store = store});
    for (std::uint64_t round = 0; round != 2; ++round) {
      for (std::uint64_t n = 0; n != 20; ++n) {
        std::vector<float> v(dimension, static_cast<float>(n));
        v[n] = 5.0F;
        f.write(op::learn_concept{cid(100 * round + n), "content", v});
      }
      f.memory->ask_for_flush();
      while (f.memory->reconcile().entries != 0) {}
      REQUIRE(f.memory->flush());
    }
    const std::string before = text_of(*f.memory->load());
    failed = false;
    until_failure = points;
    try {
      for (bool more = true; more;) {
        const auto some = f.memory->compact(1'000);
        more = some && *some;
      }
    } catch (const std::bad_alloc&) {
      threw = true;
    }
    until_failure = -1;
    reached = failed;
    for (bool more = true; more;) {
      const auto some = f.memory->compact(1'000);
      REQUIRE(some);
      more = *some;
    }
    CHECK(f.memory->stats().store.segments == 1);
    CHECK(text_of(*f.memory->load()) == before);
  }
#if !defined(CMEM_ASAN) && !defined(CMEM_TSAN)
  CHECK(threw);
#endif
}
