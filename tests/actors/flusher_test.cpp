// D1, D4, D7, W3, W4: a memory with a store, stepped by CAF's deterministic scheduler on a disk
// that fails.

#include "tests/actors/stepped.hpp"
#include "tests/fault_env.hpp"

#include <thread>

using namespace cmem;
using namespace cmem::test;
using namespace std::chrono_literals;

namespace {

struct stored {
  std::shared_ptr<fault_env> disk = std::make_shared<fault_env>();
  stepped_system s;
  config settings;
  std::unique_ptr<concurrent_memory> memory;

  explicit stored(durability level = durability::interval) {
    settings.storage_path = "/memory";
    settings.durability = level;
    settings.log_file_bytes = wal_file_bytes_min;
    settings.files = env(disk);
  }
  void open() { memory = s.open(settings); }
  ticket learn(std::string_view name) { return good(memory->learn_concept(name, "content")); }
  [[nodiscard]] bool has(std::string_view name) const {
    return memory->query_concept(name).has_value();
  }
  std::shared_ptr<std::string> durable(const ticket& t) {
    auto text = std::make_shared<std::string>("waits");
    memory->on_durable(t, [text](const result<settlement>& r) {
      *text = !r                         ? std::string(to_string(r.error().code))
              : r->what == fate::applied ? "applied"
                                         : "failed " + std::string(to_string(r->reason));
    });
    return text;
  }
};

} // namespace

TEST_CASE("D1: at level interval the disk has it after 100 ms at the latest") {
  stored m;
  m.open();
  m.learn("a");
  m.s.advance(20ms);
  CHECK(m.has("a"));
  CHECK(m.memory->stats().storage.durable_sequence == 0);
  m.s.advance(100ms);
  CHECK(m.memory->stats().storage.durable_sequence == 1);
  CHECK(m.memory->stats().storage.syncs == 1);
}

TEST_CASE("D1: an await does not wait for the interval") {
  stored m;
  m.open();
  const auto told = m.durable(m.learn("a"));
  m.s.run();
  CHECK(*told == "applied");
  const auto writer = m.memory->actors().writer;
  const auto answer = good(m.s.ask<settlement>(writer, msg::await_durable{m.learn("b")}));
  CHECK(answer == settlement{fate::applied, errc::ok});
  const auto failed = good(m.memory->strengthen("nobody", 1.0F));
  CHECK(good(m.s.ask<settlement>(writer, msg::await_durable{failed}))
        == settlement{fate::failed, errc::not_found});
}

TEST_CASE("D1: at level sync every batch is committed at once, at level none never") {
  stored always(durability::sync);
  always.open();
  always.learn("a");
  always.s.advance(11ms);
  CHECK(always.memory->stats().storage.durable_sequence == 1);

  stored never(durability::none);
  never.open();
  const auto t = never.learn("a");
  never.s.advance(500ms);
  CHECK(never.memory->stats().storage.durable_sequence == 0);
  CHECK(never.memory->stats().storage.waiting_bytes == 0); // the system has it
  CHECK(*never.durable(t) == "not_durable");
  const auto writer = never.memory->actors().writer;
  CHECK(code_of(never.s.ask<settlement>(writer, msg::await_durable{t})) == errc::not_durable);
}

TEST_CASE("D7: a memory that is closed is on the disk, and says what it could not store") {
  stored m;
  m.open();
  m.learn("a");
  const auto report = m.memory->close();
  CHECK(report.drained == 1);
  CHECK(report.not_durable == 0);
  CHECK(report.store_error.code == errc::ok);
  m.disk->power_cut(1);
  m.memory.reset();
  m.open();
  CHECK(m.has("a"));

  m.learn("b");
  const auto told = m.durable(good(m.memory->learn_concept("c")));
  m.disk->inject(fault::sync_eio, 0);
  const auto bad = m.memory->close();
  CHECK(bad.drained == 2);
  CHECK(bad.not_durable == 2);
  CHECK(bad.store_error.code == errc::io_error);
  CHECK(*told == "read_only");
  CHECK(m.s.has_logged("2 not durable"));
}

TEST_CASE("D4: a failed sync is told to all who ask") {
  stored m;
  m.open();
  m.learn("a");
  m.s.advance(120ms);
  const auto t = m.learn("b");
  m.disk->inject(fault::sync_eio, 0);
  const auto writer = m.memory->actors().writer;
  CHECK(code_of(m.s.ask<settlement>(writer, msg::await_durable{t})) == errc::read_only);
  CHECK(m.s.has_logged("error the store is read-only from here on: io_error"));
  CHECK(code_of(m.memory->learn_concept("c")) == errc::read_only);
  CHECK(m.has("a"));
  CHECK(m.has("b")); // in memory, and never acknowledged
  const auto health = m.memory->health();
  REQUIRE_FALSE(health.healthy);
  CHECK(health.issues.at(0).what == health_concern::read_only);
  CHECK(m.memory->stats().storage.read_only);
}

TEST_CASE("W9: a flusher that dies loses nothing") {
  stored m;
  m.open();
  const auto t = m.learn("a");
  m.s.advance(20ms);
  kill(m.memory->actors().flusher);
  m.s.run();
  CHECK(good(m.s.ask<std::uint64_t>(m.memory->actors().supervisor, msg::count_respawns{})) == 1);
  m.s.advance(110ms);
  CHECK(m.memory->stats().storage.durable_sequence == 1);
  CHECK(*m.durable(t) == "applied");
}

TEST_CASE("a memory with threads of its own stores, closes and opens again") {
  const auto disk = std::make_shared<fault_env>();
  config c;
  c.storage_path = "/memory";
  c.log_file_bytes = wal_file_bytes_min;
  c.files = env(disk);
  c.arena_bytes = std::uint64_t{256} << 20;
  c.waiting_bytes_max = 10'000;
  c.log_capacity = 1'000;
  c.durability = GENERATE(durability::interval, durability::sync);
  constexpr int writers = 3;
  constexpr int each = 300;
  {
    auto memory = good(concurrent_memory::open(c));
    std::vector<std::thread> threads;
    std::atomic<int> applied = 0;
    for (int w = 0; w < writers; ++w)
      threads.emplace_back([&, w] {
        for (int i = 0; i < each; ++i) {
          const auto name = std::to_string(w) + "-" + std::to_string(i);
          for (;;) {
            const auto t = memory->learn_concept(name, std::string(100, 'x'));
            if (!t)
              continue; // overloaded
            if (i % 10 == 0) {
              const auto r = memory->await_durable(*t, std::chrono::minutes(5));
              applied += r && r->what == fate::applied;
            }
            break;
          }
        }
      });
    for (auto& t : threads)
      t.join();
    CHECK(applied == writers * each / 10);
    const auto report = memory->close();
    CHECK(report.not_durable == 0);
    CHECK(report.left == 0);
  }
  disk->power_cut(1);
  auto memory = good(concurrent_memory::open(c));
  CHECK(memory->stats().snapshot.concept_count == writers * each);
  CHECK(memory->stats().write_log.dropped == 0);
}
