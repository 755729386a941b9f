// A memory over the network, as its clients see it.

#include "tests/actors/served_memory.hpp"

#include <array>
#include <thread>

using namespace cmem;
using namespace std::chrono_literals;
using cmem::test::served_memory;

TEST_CASE("what a client learns is found by it, and by the memory itself") {
  served_memory s;
  const auto c = s.client();
  REQUIRE(c->learn_concept("rain", "falls"));
  REQUIRE(c->learn_concept("flood"));
  const auto t = c->learn_association("rain", "flood", kinds::causal, 0.75F, 2.0F);
  REQUIRE(t);
  const auto seen = c->await_visible(*t);
  REQUIRE(seen);
  CHECK(seen->what == fate::applied);

  const auto rain = c->query_concept("rain");
  REQUIRE(rain);
  CHECK(*rain == *s.memory->query_concept("rain"));
  CHECK(rain->content == "falls");
  const auto near = c->query_neighbors("rain");
  REQUIRE(near);
  CHECK(*near == *s.memory->query_neighbors("rain"));
  const auto path = c->find_path("rain", "flood");
  REQUIRE((path && *path));
  CHECK((*path)->hops.size() == 1);
  const auto nowhere = c->find_path("rain", "rain");
  REQUIRE((nowhere && *nowhere));
  CHECK((*nowhere)->hops.empty());
  CHECK(c->query_concept("snow").error().code == errc::not_found);
  CHECK(c->stats()->snapshot.edge_count == s.memory->stats().snapshot.edge_count);
  CHECK(c->health()->healthy);
  CHECK(c->await_durable(*t).error().code == errc::not_durable);
}

TEST_CASE("each write fails, or is applied, by itself") {
  served_memory s;
  const auto c = s.client();
  const auto a = c->learn_concept("a");
  const auto b = c->strengthen("nobody", 1.0F);
  const auto d = c->learn_concept("d");
  REQUIRE((a && b && d));
  CHECK(c->await_visible(*d)->what == fate::applied);
  CHECK(c->await_visible(*a)->what == fate::applied);
  const auto failed = c->await_visible(*b);
  REQUIRE(failed);
  CHECK(failed->what == fate::failed);
  CHECK(failed->reason == errc::not_found);

  const std::vector<write_op> batch{op::learn_concept{"e"}, op::strengthen{"nobody", 1.0F}};
  const auto t = c->learn_batch(batch);
  REQUIRE(t);
  CHECK(c->await_visible(*t)->reason == errc::not_found);
  CHECK(c->query_concept("e").error().code == errc::not_found);
}

TEST_CASE("bad input is refused at the client's call") {
  served_memory s(config{.vector_dimension = 2});
  const auto c = s.client();
  const std::array<float, 3> wrong{};
  CHECK(c->learn_concept("a", {}, wrong).error().code == errc::invalid_argument);
  CHECK(c->learn_association("a", "b", 77).error().code == errc::unknown_kind);
  const auto likes = c->register_kind("likes");
  REQUIRE(likes);
  CHECK(*likes == 5);
  CHECK(c->known_kinds().find("likes") == *likes);
  CHECK(c->learn_association("a", "b", *likes));
  const std::string mib(content_bytes_max, 'x');
  CHECK(c->learn_concept("big", mib).error().code == errc::limit_exceeded);
  const auto again = s.client();
  CHECK(again->known_kinds().find("likes") == *likes);
}

TEST_CASE("many writes go in batches, in order") {
  served_memory s;
  const auto c = s.client();
  constexpr std::uint64_t n = 50'000;
  result<ticket> last = c->learn_concept("counter");
  for (std::uint64_t i = 0; i < n; ++i) {
    last = c->strengthen("counter", 1.0F);
    while (!last && last.error().code == errc::overloaded) {
      std::this_thread::sleep_for(1ms);
      last = c->strengthen("counter", 1.0F);
    }
    REQUIRE(last);
  }
  REQUIRE(c->await_visible(*last, 20s));
  CHECK(c->query_concept("counter")->strength == 1.0F + static_cast<float>(n));
  CHECK(c->unacknowledged() == 0);
  CHECK(s.served->figures().writes == n + 1);
}

TEST_CASE("a client outlives its node, and nothing is applied twice") {
  served_memory s;
  const auto c = s.client();
  result<ticket> last = c->learn_concept("counter", {}, {}, 0.0F);
  float expected = 0.0F;
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 2'000; ++i, ++expected) {
      last = c->strengthen("counter", 1.0F);
      REQUIRE(last);
      if (i == 1'000)
        s.start({});
    }
  }
  REQUIRE(c->await_visible(*last, 20s));
  CHECK(c->query_concept("counter")->strength == expected);
}

TEST_CASE("without a node, calls fail in time and say why") {
  remote_options o;
  o.node = "127.0.0.1:1";
  o.deadline = 300ms;
  const auto none = remote_memory::connect(o);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == errc::unavailable);

  served_memory s;
  o = s.to_here();
  o.deadline = 500ms;
  const auto c = s.client(o);
  s.served.reset();
  const auto begin = std::chrono::steady_clock::now();
  CHECK(c->query_concept("a").error().code == errc::unavailable);
  CHECK(std::chrono::steady_clock::now() - begin < 2s);
  CHECK(c->state() == link_state::connecting);
  s.start({});
  CHECK(c->query_concept("a", 5s).error().code == errc::not_found);
}

TEST_CASE("a node that drains acknowledges what it took") {
  served_memory s;
  const auto c = s.client();
  result<ticket> last = c->learn_concept("a");
  for (int i = 0; i < 100; ++i)
    last = c->learn_concept("c" + std::to_string(i));
  REQUIRE(c->await_visible(*last));
  CHECK(s.served->drain(5s));
}
