// D2: a real process is killed at any instruction of a burst. Its parent wrote down what was
// acknowledged.

#include "actors/concurrent_memory.hpp"
#include "tests/catch.hpp"
#include "tests/fault_inode.hpp"
#include "tests/storage/model.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

using namespace cmem;

namespace {

constexpr std::uint32_t writers = 3;
constexpr std::uint32_t names = 12;      // of concepts that a writer's operations are about
constexpr std::size_t lives = 25;        // of one store, which then has grown
constexpr timestamp_us standing = 1'000; // what the clock shows

/// What crosses the pipe, in one write: the kernel splits none so short.
struct acknowledgement {
  std::uint32_t writer;
  std::uint32_t number;
};

/// How far a writer is.
struct progress {
  std::uint32_t number = 0;  // of its last operation
  std::uint32_t learned = 0; // bits: which of its names it has learned and not forgotten
};

/// A writer's next operation, which follows from its progress: so that it is known what a store
/// holds that has the first n of them. Those of even number are a learn_batch (W8) that also writes
/// the number down; the others come alone.
class operation {
public:
  operation(std::uint32_t writer, const progress& before) : after_(before) {
    const std::uint32_t n = ++after_.number;
    test::splitmix random(std::uint64_t{writer} << 32 | n);
    const auto first = static_cast<std::uint32_t>(random.below(names));
    const auto other = static_cast<std::uint32_t>(random.below(names));
    const std::string of_writer = "w" + std::to_string(writer) + "-";
    a_ = of_writer + std::to_string(first);
    b_ = of_writer + std::to_string(other);
    diary_ = of_writer + "diary";
    number_ = std::to_string(n);
    content_ = number_ + std::string(random.below(700), static_cast<char>('a' + writer));
    const std::uint32_t bit = 1U << first;
    const auto kind = static_cast<kind_id>(random.below(5));
    const auto weight = static_cast<float>(n);
    const auto what = random.below(8);
    // Each leaves a trace. Those that would not, and those that would fail, are replaced.
    const std::uint32_t needed = what < 6 ? bit : bit | 1U << other;
    if ((before.learned & needed) != needed || what < 2) {
      ops_.emplace_back(op::learn_concept{a_, content_});
      after_.learned |= bit;
    } else if (what == 2) {
      ops_.emplace_back(op::strengthen{a_, 1.0F});
    } else if (what == 3) {
      ops_.emplace_back(op::record_access{a_});
    } else if (what == 4) {
      last_[0] = {"last", number_};
      ops_.emplace_back(op::set_attributes{a_, last_});
    } else if (what == 5) {
      ops_.emplace_back(op::forget_concept{a_});
      after_.learned &= ~bit;
    } else {
      ops_.emplace_back(op::learn_association{a_, b_, kind, 1.0F, weight});
    }
    awaited_ = random.one_in(4);
    if (n % 2 != 0)
      return;
    ops_.emplace_back(op::learn_concept{diary_, number_});
    ops_.emplace_back(op::learn_association{diary_, a_, kind, 1.0F, weight});
  }
  operation(const operation&) = delete; // operations borrow
  operation& operator=(const operation&) = delete;

  [[nodiscard]] const progress& after() const { return after_; }
  [[nodiscard]] bool awaited() const { return awaited_; }
  [[nodiscard]] result<ticket> write_to(concurrent_memory& memory) const {
    return ops_.size() == 1 ? memory.write(ops_[0]) : memory.learn_batch(ops_);
  }
  void apply_to(test::model& m) const { REQUIRE(m.apply_batch(ops_, standing) == errc::ok); }

private:
  progress after_;
  bool awaited_ = false;
  std::string a_, b_, diary_, number_, content_;
  std::array<attribute_update, 1> last_;
  std::vector<write_op> ops_;
};

config settings_of(const std::filesystem::path& store, durability level) {
  config c;
  c.storage_path = store.string();
  c.durability = level;
  c.arena_bytes = std::uint64_t{1} << 30;
  c.log_file_bytes = 1 << 18;
  c.reader_actors = 1;
  c.memory_threshold = 30; // many flushes
  c.flush_log_bytes = flush_log_bytes_min;
  c.clock = [] { return standing; };
  return c;
}

/// Each writer goes on from its progress, and says of the operations that it awaits when they are
/// durable.
[[noreturn]] void burst(const config& c, const std::array<progress, writers>& from, int to) {
  auto memory = concurrent_memory::open(c);
  if (!memory)
    _exit(1);
  std::vector<std::thread> threads;
  for (std::uint32_t w = 0; w < writers; ++w)
    threads.emplace_back([&, w] {
      for (progress at = from[w];;) {
        const operation next(w, at);
        const auto t = next.write_to(**memory);
        if (!t) {
          if (t.error().code != errc::overloaded)
            _exit(2);
          continue;
        }
        at = next.after();
        if (!next.awaited())
          continue;
        const auto r = (*memory)->await_durable(*t, std::chrono::minutes(5));
        if (!r || r->what != fate::applied)
          _exit(3);
        const acknowledgement a{w, at.number};
        if (::write(to, &a, sizeof(a)) != static_cast<ssize_t>(sizeof(a)))
          _exit(4);
      }
    });
  for (auto& t : threads)
    t.join();
  _exit(5);
}

/// What is known of a store: how far each writer is, and what is in it then.
struct knowledge {
  std::array<progress, writers> at{};
  test::model holds;
  std::uint64_t sequence = 0;

  void advance(std::uint32_t w) {
    const operation next(w, at[w]);
    next.apply_to(holds);
    at[w] = next.after();
  }
  /// Follows the writers to where the snapshot shows them: nothing is missing of what they did up
  /// to there, and nothing is there of what came later.
  void follow(const graph_snapshot& s) {
    REQUIRE(s.sequence() >= sequence);
    sequence = s.sequence();
    for (std::uint32_t w = 0; w < writers; ++w) {
      const auto diary = s.find(concept_id::from_name("w" + std::to_string(w) + "-diary"));
      const std::uint32_t n =
        diary ? static_cast<std::uint32_t>(std::stoul(std::string(diary->content()))) : 0;
      REQUIRE(n + 1 >= at[w].number); // an odd one was not written down
      while (at[w].number < n)
        advance(w);
    }
    const std::string text = test::text_of(s);
    for (std::uint32_t one_more = 0; one_more != 1U << writers; ++one_more) {
      knowledge k = *this;
      for (std::uint32_t w = 0; w < writers; ++w)
        if ((one_more >> w & 1) != 0 && k.at[w].number % 2 == 0)
          k.advance(w);
      if (k.holds.text() == text) {
        *this = std::move(k);
        return;
      }
    }
    CHECK(holds.text() == text);
    FAIL("this is not what any number of their operations leaves");
  }
};

struct temporary_directory {
  std::filesystem::path path;
  temporary_directory() {
    std::string name = (std::filesystem::temp_directory_path() / "cmem-kill-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~temporary_directory() { std::filesystem::remove_all(path); }
};

} // namespace

TEST_CASE("D2: nothing acknowledged is lost to kill -9, and nobody's writes have a hole") {
  const temporary_directory at;
  test::splitmix random(1);
  knowledge known;
  std::uint64_t acknowledgements = 0;
  std::uint64_t compacted = 0; // kills of stores in which segments had been merged
  const std::size_t kills = test::sweep(500);
  for (std::size_t k = 0; k != kills; ++k) {
    if (k % lives == 0) {
      std::filesystem::remove_all(at.path / "store");
      known = {};
    }
    const auto c =
      settings_of(at.path / "store", k % 2 == 0 ? durability::interval : durability::sync);
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const pid_t child = ::fork(); // this process has one thread
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(ends[0]);
      burst(c, known.at, ends[1]);
    }
    ::close(ends[1]);
    std::array<std::uint32_t, writers> acknowledged{};
    std::uint64_t left = 1 + random.below(20);
    for (acknowledgement a{}; ::read(ends[0], &a, sizeof(a)) == static_cast<ssize_t>(sizeof(a));) {
      acknowledged[a.writer] = a.number;
      ++acknowledgements;
      if (--left == 0) {
        // Not always just behind an acknowledgement.
        for (std::uint64_t spins = random.below(200'000); spins != 0; --spins)
          std::atomic_signal_fence(std::memory_order_seq_cst);
        ::kill(child, SIGKILL); // what comes through the pipe until it is dead counts too
      }
    }
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));

    INFO("kill " << k);
    auto opened = engine::create(storage_options(c));
    if (!opened)
      FAIL(to_string(opened.error()));
    const auto stored = read_manifest(c.files, c.storage_path);
    REQUIRE(stored);
    compacted += stored->value.written.compacted_bytes != 0 ? 1U : 0U;
    known.follow(*(*opened)->load());
    for (std::uint32_t w = 0; w < writers; ++w)
      REQUIRE(known.at[w].number >= acknowledged[w]);
    if (random.one_in(4)) { // the next life opens from segments and what log comes behind them
      (*opened)->ask_for_flush();
      (void) (*opened)->reconcile();
      REQUIRE((*opened)->flush());
    }
    if (random.one_in(2))
      REQUIRE((*opened)->close_store());
  }
  CHECK(acknowledgements >= kills);
  CHECK(compacted >= kills / 10);
}

TEST_CASE("D6: a second process is refused with the pid of the first, and let in after its death") {
  const temporary_directory at;
  const auto c = settings_of(at.path / "store", durability::interval);
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::close(ends[0]);
    burst(c, {}, ends[1]);
  }
  ::close(ends[1]);
  acknowledgement a{};
  const bool wrote = ::read(ends[0], &a, sizeof(a)) == static_cast<ssize_t>(sizeof(a));
  const auto refused = engine::create(storage_options(c));
  ::kill(child, SIGKILL);
  ::close(ends[0]);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  REQUIRE(wrote);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::locked);
  CHECK_THAT(refused.error().detail, Catch::Matchers::ContainsSubstring(std::to_string(child)));
  CHECK(engine::create(storage_options(c)));
}
