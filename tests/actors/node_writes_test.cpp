// Each number of a client's writes is applied once, whatever comes again and wherever.

#include "actors/client_ledger.hpp"
#include "tests/actors/raw_client.hpp"
#include "tests/actors/served_memory.hpp"
#include "tests/actors/wire_fixture.hpp"

#include <atomic>
#include <filesystem>
#include <future>
#include <optional>
#include <thread>

#include <unistd.h>

using namespace cmem;
using namespace std::chrono_literals;
using cmem::test::eventually;
using cmem::test::increments;
using cmem::test::raw_client;
using cmem::test::served_memory;
using cmem::test::wire_id;

namespace {

struct temporary_directory {
  std::filesystem::path path;
  temporary_directory() {
    std::string name = (std::filesystem::temp_directory_path() / "cmem_writes_XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~temporary_directory() { std::filesystem::remove_all(path); }
};

config with_store(const temporary_directory& at) {
  config c;
  c.storage_path = (at.path / "store").string();
  c.arena_bytes = std::uint64_t{1} << 30;
  c.log_file_bytes = 1 << 18;
  return c;
}

config with_log_of(std::size_t entries) {
  config c;
  c.log_capacity = entries;
  c.overflow = overflow_policy::reject;
  return c;
}

/// Learns `counter`, at 0, and counts twice; the third of the four is about nobody.
wire::writes two_counts() {
  wire::writes w = increments(1, {"counter", "counter", "nobody", "counter"});
  w.ops[0] = op::learn_concept{"counter", {}, {}, 0.0F};
  return w;
}

/// E.g. "up to 4, but 3 not_found"
std::string show(const wire::visible& m) {
  std::string out = "up to " + std::to_string(m.up_to);
  for (const wire::failed_write& f : m.failed)
    out += ", but " + std::to_string(f.number) + " " + std::string(to_string(f.why));
  return out;
}
std::string show(const wire::durable& m) {
  return m.why.code == errc::ok ? "up to " + std::to_string(m.up_to) : to_string(m.why);
}

std::string visible(raw_client& c) { return show(c.get<wire::visible>()); }
std::string durable(raw_client& c) { return show(c.get<wire::durable>()); }

float counted(const served_memory& s) { return s.memory->query_concept("counter")->strength; }

std::size_t markers(const served_memory& s) {
  const auto found = s.memory->query_neighbors(client_ledger::root_name);
  return found ? found->size() : 0;
}

} // namespace

TEST_CASE("writes that come again are applied once and acknowledged again") {
  const temporary_directory at;
  {
    served_memory s(with_store(at));
    raw_client c(s.port);
    CHECK(c.greet(wire_id(1)).written == 0);
    for (int again = 0; again != 3; ++again) {
      REQUIRE(c.say(two_counts()));
      CHECK(visible(c) == "up to 4, but 3 not_found");
      CHECK(durable(c) == "up to 4");
    }
    CHECK(counted(s) == 2.0F);
    CHECK(s.served->figures().writes == 4);
    CHECK(s.served->figures().repeated == 8);

    raw_client elsewhere(s.port);
    CHECK(elsewhere.greet(wire_id(1)).written == 4);
    CHECK(c.ended());
    REQUIRE(elsewhere.say(two_counts()));
    CHECK(visible(elsewhere) == "up to 4, but 3 not_found");
    CHECK(durable(elsewhere) == "up to 4");
    raw_client other(s.port); // its numbers are its own
    CHECK(other.greet(wire_id(2)).written == 0);
    REQUIRE(other.say(increments(1, {"counter"})));
    CHECK(durable(other) == "up to 1");
    CHECK(counted(s) == 3.0F);

    s.start({}); // another node on the same memory
    raw_client next(s.port);
    CHECK(next.greet(wire_id(1)).written == 4);
    REQUIRE(next.say(two_counts()));
    CHECK(durable(next) == "up to 4");
    CHECK(counted(s) == 3.0F);
  }
  served_memory s(with_store(at));
  raw_client c(s.port);
  CHECK(c.greet(wire_id(1)).written == 4);
  REQUIRE(c.say(two_counts()));
  CHECK(visible(c) == "up to 4"); // what failed before is in no store
  CHECK(durable(c) == "up to 4");
  REQUIRE(c.say(increments(5, {"counter", "nobody"})));
  CHECK(visible(c) == "up to 6, but 6 not_found");
  CHECK(durable(c) == "up to 6");
  CHECK(counted(s) == 4.0F);
  CHECK(s.served->figures().repeated == 4);
}

TEST_CASE("all at once: what comes again before it is acknowledged is applied once") {
  const temporary_directory at;
  served_memory s(with_store(at));
  raw_client c(s.port);
  c.greet(wire_id(1));
  auto bytes = test::frame_to_node(two_counts());
  const auto once = bytes;
  for (int again = 0; again != 20; ++again)
    bytes.insert(bytes.end(), once.begin(), once.end());
  const auto last = test::frame_to_node(increments(5, {"counter"}));
  bytes.insert(bytes.end(), last.begin(), last.end());
  REQUIRE(c.send(bytes));
  while (c.get<wire::durable>().up_to != 5) {}
  CHECK(counted(s) == 3.0F);
}

TEST_CASE("numbers that overlap, or go back, are refused") {
  served_memory s;
  const auto refusal = [&](const concept_id& id, std::uint64_t next_write, wire::writes w) {
    raw_client c(s.port);
    c.greet(id, next_write);
    REQUIRE(c.say(std::move(w)));
    return c.refusal();
  };
  raw_client c(s.port);
  c.greet(wire_id(1));
  REQUIRE(c.say(two_counts()));
  CHECK(visible(c) == "up to 4, but 3 not_found");
  CHECK(refusal(wire_id(1), 1, increments(4, {"counter", "counter"}))
        == "parse_error: writes 4 to 5 came after 4");
  CHECK(refusal(wire_id(1), 1, increments(1, {"counter", "counter", "counter", "counter", "a"}))
        == "parse_error: writes 1 to 5 came after 4");
  CHECK(refusal(wire_id(1), 10, increments(9, {"counter"}))
        == "parse_error: writes 9 to 9 came after 9");
  CHECK(refusal(wire_id(2), 3, increments(2, {"counter", "counter"}))
        == "parse_error: writes 2 to 3 came after 2");
  raw_client again(s.port);
  CHECK(again.greet(wire_id(1)).written == 4);
  CHECK(counted(s) == 2.0F);
  CHECK(s.served->figures().writes == 4);
}

TEST_CASE("behind what was not taken nothing is, until that comes again") {
  served_memory s(with_log_of(16));
  raw_client c(s.port);
  c.greet(wire_id(1));
  REQUIRE(c.say(two_counts()));
  CHECK(visible(c) == "up to 4, but 3 not_found");
  std::promise<void> gate;
  std::atomic<bool> closed = false;
  s.memory->on_settled(*s.memory->learn_concept("gate"), [&](const settlement&) {
    closed = true; // the reconciler waits, and the log fills
    gate.get_future().wait();
  });
  REQUIRE(eventually([&] { return closed.load(); }));
  const std::vector<std::string_view> ten(10, "counter");
  REQUIRE(c.say(increments(5, ten)));
  REQUIRE(c.say(increments(15, ten)));
  const auto first = c.get<wire::not_taken>();
  CHECK(first.first == 15);
  CHECK(first.why.code == errc::overloaded);
  CHECK(first.retry_after_ms != 0);
  for (std::uint64_t n = 25; n != 30; ++n) // the first would fit
    REQUIRE(c.say(increments(n, {"counter"})));
  REQUIRE(c.say(wire::ping{}));
  const auto answer = c.next();
  REQUIRE(answer);
  CHECK(std::holds_alternative<wire::pong>(*answer)); // nothing was said of those
  gate.set_value();
  CHECK(visible(c) == "up to 14");
  CHECK(counted(s) == 12.0F);

  for (std::uint64_t n = 15; n != 30; ++n) {
    REQUIRE(c.say(increments(n, {"counter"})));
    CHECK(visible(c) == "up to " + std::to_string(n));
  }
  CHECK(counted(s) == 27.0F);
  CHECK(s.served->figures().writes == 29);
  CHECK(s.served->figures().repeated == 0);
}

TEST_CASE("a node that drains acknowledges what it took, whatever is said meanwhile") {
  served_memory s;
  raw_client c(s.port);
  c.greet(wire_id(1));
  std::promise<void> gate;
  std::atomic<bool> closed = false;
  s.memory->on_settled(*s.memory->learn_concept("gate"), [&](const settlement&) {
    closed = true;
    gate.get_future().wait();
  });
  REQUIRE(eventually([&] { return closed.load(); }));
  REQUIRE(c.say(two_counts()));
  REQUIRE(eventually([&] { return s.served->figures().writes == 4; }));
  auto drained = std::async(std::launch::async, [&] { return s.served->drain(10s); });
  for (std::uint64_t n = 5; n != 30; ++n) {
    REQUIRE(c.say(wire::ping{}));
    REQUIRE(c.say(increments(n, {"counter"})));
    std::this_thread::sleep_for(2ms);
  }
  gate.set_value();
  for (std::uint64_t acknowledged = 0; acknowledged < s.served->figures().writes;)
    acknowledged = c.get<wire::visible>().up_to;
  CHECK(c.ended());
  CHECK(drained.get());
  CHECK(s.served->figures().refused == 0);
  CHECK(counted(s) == static_cast<float>(s.served->figures().writes - 2));
}

TEST_CASE("a log too small for a node is none to serve") {
  served_memory s(with_log_of(7));
  config tiny = with_log_of(6);
  tiny.log = [](log_level, std::string_view) {};
  const auto memory = concurrent_memory::open(s.system.get(), tiny);
  REQUIRE(memory);
  node_options o;
  o.port = 0;
  const auto none = node::open(s.system.get(), **memory, o);
  REQUIRE_FALSE(none);
  CHECK(none.error().detail == "log_capacity is 6: a node needs 7 or more");
  raw_client c(s.port);
  c.greet(wire_id(1));
  REQUIRE(c.say(increments(1, {"nobody"})));
  CHECK(visible(c) == "up to 1, but 1 not_found");
}

TEST_CASE("what no log of this size takes fails, and holds up nothing") {
  served_memory s(with_log_of(16));
  raw_client c(s.port);
  c.greet(wire_id(1));
  REQUIRE(c.say(two_counts()));
  CHECK(visible(c) == "up to 4, but 3 not_found");
  wire::writes batch = increments(5, std::vector<std::string_view>(17, "counter"));
  batch.as_batch = true;
  REQUIRE(c.say(std::move(batch)));
  CHECK(visible(c) == "up to 5, but 5 limit_exceeded");
  REQUIRE(c.say(increments(6, std::vector<std::string_view>(17, "counter"))));
  const auto told = c.get<wire::visible>();
  CHECK(told.up_to == 22);
  CHECK(told.failed.size() == 17);
  REQUIRE(c.say(increments(23, {"counter"})));
  CHECK(visible(c) == "up to 23");
  CHECK(counted(s) == 3.0F);
}

TEST_CASE("a log that is full again and again loses nothing and takes nothing twice") {
  const temporary_directory at;
  config settings = with_store(at);
  settings.log_capacity = 16;
  settings.overflow = overflow_policy::reject;
  served_memory s(settings);
  auto o = s.to_here();
  o.batch_bytes = 64; // small frames, many at once
  const auto c = s.client(o);
  const std::uint64_t n = test::sweep(5'000);
  REQUIRE(c->learn_concept("counter", {}, {}, 0.0F));
  for (std::uint64_t i = 0; i != n; ++i)
    REQUIRE(c->strengthen("counter", 1.0F));
  REQUIRE(c->drain(60s));
  CHECK(counted(s) == static_cast<float>(n));
  CHECK(s.served->figures().writes == n + 1);
  CHECK(s.memory->stats().write_log.rejected != 0);
}

TEST_CASE("a batch that fails is acknowledged, on the disk as well") {
  const temporary_directory at;
  served_memory s(with_store(at));
  const auto batch = [](std::uint64_t number, std::string_view whom) {
    wire::writes w = increments(number, {"counter", whom});
    w.as_batch = true;
    w.ops[0] = op::learn_concept{"counter", {}, {}, static_cast<float>(number)};
    return w;
  };
  raw_client c(s.port);
  c.greet(wire_id(1));
  for (int again = 0; again != 2; ++again) {
    REQUIRE(c.say(batch(1, "nobody")));
    CHECK(visible(c) == "up to 1, but 1 not_found");
    CHECK(durable(c) == "up to 1");
  }
  CHECK_FALSE(s.memory->query_concept("counter"));
  REQUIRE(c.say(batch(2, "counter")));
  CHECK(visible(c) == "up to 2");
  CHECK(durable(c) == "up to 2");
  CHECK(counted(s) == 3.0F);

  const auto r = s.client();
  const std::vector<write_op> bad{op::learn_concept{"e"}, op::strengthen{"nobody", 1.0F}};
  const auto t = r->learn_batch(bad);
  REQUIRE(t);
  CHECK(r->await_visible(*t)->reason == errc::not_found);
  CHECK(r->drain(5s));
}

TEST_CASE("bad writes fail by themselves and are acknowledged with the others") {
  const temporary_directory at;
  served_memory s(with_store(at));
  raw_client c(s.port);
  c.greet(wire_id(1));
  wire::writes w = two_counts();
  w.ops.insert(w.ops.begin() + 1, op::learn_association{"counter", "a", kind_id{77}});
  for (int again = 0; again != 2; ++again) {
    REQUIRE(c.say(wire::to_node(std::in_place_type<wire::writes>, [&] {
      wire::writes copy;
      copy.first = 1;
      copy.ops = w.ops;
      return copy;
    }())));
    CHECK(visible(c) == "up to 5, but 2 unknown_kind, but 4 not_found");
    CHECK(durable(c) == "up to 5");
  }
  CHECK(counted(s) == 2.0F);
  wire::writes all_bad;
  all_bad.first = 6;
  all_bad.ops = {op::record_use{"counter", "a", kind_id{77}}};
  REQUIRE(c.say(std::move(all_bad)));
  CHECK(visible(c) == "up to 6, but 6 unknown_kind");
  CHECK(durable(c) == "up to 6");
}

TEST_CASE("the store remembers clients_max clients") {
  const temporary_directory at;
  node_options o;
  o.clients_max = 5;
  for (std::uint64_t round = 0; round != 2; ++round) {
    served_memory s(with_store(at), o);
    for (std::uint64_t i = 0; i != 20; ++i) {
      raw_client c(s.port);
      const std::uint64_t id = 1 + round * 20 + i;
      CHECK(c.greet(wire_id(id)).written == 0);
      auto w = increments(1, {"counter"});
      w.ops[0] = op::learn_concept{"counter"};
      REQUIRE(c.say(std::move(w)));
      CHECK(durable(c) == "up to 1");
    }
    CHECK(markers(s) == 5);
    CHECK(raw_client(s.port).greet(wire_id(round * 20 + 15)).written == 0);
    CHECK(raw_client(s.port).greet(wire_id(round * 20 + 16)).written == 1);
  }
}

TEST_CASE("who loses its marker to somebody is acknowledged all the same") {
  const temporary_directory at;
  node_options o;
  o.clients_max = 1;
  served_memory s(with_store(at), o);
  raw_client first(s.port);
  first.greet(wire_id(1));
  REQUIRE(first.say(two_counts()));
  CHECK(durable(first) == "up to 4");
  const std::string marker = std::string(client_ledger::marker_prefix) + wire_id(1).hex();
  REQUIRE(s.memory->await_visible(*s.memory->forget_concept(marker)));
  raw_client second(s.port); // forgets the first, which is not there
  second.greet(wire_id(2));
  REQUIRE(second.say(increments(1, {"counter"})));
  CHECK(visible(second) == "up to 1");
  CHECK(durable(second) == "up to 1");
}
