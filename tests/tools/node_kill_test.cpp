// A node that is killed, stopped and ended, again and again, under the writes of one client: it
// notices, comes back, and each write is there once. The node is `cmem serve` in this program,
// started anew as a process of its own.

#include "actors/remote_memory.hpp"
#include "storage/sanitizers.hpp"
#include "tests/catch.hpp"
#include "tests/fault_inode.hpp"
#include "tools/cli.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace cmem;
using namespace std::chrono_literals;

namespace {

using std::chrono::milliseconds;
using clock_type = std::chrono::steady_clock;

#if defined(CMEM_ASAN) || defined(CMEM_TSAN)
constexpr int slow = 4;
#else
constexpr int slow = 1;
#endif
constexpr milliseconds notice_max = 3s * slow;
constexpr milliseconds resume_max = 5s * slow;

// How the process is told what to serve: its command line is Catch2's.
constexpr const char* store_variable = "CMEM_NODE_KILL_STORE";
constexpr const char* listen_variable = "CMEM_NODE_KILL_LISTEN";
constexpr const char* durability_variable = "CMEM_NODE_KILL_DURABILITY";

milliseconds since(clock_type::time_point begin) {
  return std::chrono::ceil<milliseconds>(clock_type::now() - begin);
}

struct temporary_directory {
  std::filesystem::path path;
  temporary_directory() {
    std::string name = (std::filesystem::temp_directory_path() / "cmem_node_XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~temporary_directory() { std::filesystem::remove_all(path); }
};

/// `cmem serve` as a process. Threads: one.
class node_process {
public:
  explicit node_process(std::string store) : store_(std::move(store)) {}
  ~node_process() {
    if (pid_ > 0)
      kill();
  }
  node_process(const node_process&) = delete;
  node_process& operator=(const node_process&) = delete;

  /// Returns when it listens: at the port of before, if it did.
  void start(const char* durability) {
    for (int attempts = 0; attempts != 20; ++attempts) {
      spawn(durability);
      const auto said = line(30s * slow);
      if (said) {
        listening_ = nlohmann::json::parse(*said).at("listening").get<std::string>();
        return;
      }
      wait(); // a connection of somebody had the port
      std::this_thread::sleep_for(50ms);
    }
    FAIL("the node does not start");
  }
  [[nodiscard]] const std::string& where() const { return listening_; }
  void signal(int number) const { REQUIRE(::kill(pid_, number) == 0); }
  void kill() {
    signal(SIGKILL);
    wait();
  }
  /// Asks it to end. What it says of that: exit code and last line.
  std::pair<int, std::string> terminate() {
    signal(SIGTERM);
    const auto said = line(40s);
    return {wait(), said.value_or("")};
  }

private:
  void spawn(const char* durability) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    std::vector<std::string> variables;
    for (char** v = environ; *v != nullptr; ++v)
      variables.emplace_back(*v);
    variables.push_back(std::string(store_variable) + "=" + store_);
    variables.push_back(std::string(listen_variable) + "=" + listening_);
    variables.push_back(std::string(durability_variable) + "=" + durability);
    std::vector<char*> environment;
    for (std::string& v : variables)
      environment.push_back(v.data());
    environment.push_back(nullptr);
    std::string self = "/proc/self/exe";
    std::string filter = "[.node_process]";
    const std::array<char*, 3> words{self.data(), filter.data(), nullptr};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    const int failed =
      ::posix_spawn(&pid_, self.c_str(), &actions, nullptr, words.data(), environment.data());
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    close_pipe();
    out_ = ends[0];
    said_.clear();
    REQUIRE(failed == 0);
  }
  int wait() {
    int status = 0;
    REQUIRE(::waitpid(std::exchange(pid_, -1), &status, 0) > 0);
    close_pipe();
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  void close_pipe() {
    if (out_ >= 0)
      ::close(std::exchange(out_, -1));
  }
  /// Its next line of JSON; nullopt: it ended, or said none in time. Catch2's are passed over.
  std::optional<std::string> line(milliseconds timeout) {
    const auto until = clock_type::now() + timeout;
    for (;;) {
      const std::size_t end = said_.find('\n');
      if (end != std::string::npos) {
        std::string one = said_.substr(0, end);
        said_.erase(0, end + 1);
        if (one.starts_with('{'))
          return one;
        continue;
      }
      const auto left = std::chrono::ceil<milliseconds>(until - clock_type::now());
      pollfd waits{out_, POLLIN, 0};
      std::array<char, 4096> bytes{};
      if (left <= 0ms || ::poll(&waits, 1, static_cast<int>(left.count())) <= 0)
        return std::nullopt;
      const auto n = ::read(out_, bytes.data(), bytes.size());
      if (n <= 0)
        return std::nullopt;
      said_.append(bytes.data(), static_cast<std::size_t>(n));
    }
  }

  std::string store_;
  std::string listening_ = "127.0.0.1:0";
  pid_t pid_ = -1;
  int out_ = -1;
  std::string said_;
};

/// Writes all the time: +1 on counters, and what can be counted by name.
class load {
public:
  static constexpr std::size_t counters = 8;

  explicit load(remote_memory& m) : memory_(m) {
    for (std::size_t k = 0; k != counters; ++k)
      REQUIRE(memory_.learn_concept(name(k), {}, {}, 0.0F));
    REQUIRE(memory_.drain(20s));
    for (std::size_t t = 0; t != threads_.size(); ++t)
      threads_[t] = std::thread([this, t] { write(t); });
  }
  ~load() { end(); }

  void end() {
    ending_ = true;
    for (std::thread& t : threads_)
      if (t.joinable())
        t.join();
  }
  [[nodiscard]] static std::string name(std::size_t k) { return "counter " + std::to_string(k); }
  [[nodiscard]] static std::string learned(std::uint64_t n) { return "l" + std::to_string(n); }
  [[nodiscard]] std::uint64_t written(std::size_t k) const { return written_[k]; }
  /// That were told to be on the disk.
  [[nodiscard]] std::uint64_t durable(std::size_t k) const { return durable_[k]; }
  [[nodiscard]] std::uint64_t learned() const { return learned_; }
  [[nodiscard]] std::uint64_t wrong() const { return wrong_; }
  [[nodiscard]] std::uint64_t overloaded() const { return overloaded_; }

private:
  /// What a write is told of, which the test waits for at its end.
  void count(const result<ticket>& t, std::atomic<std::uint64_t>& done) {
    memory_.on_durable(*t, [this, &done](const result<settlement>& s) {
      ++(s && s->what == fate::applied ? done : wrong_);
    });
  }
  void write(std::size_t thread) {
    test::splitmix random(thread);
    while (!ending_) {
      for (int i = 0; i != 10; ++i) {
        const std::size_t k = random.below(counters);
        if (random.one_in(10)) {
          const std::uint64_t n = learned_++;
          result<ticket> t = failure{errc::overloaded, ""};
          while (!(t = memory_.learn_concept(learned(n), std::string(random.below(200), 'x'))))
            refused(t);
          count(t, learned_durable_);
        } else if (const auto t = memory_.strengthen(name(k), 1.0F)) {
          ++written_[k];
          count(t, durable_[k]);
        } else {
          refused(t);
        }
      }
      std::this_thread::sleep_for(1ms);
    }
  }
  void refused(const result<ticket>& t) {
    ++(t.error().code == errc::overloaded ? overloaded_ : wrong_);
    std::this_thread::sleep_for(1ms);
  }

  remote_memory& memory_;
  std::atomic<bool> ending_ = false;
  std::array<std::atomic<std::uint64_t>, counters> written_{};
  std::array<std::atomic<std::uint64_t>, counters> durable_{};
  std::atomic<std::uint64_t> learned_ = 0;
  std::atomic<std::uint64_t> learned_durable_ = 0;
  std::atomic<std::uint64_t> wrong_ = 0;
  std::atomic<std::uint64_t> overloaded_ = 0;
  std::array<std::thread, 2> threads_;
};

/// The longest and the sum of some times.
struct times {
  milliseconds longest{0};
  milliseconds all{0};
  int count = 0;

  void add(milliseconds t) {
    longest = std::max(longest, t);
    all += t;
    ++count;
  }
  [[nodiscard]] std::string text() const {
    return std::to_string(count == 0 ? 0 : all.count() / count) + " ms, at most "
           + std::to_string(longest.count()) + " ms";
  }
};

std::string variable(const char* name) {
  const char* text = std::getenv(name);
  return text != nullptr ? text : "";
}

} // namespace

TEST_CASE("the node of the test below", "[.node_process]") {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL); // it does not outlive the test
  const std::string store = variable(store_variable);
  const std::string listen = variable(listen_variable);
  const std::string durability = variable(durability_variable);
  REQUIRE_FALSE(store.empty());
  const std::array<const char*, 8> words{
    "cmem",         "serve",        store.c_str(),      "--listen",
    listen.c_str(), "--durability", durability.c_str(), "--json"};
  CHECK(tools::run_cli(static_cast<int>(words.size()), words.data(), {std::cout, std::cerr}, {})
        == tools::exit_ok);
}

TEST_CASE(
  "a client outlives kill -9, stops and restarts of its node, and each write is there once") {
  const temporary_directory at;
  node_process node((at.path / "store").string());
  node.start("interval");
  remote_options o;
  o.node = node.where();
  o.deadline = 10s * slow;
  auto connected = remote_memory::connect(o);
  INFO((connected ? "" : to_string(connected.error())));
  REQUIRE(connected);
  remote_memory& client = **connected;
  load writes(client);

  const auto wait_for = [&](link_state s, clock_type::time_point begin, milliseconds timeout) {
    while ((client.state() == link_state::connected) != (s == link_state::connected)
           && since(begin) < timeout)
      std::this_thread::sleep_for(1ms);
    return since(begin);
  };
  test::splitmix random(1);
  times noticed;
  times resumed;
  times stopped;
  constexpr std::size_t ways = 5;
  const std::size_t cycles = test::sweep(40);
  for (std::size_t cycle = 0; cycle != cycles; ++cycle) {
    std::this_thread::sleep_for(milliseconds(random.below(150)));
    const std::size_t way = cycle % ways;
    const char* const durability = random.one_in(2) ? "interval" : "sync";
    INFO("cycle " << cycle);
    std::array<std::uint64_t, load::counters> acknowledged{};
    auto begin = clock_type::now();
    if (way == 4) { // the others are kills, and a restart in order
      node.signal(SIGSTOP);
      const auto after = wait_for(link_state::connecting, begin, 10s * slow);
      noticed.add(after);
      stopped.add(after);
      CHECK(after < notice_max);
      std::this_thread::sleep_for(milliseconds(random.below(500)));
      begin = clock_type::now();
      node.signal(SIGCONT);
    } else {
      if (way == 2) {
        const auto [code, said] = node.terminate();
        CHECK(code == 0);
        CHECK_THAT(said, Catch::Matchers::ContainsSubstring("\"drained\":true"));
      } else {
        node.kill();
      }
      const auto after = wait_for(link_state::connecting, begin, 10s * slow);
      noticed.add(after);
      CHECK(after < notice_max);
      for (std::size_t k = 0; k != load::counters; ++k)
        acknowledged[k] = writes.durable(k);
      if (random.one_in(4)) // long enough for attempts in vain
        std::this_thread::sleep_for(milliseconds(random.below(600)));
      node.start(durability);
      begin = clock_type::now();
    }
    CHECK(wait_for(link_state::connected, begin, 20s * slow) < resume_max);
    // Behind all that waited.
    const auto one_more = client.learn_concept("cycle");
    REQUIRE(one_more);
    const auto there = client.await_durable(*one_more, 30s * slow);
    INFO((there ? "" : to_string(there.error())));
    REQUIRE(there);
    const auto after = since(begin);
    resumed.add(after);
    CHECK(after < resume_max);
    for (std::size_t k = 0; k != load::counters; ++k) {
      const auto found = client.query_concept(load::name(k));
      REQUIRE(found);
      CHECK(found->strength >= static_cast<float>(acknowledged[k]));
    }
  }
  writes.end();
  REQUIRE(client.drain(30s * slow));
  CHECK(client.unacknowledged() == 0);
  CHECK(writes.wrong() == 0);

  // And on the disk: by a node that has just begun.
  node.kill();
  node.start("interval");
  o.node = node.where();
  const auto again = remote_memory::connect(o);
  REQUIRE(again);
  std::uint64_t all = 0;
  for (std::size_t k = 0; k != load::counters; ++k) {
    INFO(load::name(k));
    CHECK(writes.durable(k) == writes.written(k));
    CHECK((*again)->query_concept(load::name(k))->strength
          == static_cast<float>(writes.written(k)));
    all += writes.written(k);
  }
  for (std::uint64_t n = 0; n != writes.learned(); ++n)
    if (!(*again)->query_concept(load::learned(n)))
      FAIL_CHECK(load::learned(n) << " is lost");
  const auto [code, said] = node.terminate();
  CHECK(code == 0);
  WARN(cycles << " cycles, " << all << " counted and " << writes.learned()
              << " learned; noticed after " << noticed.text() << " (stops: " << stopped.text()
              << "); resumed after " << resumed.text() << "; overloaded " << writes.overloaded()
              << " times");
}
