// D2: a real process is killed at any instruction of a burst. Its parent wrote down what was
// acknowledged.

#include "actors/concurrent_memory.hpp"
#include "tests/catch.hpp"
#include "tests/fault_inode.hpp"

#include <array>
#include <csignal>
#include <filesystem>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

using namespace cmem;

namespace {

constexpr std::uint32_t writers = 3;

/// What crosses the pipe, in one write: the kernel splits none so short.
struct acknowledgement {
  std::uint32_t writer;
  std::uint32_t number;
};

std::string name_of(std::uint32_t writer, std::uint32_t number) {
  return "w" + std::to_string(writer) + "-" + std::to_string(number);
}
std::string content_of(std::uint32_t writer, std::uint32_t number) {
  return std::string(number % 700, static_cast<char>('a' + writer))
         + std::to_string(number * 2'654'435'761U);
}

config settings_of(const std::filesystem::path& store, durability level) {
  config c;
  c.storage_path = store.string();
  c.durability = level;
  c.arena_bytes = std::uint64_t{1} << 30;
  c.log_file_bytes = 1 << 18;
  c.reader_actors = 1;
  c.memory_threshold = 300; // many flushes
  c.flush_log_bytes = flush_log_bytes_min;
  return c;
}

/// Each writer learns its concepts in order, each with an association to the one before, and awaits
/// every third one.
[[noreturn]] void burst(const config& c, const std::array<std::uint32_t, writers>& first, int to) {
  auto memory = concurrent_memory::open(c);
  if (!memory)
    _exit(1);
  std::vector<std::thread> threads;
  for (std::uint32_t w = 0; w < writers; ++w)
    threads.emplace_back([&, w] {
      for (std::uint32_t i = first[w];; ++i) {
        const std::string name = name_of(w, i);
        const std::string before = name_of(w, i - 1);
        const std::string content = content_of(w, i);
        const std::array<write_op, 2> ops{op::learn_concept{name, content},
                                          op::learn_association{name, before}};
        const auto t = (*memory)->learn_batch(ops);
        if (!t) {
          if (t.error().code != errc::overloaded)
            _exit(2);
          --i;
          continue;
        }
        if (i % 3 != 0)
          continue;
        const auto r = (*memory)->await_durable(*t, std::chrono::minutes(5));
        if (!r || r->what != fate::applied)
          _exit(3);
        const acknowledgement a{w, i};
        if (::write(to, &a, sizeof(a)) != static_cast<ssize_t>(sizeof(a)))
          _exit(4);
      }
    });
  for (auto& t : threads)
    t.join();
  _exit(5);
}

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
  std::array<std::uint32_t, writers> first{1, 1, 1}; // number that each goes on with
  std::array<std::uint32_t, writers> acknowledged{0, 0, 0};
  std::uint64_t sequence = 0;
  const std::size_t kills = test::sweep(20);
  for (std::size_t k = 0; k != kills; ++k) {
    const auto c =
      settings_of(at.path / "store", k % 2 == 0 ? durability::interval : durability::sync);
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const pid_t child = ::fork(); // this process has one thread
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(ends[0]);
      burst(c, first, ends[1]);
    }
    ::close(ends[1]);
    std::uint64_t left = 1 + random.below(60);
    for (acknowledgement a{}; ::read(ends[0], &a, sizeof(a)) == static_cast<ssize_t>(sizeof(a));) {
      acknowledged[a.writer] = a.number;
      if (--left == 0)
        ::kill(child, SIGKILL); // what comes through the pipe until it is dead counts too
    }
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));

    auto opened = engine::create(storage_options(c));
    if (!opened)
      FAIL(to_string(opened.error()));
    const auto snapshot = (*opened)->load();
    REQUIRE(snapshot->sequence() >= sequence);
    sequence = snapshot->sequence();
    std::uint64_t present = 0;
    std::uint64_t edges = 0;
    for (std::uint32_t w = 0; w < writers; ++w) {
      std::uint32_t n = 1;
      for (;; ++n) {
        const auto found = snapshot->find(concept_id::from_name(name_of(w, n)));
        if (!found)
          break;
        REQUIRE(found->content() == content_of(w, n));
      }
      REQUIRE(n > acknowledged[w]);
      present += n - 1;
      edges += n > 1 ? n - 2 : 0;
      first[w] = n;
    }
    REQUIRE(snapshot->concept_count() == present); // none behind a hole
    // W8: each concept came with its association; those to number 0 end at a placeholder.
    REQUIRE(snapshot->edge_count() == edges);
    if (random.one_in(2))
      REQUIRE((*opened)->close_store());
  }
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
    burst(c, {1, 1, 1}, ends[1]);
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
