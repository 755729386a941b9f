#include "tests/actors/stepped.hpp"

using namespace cmem;
using namespace cmem::test;
using namespace std::chrono_literals;

namespace {

std::uint64_t respawns(stepped_system& s, const concurrent_memory& m) {
  return good(s.ask<std::uint64_t>(m.actors().supervisor, msg::count_respawns{}));
}

} // namespace

TEST_CASE("a killed reconciler is spawned again and loses nothing") {
  stepped_system s;
  const auto memory = s.open();
  const auto first = memory->actors().reconciler;
  const auto t = good(memory->learn_concept("a"));
  s.advance(5ms);
  kill(first);
  s.run();
  CHECK(memory->actors().reconciler != first);
  CHECK(respawns(s, *memory) == 1);
  CHECK(s.has_logged("spawned again"));
  s.advance(10ms);
  CHECK(memory->snapshot()->covers(t));
  CHECK(memory->stats().write_log.dropped == 0);
}

TEST_CASE("its successor ticks at the interval, once") {
  stepped_system s;
  const auto memory = s.open();
  for (int i = 0; i < 5; ++i) {
    kill(memory->actors().reconciler);
    s.run();
  }
  CHECK(respawns(s, *memory) == 5);
  good(memory->learn_concept("a"));
  s.advance(9ms);
  CHECK(!memory->query_concept("a"));
  s.advance(1ms);
  CHECK(memory->query_concept("a"));
}

TEST_CASE("a reconciler killed in the middle of a backlog leaves the rest to its successor") {
  stepped_system s;
  config c;
  c.max_batch_size = 10;
  const auto memory = s.open(c);
  ticket last;
  for (int i = 0; i < 1'000; ++i) {
    last = good(memory->learn_concept(std::to_string(i)));
    if (i % 100 == 0) {
      kill(memory->actors().reconciler);
      s.tick(10ms);
    }
  }
  s.advance(20ms);
  CHECK(memory->snapshot()->covers(last));
  CHECK(memory->snapshot()->concept_count() == 1'000);
}

TEST_CASE("subscribers of a killed reconciler are its successor's") {
  stepped_system s;
  const auto memory = s.open();
  for (int i = 0; i < 2; ++i) // each reader holds a snapshot now
    CHECK(code_of(s.ask<concept_record>(memory->actors().reader_pool, msg::find{}))
          == errc::not_found);
  kill(memory->actors().reconciler);
  s.run();
  for (int i = 0; i < 5; ++i) {
    good(memory->learn_concept(std::to_string(i)));
    s.advance(10ms);
  }
  s.advance(20ms);
  CHECK(memory->stats().snapshot.live == 1); // idle readers were told
}

TEST_CASE("a killed writer is spawned again and loses nothing") {
  stepped_system s;
  const auto memory = s.open();
  const auto first = memory->actors().writer;
  const auto t = good(s.ask<ticket>(first, msg::learn_concept{"a", "", {}, 1.0F, 1.0F}));
  kill(first);
  s.run();
  const auto second = memory->actors().writer;
  CHECK(second != first);
  CHECK(good(s.ask<settlement>(second, msg::await_visible{t})).what == fate::applied);
  CHECK(code_of(s.ask<settlement>(first, msg::await_visible{t})) == errc::closed);
}

TEST_CASE("a killed reader or pool is spawned again") {
  stepped_system s;
  const auto memory = s.open();
  good(memory->learn_concept("a"));
  s.advance(10ms);
  const auto first = memory->actors().reader_pool;
  kill(first);
  s.run();
  const auto second = memory->actors().reader_pool;
  CHECK(second != first);
  for (int i = 0; i < 4; ++i)
    good(s.ask<concept_record>(second, msg::find{concept_id::from_name("a")}));
}

TEST_CASE("an actor that dies again and again is spawned again and again") {
  stepped_system s;
  const auto memory = s.open();
  for (std::uint64_t i = 1; i <= 20; ++i) {
    kill(memory->actors().writer);
    s.run();
    CHECK(respawns(s, *memory) == i);
  }
}

TEST_CASE("a killed supervisor is spawned again and watches everybody") {
  stepped_system s;
  const auto memory = s.open();
  const auto first = memory->actors().supervisor;
  for (int i = 0; i < 3; ++i) {
    kill(memory->actors().supervisor);
    s.run();
  }
  CHECK(memory->actors().supervisor != first);
  CHECK(s.has_logged("the supervisor ended"));
  CHECK(respawns(s, *memory) == 3);
  kill(memory->actors().reconciler);
  kill(memory->actors().writer);
  s.run();
  CHECK(respawns(s, *memory) == 5);
  const auto t = good(memory->learn_concept("a"));
  s.advance(10ms);
  CHECK(memory->snapshot()->covers(t));
}

TEST_CASE("whoever dies with the supervisor is spawned again by its successor") {
  stepped_system s;
  const auto memory = s.open();
  const auto first = memory->actors();
  kill(first.supervisor);
  kill(first.reconciler);
  kill(first.reader_pool);
  s.run();
  CHECK(memory->actors().reconciler != first.reconciler);
  CHECK(memory->actors().reader_pool != first.reader_pool);
  CHECK(respawns(s, *memory) == 3);
  good(memory->learn_concept("a"));
  s.advance(10ms);
  CHECK(memory->query_concept("a"));
}

TEST_CASE("a closed memory spawns nobody again") {
  stepped_system s;
  const auto memory = s.open();
  const auto handles = memory->actors();
  memory->close();
  kill(handles.writer);
  kill(handles.supervisor);
  s.run();
  CHECK(!s.has_logged("spawned again"));
  CHECK(!memory->actors().writer);
}
