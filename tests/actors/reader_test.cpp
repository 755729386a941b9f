#include "actors/reader.hpp"

#include "tests/actors/stepped.hpp"

using namespace cmem;
using namespace cmem::test;
using namespace std::chrono_literals;

namespace {

const concept_id a_id = concept_id::from_name("a");
const concept_id b_id = concept_id::from_name("b");
const concept_id c_id = concept_id::from_name("c");

/// a -> b -> c, and a -> c by another kind
std::unique_ptr<concurrent_memory> open_triangle(stepped_system& s) {
  auto memory = s.open();
  for (const char* name : {"a", "b", "c"})
    good(memory->learn_concept(name, std::string("content of ") + name));
  good(memory->learn_association("a", "b", kinds::causal, 0.5F, 1.0F));
  good(memory->learn_association("b", "c", kinds::causal, 0.5F, 2.0F));
  good(memory->learn_association("a", "c", kinds::temporal, 0.25F, 3.0F));
  s.advance(10ms);
  return memory;
}

} // namespace

TEST_CASE("queries by message answer what direct ones do") {
  stepped_system s;
  const auto memory = open_triangle(s);
  const auto pool = memory->actors().reader_pool;
  CHECK(good(s.ask<concept_record>(pool, msg::find{a_id})) == good(memory->query_concept("a")));
  const auto near = good(s.ask<msg::neighbor_list>(pool, msg::neighbors{.id = a_id}));
  CHECK(near.neighbors == good(memory->query_neighbors("a")));
  CHECK(near.neighbors.size() == 2);
  CHECK(near.sequence == memory->snapshot()->sequence());
  const auto path = good(s.ask<msg::path_answer>(pool, msg::find_path{a_id, c_id, 6}));
  REQUIRE(path.found);
  CHECK(path.path == *good(memory->find_path("a", "c")));
  CHECK(path.path.hops == std::vector<path_hop>{{c_id, kinds::temporal, 0.25F}});
}

TEST_CASE("filters reach the query") {
  stepped_system s;
  const auto memory = open_triangle(s);
  const auto pool = memory->actors().reader_pool;
  const auto ask = [&](const msg::neighbors& m) {
    return good(s.ask<msg::neighbor_list>(pool, m)).neighbors;
  };
  CHECK(ask({.id = c_id, .towards = direction::incoming}).size() == 2);
  CHECK(ask({.id = a_id, .any_kind = false, .kind = kinds::temporal})
        == std::vector<neighbor_record>{{c_id, kinds::temporal, 0.25F, 3.0F}});
  CHECK(ask({.id = a_id, .confidence_min = 0.3F})
        == std::vector<neighbor_record>{{b_id, kinds::causal, 0.5F, 1.0F}});
  CHECK(ask({.id = a_id, .limit = 1}).size() == 1);
}

TEST_CASE("what is not there is an error or an empty answer") {
  stepped_system s;
  const auto memory = open_triangle(s);
  const auto pool = memory->actors().reader_pool;
  const auto nobody = concept_id::from_name("nobody");
  CHECK(code_of(s.ask<concept_record>(pool, msg::find{nobody})) == errc::not_found);
  CHECK(code_of(s.ask<msg::neighbor_list>(pool, msg::neighbors{.id = nobody})) == errc::not_found);
  CHECK(code_of(s.ask<msg::path_answer>(pool, msg::find_path{a_id, nobody, 6})) == errc::not_found);
  CHECK(code_of(s.ask<msg::path_answer>(pool, msg::find_path{a_id, c_id, 100'000}))
        == errc::invalid_argument);
  CHECK(!good(s.ask<msg::path_answer>(pool, msg::find_path{c_id, a_id, 6})).found);
  CHECK(!s.has_logged("spawned again"));
}

TEST_CASE("whoever awaited a write sees it, whichever reader answers") {
  stepped_system s;
  const auto memory = open_triangle(s);
  const auto handles = memory->actors();
  for (int i = 0; i < 10; ++i) {
    const auto name = "n" + std::to_string(i);
    const auto t =
      good(s.ask<ticket>(handles.writer, msg::learn_concept{name, "", {}, 1.0F, 1.0F}));
    good(s.ask<settlement>(handles.writer, msg::await_visible{t}));
    good(s.ask<concept_record>(handles.reader_pool, msg::find{concept_id::from_name(name)}));
  }
}

TEST_CASE("idle readers pin no old snapshot") {
  stepped_system s;
  config c;
  c.reader_actors = 5;
  const auto memory = s.open(c);
  for (int i = 0; i < 5; ++i) // each of them holds one now
    CHECK(code_of(s.ask<concept_record>(memory->actors().reader_pool, msg::find{a_id}))
          == errc::not_found);
  for (int i = 0; i < 20; ++i) {
    good(memory->learn_concept(std::to_string(i)));
    s.advance(10ms);
  }
  s.advance(20ms);
  CHECK(memory->stats().snapshot.live == 1);
}

TEST_CASE("a reader that was not told yet looks itself") {
  stepped_system s;
  config c;
  c.arena_bytes = std::uint64_t{256} << 20;
  const auto core = good(memory_core::create(c)); // nobody tells anybody
  const auto reader = s.system().spawn(make_reader, core);
  CHECK(code_of(s.ask<concept_record>(reader, msg::find{a_id})) == errc::not_found);
  good(core->storage().write(op::learn_concept{"a"}));
  core->reconcile();
  CHECK(good(s.ask<concept_record>(reader, msg::find{a_id})).name == "a");
  kill(reader);
  s.run();
}

TEST_CASE("a query that a closed memory finds in its mailbox is answered") {
  stepped_system s;
  const auto memory = open_triangle(s);
  pending_answer<concept_record> late(s.system(), memory->actors().reader_pool, msg::find{a_id});
  memory->close();
  s.run();
  CHECK(code_of(late.get()) == errc::closed);
}
