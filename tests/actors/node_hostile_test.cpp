// A node among connections that are no clients, or bad ones: each is told why or closed in time,
// and all the while an honest client is answered quickly and the process stays small.

#include "storage/sanitizers.hpp"
#include "tests/actors/raw_client.hpp"
#include "tests/actors/served_memory.hpp"
#include "tests/actors/wire_fixture.hpp"
#include "tests/fault_inode.hpp"

#include <atomic>
#include <fstream>
#include <thread>

using namespace cmem;
using namespace std::chrono_literals;
using cmem::test::eventually;
using cmem::test::frame_to_node;
using cmem::test::framed;
using cmem::test::raw_client;
using cmem::test::served_memory;
using cmem::test::splitmix;
using cmem::test::wire_id;

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t mib = std::size_t{1} << 20;
#if defined(CMEM_ASAN) || defined(CMEM_TSAN)
constexpr milliseconds quickly = 5s; // that the honest client is answered
constexpr bool memory_counts = false;
#else
constexpr milliseconds quickly = 1s;
constexpr bool memory_counts = true;
#endif

std::size_t resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:"))
      return std::stoul(line.substr(6)) << 10;
  return 0;
}

node_options impatient() {
  node_options o;
  o.silence_max = 1s;
  return o;
}

/// A node with one honest client, which asks all the time.
class siege {
public:
  explicit siege(const node_options& o = {}) : s_({}, o), client_(s_.client()) {
    REQUIRE(client_->await_visible(*client_->learn_concept("calm", "still here")));
    begin_bytes_ = most_bytes_ = resident_bytes();
    honest_ = std::thread([this] { ask_all_the_time(); });
  }
  ~siege() { end(); }

  /// Precondition: not ended.
  [[nodiscard]] raw_client stranger() const { return raw_client(s_.port); }
  [[nodiscard]] raw_client client(std::uint64_t id) const {
    raw_client c(s_.port);
    c.greet(wire_id(id));
    return c;
  }
  [[nodiscard]] node_figures figures() const { return s_.served->figures(); }
  [[nodiscard]] concurrent_memory& memory() { return *s_.memory; }
  /// None but the honest one is connected any more.
  [[nodiscard]] bool alone(milliseconds timeout = 10s) const {
    return eventually([&] { return figures().connections == 1; }, timeout);
  }
  /// What the honest client asked, without what it wrote.
  [[nodiscard]] std::uint64_t honest_requests() const { return answered_; }
  /// What should hold to the end of every siege.
  void check_calm(std::size_t grown_bytes_max = 64 * mib) {
    CHECK(eventually([&] { return answered_ > 3; }));
    end();
    CHECK(failed_ == 0);
    CHECK(slowest_ < quickly);
    CHECK(client_->state() == link_state::connected);
    const std::size_t grown = most_bytes_ - begin_bytes_;
    if (memory_counts)
      CHECK(grown < grown_bytes_max);
    WARN("the honest client was answered " << answered_ << " times, the slowest after "
                                           << slowest_.count() << " ms; memory grew by "
                                           << (grown >> 10) << " KiB");
  }

private:
  void ask_all_the_time() {
    while (!ending_) {
      const auto begin = steady_clock::now();
      const auto found = client_->query_concept("calm");
      slowest_ = std::max(slowest_, std::chrono::ceil<milliseconds>(steady_clock::now() - begin));
      if (found && found->content == "still here")
        ++answered_;
      else
        ++failed_;
      most_bytes_ = std::max(most_bytes_, resident_bytes());
      std::this_thread::sleep_for(2ms);
    }
  }
  void end() {
    ending_ = true;
    if (honest_.joinable())
      honest_.join();
  }

  served_memory s_;
  std::unique_ptr<remote_memory> client_;
  std::size_t begin_bytes_ = 0;
  std::atomic<bool> ending_ = false;
  std::atomic<std::uint64_t> answered_ = 0;
  std::uint64_t failed_ = 0; // these three: by honest_, read once that has ended
  milliseconds slowest_{0};
  std::size_t most_bytes_ = 0;
  std::thread honest_;
};

/// Whose neighbors are an answer of hundreds of KiB.
void learn_hub(concurrent_memory& m, std::size_t degree) {
  result<ticket> last = m.learn_concept("hub");
  for (std::size_t i = 0; i != degree; ++i) {
    const std::string name = "neighbor " + std::to_string(i);
    REQUIRE(m.learn_concept(name));
    last = m.learn_association("hub", name);
    REQUIRE(last);
  }
  REQUIRE(m.await_visible(*last));
}

std::string header(std::string_view magic, std::uint32_t length, std::size_t bytes) {
  std::string out(magic);
  out.append(reinterpret_cast<const char*>(&length), sizeof(length));
  out.resize(bytes, '\x7F');
  return out;
}

} // namespace

TEST_CASE("what is no frame, or none that may be, is refused and said so") {
  siege s;
  const std::string over_all = "limit_exceeded: a frame of 4294967295 bytes: at most ";
  const std::string over = "limit_exceeded: a frame of 1048577 bytes: at most 1048576 go over this "
                           "connection";
  const auto as_stranger = [&](std::string_view bytes) {
    auto c = s.stranger();
    CHECK(c.send(bytes));
    return c.refusal();
  };
  const auto as_client = [&](std::string_view bytes) {
    auto c = s.client(1);
    CHECK(c.send(bytes));
    return c.refusal();
  };
  CHECK(as_stranger(header("CMF1", 0xFFFF'FFFF, 16)) == over_all + "4096 go over this connection");
  CHECK(as_client(header("CMF1", 0xFFFF'FFFF, 16)) == over_all + "1048576 go over this connection");
  // CAF's own: operation, padding, flags, length, and what a node would make room for.
  const std::string basp = header(std::string_view("\x01\0\0\0", 4), 0xFFFF'FFFF, 40);
  for (const std::string& why : {as_stranger(basp), as_client(basp)})
    CHECK_THAT(why, Catch::Matchers::StartsWith("parse_error: no frame begins so: "));
  CHECK(as_stranger(header("CMF2", 5, 16))
        == "unsupported: frames of layout 2: this one reads and writes layout 1");
  CHECK(as_client(header("CMF1", frame_bytes_default + 1, 16)) == over);

  const auto too_much = framed(std::string(frame_bytes_default + 1, 'x'));
  auto c = s.client(1);
  (void) c.send(too_much); // it may be closed before all of it is taken
  CHECK(c.refusal() == over);

  auto changed = frame_to_node(wire::ping{});
  changed.back() = static_cast<char>(changed.back() ^ 1);
  const std::string_view bad(changed.data(), changed.size());
  CHECK_THAT(as_stranger(bad), Catch::Matchers::EndsWith("does not match its checksum"));
  CHECK_THAT(as_client(bad), Catch::Matchers::StartsWith("corrupt: a frame of "));
  CHECK(s.figures().refused == 9);
  CHECK(s.alone());
  s.check_calm();
}

TEST_CASE("what makes no sense is refused and said so") {
  siege s;
  const auto say = [](raw_client c, const std::vector<char>& frame) {
    CHECK(c.send(frame));
    return c.refusal();
  };
  CHECK_THAT(say(s.client(1), framed("")),
             Catch::Matchers::StartsWith("parse_error: not a message"));
  CHECK_THAT(say(s.client(1), framed("\x01\x03\x01")),
             Catch::Matchers::StartsWith("parse_error: not a message"));
  CHECK_THAT(say(s.client(1), framed("\x01\x05garbage")),
             Catch::Matchers::StartsWith("unsupported: a message of type 5:"));
  std::vector<char> ping = frame_to_node(wire::ping{});
  const std::string longer(ping.begin() + frame_header_bytes, ping.end());
  CHECK(say(s.client(1), framed(longer + "?"))
        == "parse_error: 1 bytes are left over behind a message");

  const std::string hello_first = "parse_error: a connection begins with hello";
  CHECK(say(s.stranger(), frame_to_node(wire::ping{})) == hello_first);
  CHECK(say(s.stranger(), frame_to_node(wire::asked{1, msg::find{wire_id(1)}})) == hello_first);
  CHECK(say(s.stranger(), frame_to_node(test::increments(1, {"calm"}))) == hello_first);
  CHECK(say(s.client(1), frame_to_node(wire::hello{}))
        == "parse_error: a second hello on one connection");
  wire::hello newer;
  newer.lowest = 7;
  newer.newest = 9;
  CHECK(
    say(s.stranger(), frame_to_node(newer))
    == "unsupported: this node speaks versions 1 to 1, the client 7 to 9: upgrade the older one");
  CHECK(s.figures().refused == 9);
  CHECK(s.figures().writes == 1); // the honest client's
  CHECK(s.alone());
  s.check_calm();
}

TEST_CASE("a frame that breaks off is nobody's") {
  siege s;
  const auto hello = frame_to_node(wire::hello{});
  for (std::size_t n = 0; n != hello.size(); ++n) {
    auto c = s.stranger();
    CHECK(c.send(std::string_view(hello.data(), n)));
    c.say_no_more();
    CHECK(c.ended());
  }
  const auto writes = frame_to_node(test::increments(1, {"calm", "calm"}));
  for (std::size_t n = 0; n != writes.size(); ++n) {
    auto c = s.client(1);
    CHECK(c.send(std::string_view(writes.data(), n)));
    c.vanish();
  }
  CHECK(s.alone());
  CHECK(s.figures().refused == 0);
  CHECK(s.figures().writes == 1);
  CHECK(s.figures().accepted == 1 + hello.size() + writes.size());
  s.check_calm();
}

TEST_CASE("bytes as they come") {
  siege s;
  constexpr std::uint64_t seed = 1;
  INFO("seed " << seed);
  splitmix random(seed);
  const auto known = test::messages_to_node();
  const auto noise = [&](std::size_t bytes_max) {
    std::string out(random.below(bytes_max), '\0');
    for (char& c : out)
      c = static_cast<char>(random.next());
    return out;
  };
  const std::size_t count = test::sweep(4'000);
  for (std::size_t i = 0; i != count; ++i) {
    auto c = i % 4 == 3 ? s.client(i) : s.stranger();
    std::string bytes;
    switch (i % 4) {
      case 0: bytes = noise(300); break;
      case 1: bytes = "CMF1" + noise(300); break;
      case 2: {
        const auto frame = framed(noise(300));
        bytes.assign(frame.begin(), frame.end());
        break;
      }
      default: // messages with bytes changed, in frames that are as they should be
        for (int n = 0; n != 4; ++n) {
          const auto frame = frame_to_node(known[random.below(known.size())].second);
          std::string payload(frame.begin() + frame_header_bytes, frame.end());
          for (std::uint64_t changes = random.below(4); changes != 0; --changes)
            payload[random.below(payload.size())] = static_cast<char>(random.next());
          const auto again = framed(payload);
          bytes.append(again.begin(), again.end());
        }
    }
    (void) c.send(bytes);
    if (random.one_in(2)) {
      c.vanish();
    } else {
      c.say_no_more();
      REQUIRE(c.ended());
    }
  }
  CHECK(s.alone());
  CHECK(s.figures().accepted == 1 + count);
  CHECK(s.figures().refused > count / 4);
  s.check_calm();
}

TEST_CASE("who says nothing is closed in time, who says something is not") {
  siege s(impatient());
  auto silent = s.stranger();
  auto half = s.stranger();
  auto greeted = s.client(1);
  auto pings = s.client(2);
  CHECK(half.send("CMF1"));
  const auto begin = steady_clock::now();
  while (steady_clock::now() - begin < 2s) {
    CHECK(pings.say(wire::ping{}));
    pings.get<wire::pong>();
    if (steady_clock::now() - begin < 800ms)
      CHECK(s.figures().connections == 5);
    std::this_thread::sleep_for(100ms);
  }
  CHECK(s.figures().connections == 2);
  CHECK(silent.ended());
  CHECK(half.ended());
  CHECK(greeted.ended());
  CHECK(s.figures().refused == 0);
  s.check_calm();
}

TEST_CASE("who asks for much and reads nothing is not read from, then closed") {
  node_options o = impatient();
  o.unread_bytes_max = mib;
  o.unread_bytes_total = 16 * mib;
  siege s(o);
  constexpr std::size_t degree = 16'000;
  constexpr std::size_t clients = 16;
  constexpr std::size_t asked = 500;
  constexpr std::size_t kernel_bytes = 8 * mib; // that the kernel may hold of a connection
  const auto hub = concept_id::from_name("hub");
  learn_hub(s.memory(), degree);
  const auto question = frame_to_node(wire::asked{1, msg::neighbors{hub}});

  auto reads = s.client(100);
  CHECK(reads.send(question));
  const auto one = reads.get<wire::answered>();
  if (const auto* bad = std::get_if<wire::failed>(&one.what))
    FAIL(to_string(bad->why));
  REQUIRE(std::get<msg::neighbor_list>(one.what).neighbors.size() == degree);
  std::vector<char> frame;
  REQUIRE(wire::put(frame, wire::to_client(wire::answered(one)), frame_bytes_default));
  REQUIRE(frame.size() > 200'000);
  reads.vanish();

  const std::uint64_t before = s.figures().requests - s.honest_requests();
  std::vector<raw_client> hostile;
  for (std::size_t i = 0; i != clients; ++i) {
    hostile.push_back(s.client(200 + i));
    for (std::size_t n = 0; n != asked; ++n)
      REQUIRE(hostile.back().send(question));
  }
  const auto begin = steady_clock::now();
  CHECK(s.alone());
  const auto took = std::chrono::ceil<milliseconds>(steady_clock::now() - begin);
  CHECK(took > 500ms);
  CHECK(took < 5s);
  const std::uint64_t answered = s.figures().requests - s.honest_requests() - before;
  CHECK(answered * frame.size() < clients * kernel_bytes + o.unread_bytes_total + 16 * mib);
  for (raw_client& c : hostile)
    CHECK(c.ended());
  // CAF has two buffers a connection, and a vector that grows is twice there.
  s.check_calm(3 * o.unread_bytes_total + 64 * mib);
}

TEST_CASE("who asks little is answered while others wait for much") {
  served_memory s(config{.reader_actors = 1});
  const auto hub = concept_id::from_name("hub");
  learn_hub(*s.memory, 16'000);
  raw_client much(s.port);
  raw_client little(s.port); // says nothing else, so that nothing else has its answer sent
  much.greet(wire_id(1));
  little.greet(wire_id(2));
  std::vector<char> questions;
  for (std::uint64_t i = 1; i != 50; ++i)
    REQUIRE(wire::put(questions, wire::to_node(wire::asked{i, msg::neighbors{hub}}),
                      frame_bytes_default));
  for (int again = 0; again != 8; ++again) {
    REQUIRE(much.send(questions));
    REQUIRE(little.say(wire::asked{7, msg::find{hub}}));
    CHECK(little.get<wire::answered>(quickly).id == 7);
    for (std::uint64_t i = 1; i != 50; ++i)
      much.get<wire::answered>();
  }
}

TEST_CASE("hundreds of halves of frames are held no longer than silence may last") {
  siege s(impatient());
  constexpr std::size_t of_hello = 400;
  constexpr std::size_t of_writes = 100;
  const auto hello = frame_to_node(wire::hello{});
  const auto large = framed(std::string(frame_bytes_default, 'x'));
  std::vector<raw_client> all;
  for (std::size_t i = 0; i != of_hello; ++i) {
    all.push_back(s.stranger());
    REQUIRE(all.back().send(std::string_view(hello.data(), hello.size() / 2)));
  }
  for (std::size_t i = 0; i != of_writes; ++i) {
    all.push_back(s.client(300 + i));
    REQUIRE(all.back().send(std::string_view(large.data(), large.size() / 2)));
  }
  CHECK(s.figures().accepted == 1 + all.size());
  CHECK(s.alone());
  for (raw_client& c : all)
    CHECK(c.ended());
  CHECK(s.figures().refused == 0);
  s.check_calm(of_writes * mib + 64 * mib);
}

TEST_CASE("over connections_max, one more is closed at once") {
  node_options o = impatient();
  o.connections_max = 3;
  siege s(o);
  auto a = s.client(1);
  auto b = s.client(2);
  auto c = s.stranger();
  CHECK(c.ended(500ms));
  CHECK(s.figures().connections == 3);
  CHECK(s.figures().refused == 1);
  a.vanish();
  CHECK(eventually([&] { return s.figures().connections == 2; }));
  auto d = s.client(4);
  CHECK(d.say(wire::ping{}));
  d.get<wire::pong>();
  s.check_calm();
}
