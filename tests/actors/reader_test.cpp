#include "actors/reader.hpp"

#include "tests/actors/stepped.hpp"

#include <cmath>

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
  CHECK(ask({.id = a_id, .kinds = {kinds::temporal}})
        == std::vector<neighbor_record>{{c_id, kinds::temporal, 0.25F, 3.0F}});
  CHECK(ask({.id = a_id, .confidence_min = 0.3F})
        == std::vector<neighbor_record>{{b_id, kinds::causal, 0.5F, 1.0F}});
  CHECK(ask({.id = a_id, .limit = 1}).size() == 1);
}

TEST_CASE("traversals by message answer what direct ones do") {
  stepped_system s;
  const auto memory = open_triangle(s);
  const auto pool = memory->actors().reader_pool;
  const auto sequence = memory->snapshot()->sequence();

  const auto paths = good(
    s.ask<msg::path_list>(pool, msg::find_paths{a_id, c_id, path_order::most_confident, 6, 1, {}}));
  CHECK(paths.sequence == sequence);
  CHECK(
    paths.paths
    == good(memory->find_paths("a", "c", {.order = path_order::most_confident, .max_depth = 6})));
  CHECK(paths.paths.found.size() == 1);

  const auto near = good(s.ask<msg::subgraph_found>(pool, msg::subgraph{.seeds = {a_id}}));
  CHECK(near.sequence == sequence);
  CHECK(near.subgraph == good(memory->subgraph({"a"})));
  CHECK(near.subgraph.concepts.size() == 3);
  REQUIRE(near.subgraph.associations.size() == 3);
  CHECK(near.subgraph.associations[0].weight > 0.0F);
  CHECK(near.subgraph.associations[0].created > 0);

  const auto active =
    good(s.ask<msg::activation_found>(pool, msg::activate{.seeds = {{a_id, 1.0}, {b_id, 0.5}}}));
  CHECK(active.sequence == sequence);
  CHECK(active.activation == good(memory->activate({{"a", 1.0}, {"b", 0.5}})));
  REQUIRE(active.activation.hits.size() == 1);
  // c: from a by 0.25 * 3, from b by 0.5 * 2, and from a over b
  CHECK(active.activation.hits[0].id == c_id);
  CHECK(active.activation.hits[0].activation == 0.5 * 0.75 + 0.5 * 0.5 + 0.25 * 0.5);
  CHECK(active.activation.hits[0].way.hops
        == std::vector<path_hop>{{c_id, kinds::temporal, 0.25F}});
}

TEST_CASE("bounds of traversals reach the query") {
  stepped_system s;
  const auto memory = open_triangle(s);
  const auto pool = memory->actors().reader_pool;
  const auto near = [&](const msg::traversal_bounds& bounds) {
    return good(s.ask<msg::subgraph_found>(pool, msg::subgraph{{c_id}, 1, 9, 9, bounds})).subgraph;
  };
  CHECK(near({}).concepts.size() == 1);
  CHECK(near({.along = direction::incoming}).concepts.size() == 3);
  CHECK(near({.kinds = {kinds::causal}, .along = direction::incoming}).concepts.size() == 2);
  CHECK(near({.confidence_min = 0.3F, .along = direction::incoming}).concepts.size() == 2);
  CHECK(near({.strength_min = 2.0F, .along = direction::incoming}).concepts.size() == 1);
  const auto cut = near({.along = direction::incoming, .visited_max = 2});
  CHECK(cut.end == traversal_end::visited_max);
  CHECK(cut.hops == 0);
  CHECK(near({.within_us = 3'600'000'000}).end == traversal_end::complete);
  CHECK(near({.within_us = static_cast<std::uint64_t>(-1)}).end == traversal_end::complete);
}

TEST_CASE("bad traversals are errors, and kill nobody") {
  stepped_system s;
  const auto memory = open_triangle(s);
  const auto pool = memory->actors().reader_pool;
  const auto nobody = concept_id::from_name("nobody");
  const auto near = [&](const msg::subgraph& m) {
    return code_of(s.ask<msg::subgraph_found>(pool, m));
  };
  CHECK(near({.seeds = {}}) == errc::invalid_argument);
  CHECK(near({.seeds = {nobody}}) == errc::not_found);
  CHECK(near({.seeds = {a_id}, .hops = 100'000}) == errc::invalid_argument);
  CHECK(near({.seeds = {a_id}, .bounds = {.kinds = {kinds_max}}}) == errc::unknown_kind);
  CHECK(near({.seeds = {a_id}, .bounds = {.along = static_cast<direction>(9)}})
        == errc::invalid_argument);
  CHECK(near({.seeds = {a_id}, .bounds = {.confidence_min = std::nanf("")}})
        == errc::invalid_argument);
  const auto active = [&](const msg::activate& m) {
    return code_of(s.ask<msg::activation_found>(pool, m));
  };
  CHECK(active({.seeds = {}}) == errc::invalid_argument);
  CHECK(active({.seeds = {{a_id, -1.0}}}) == errc::invalid_argument);
  CHECK(active({.seeds = {{nobody, 1.0}}}) == errc::not_found);
  CHECK(active({.seeds = {{a_id, 1.0}}, .decay = 0.0}) == errc::invalid_argument);
  const auto paths = [&](const msg::find_paths& m) {
    return code_of(s.ask<msg::path_list>(pool, m));
  };
  CHECK(paths({.source = a_id, .target = nobody}) == errc::not_found);
  CHECK(paths({.source = a_id, .target = c_id, .max_depth = 100'000}) == errc::invalid_argument);
  CHECK(paths({.source = a_id, .target = c_id, .order = static_cast<path_order>(7)})
        == errc::invalid_argument);
  CHECK(!s.has_logged("spawned again"));
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
