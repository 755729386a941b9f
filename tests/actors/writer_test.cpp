#include "tests/actors/stepped.hpp"

#include <limits>

using namespace cmem;
using namespace cmem::test;
using namespace std::chrono_literals;

TEST_CASE("every write by message does what the direct call does") {
  stepped_system s;
  config c;
  c.vector_dimension = 2;
  const auto memory = s.open(c);
  const auto writer = memory->actors().writer;
  const auto kind = good(s.ask<kind_id>(writer, msg::register_kind{"part of"}));
  CHECK(memory->known_kinds().name_of(kind) == "part of");
  good(s.ask<ticket>(writer, msg::learn_concept{"a", "alpha", {1.0F, 2.0F}, 3.0F, 0.5F}));
  good(s.ask<ticket>(writer, msg::learn_concept{"b", "beta", {}, 1.0F, 1.0F}));
  good(s.ask<ticket>(writer, msg::learn_concept{"gone", "", {}, 1.0F, 1.0F}));
  good(s.ask<ticket>(writer, msg::learn_association{"a", "b", kind, 0.5F, 2.0F}));
  good(s.ask<ticket>(writer, msg::learn_association{"b", "a", kind, 0.5F, 2.0F}));
  good(s.ask<ticket>(writer, msg::strengthen{"a", 1.0F}));
  good(s.ask<ticket>(writer, msg::strengthen_association{"a", "b", kind, 0.5F}));
  good(s.ask<ticket>(writer, msg::record_access{"a"}));
  good(s.ask<ticket>(writer, msg::record_use{"a", "b", kind}));
  good(s.ask<ticket>(writer, msg::set_attributes{"a", {{"k", "v", false}, {"x", "y", false}}}));
  good(s.ask<ticket>(writer, msg::set_attributes{"a", {{"x", "", true}}}));
  good(s.ask<ticket>(writer, msg::forget_concept{"gone"}));
  const auto last = good(s.ask<ticket>(writer, msg::forget_association{"b", "a", kind}));
  CHECK(good(s.ask<settlement>(writer, msg::await_visible{last}))
        == settlement{fate::applied, errc::ok});

  const auto a = good(memory->query_concept("a"));
  CHECK(a.content == "alpha");
  CHECK(a.name == "a");
  CHECK(a.vector == std::vector<float>{1.0F, 2.0F});
  CHECK(a.strength == 4.0F);
  CHECK(a.confidence == 0.5F);
  CHECK(a.access_count == 1);
  CHECK(a.attributes == decltype(a.attributes){{"k", "v"}});
  CHECK(good(memory->query_neighbors("a"))
        == std::vector<neighbor_record>{{concept_id::from_name("b"), kind, 0.5F, 2.5F}});
  CHECK(good(memory->query_neighbors("b")).empty());
  CHECK(code_of(memory->query_concept("gone")) == errc::not_found);
}

TEST_CASE("a batch becomes visible as one") {
  stepped_system s;
  const auto memory = s.open();
  msg::learn_batch batch;
  batch.items = {{msg::learn_concept{"a", "", {}, 1.0F, 1.0F}},
                 {msg::set_attributes{"a", {{"k", "v", false}}}},
                 {msg::learn_concept{"b", "", {}, 1.0F, 1.0F}},
                 {msg::set_attributes{"b", {{"k", "w", false}}}}};
  const auto t = good(s.ask<ticket>(memory->actors().writer, batch));
  s.advance(10ms);
  CHECK(memory->snapshot()->covers(t));
  CHECK(good(memory->query_concept("a")).attributes[0].second == "v");
  CHECK(good(memory->query_concept("b")).attributes[0].second == "w");
}

TEST_CASE("what storage refuses comes back with its code and detail, and kills nobody") {
  stepped_system s;
  const auto memory = s.open();
  const auto writer = memory->actors().writer;
  const auto nan = std::numeric_limits<float>::quiet_NaN();
  const auto refused = s.ask<ticket>(writer, msg::learn_concept{"a", "", {}, nan, 1.0F});
  REQUIRE(!refused);
  CHECK(refused.error() == memory->learn_concept("a", "", {}, nan).error());
  CHECK(refused.error().code == errc::invalid_argument);
  CHECK(code_of(s.ask<ticket>(writer, msg::learn_association{"a", "b", 999, 1.0F, 1.0F}))
        == errc::unknown_kind);
  CHECK(code_of(s.ask<ticket>(writer, msg::learn_batch{})) == errc::invalid_argument);
  CHECK(code_of(s.ask<kind_id>(writer, msg::register_kind{""})) == errc::invalid_argument);
  good(s.ask<ticket>(writer, msg::learn_concept{"a", "", {}, 1.0F, 1.0F}));
  CHECK(!s.has_logged("spawned again"));
}

TEST_CASE("a full log under reject is answered overloaded") {
  stepped_system s;
  config c;
  c.log_capacity = 2;
  c.overflow = overflow_policy::reject;
  const auto memory = s.open(c);
  good(memory->learn_concept("a"));
  good(memory->learn_concept("b"));
  CHECK(code_of(memory->learn_concept("c")) == errc::overloaded);
  CHECK(memory->stats().write_log.rejected == 1);
}

TEST_CASE("an await is answered when it is settled, not before") {
  stepped_system s;
  const auto memory = s.open();
  const auto t = good(memory->learn_concept("a"));
  pending_answer<settlement> answer(s.system(), memory->actors().writer, msg::await_visible{t});
  s.run_one(); // the writer takes the request, and wakes the reconciler
  CHECK(!answer.here());
  s.run();
  CHECK(good(answer.get()) == settlement{fate::applied, errc::ok});
}

TEST_CASE("every outcome of an await, by message and direct") {
  stepped_system s;
  config c;
  c.log_capacity = 4;
  const auto memory = s.open(c);
  const auto writer = memory->actors().writer;
  const auto outcome = [&](const ticket& t) {
    const auto mailed = good(s.ask<settlement>(writer, msg::await_visible{t}));
    CHECK(good(memory->await_visible(t, 0ms)) == mailed); // known by now
    return mailed;
  };

  SECTION("applied") {
    CHECK(outcome(good(memory->learn_concept("a"))) == settlement{fate::applied, errc::ok});
  }
  SECTION("dropped") {
    const auto first = good(memory->learn_concept("first"));
    for (int i = 0; i < 4; ++i)
      good(memory->learn_concept(std::to_string(i)));
    CHECK(outcome(first) == settlement{fate::dropped, errc::dropped});
    CHECK(code_of(memory->query_concept("first")) == errc::not_found);
    CHECK(memory->stats().write_log.dropped == 1);
  }
  SECTION("failed, with the reason") {
    CHECK(outcome(good(memory->strengthen("nobody", 1.0F)))
          == settlement{fate::failed, errc::not_found});
    CHECK(memory->stats().reconciler.entries_failed == 1);
  }
  SECTION("unknown: another memory's") {
    const auto other = s.open();
    CHECK(outcome(good(other->learn_concept("a"))) == settlement{fate::unknown, errc::unknown});
  }
  SECTION("unknown: a ticket that nobody was given, and it does no harm") {
    auto forged = good(memory->learn_concept("a"));
    forged.number += 1'000'000;
    CHECK(outcome(forged) == settlement{fate::unknown, errc::unknown});
    forged.writer = 4'000'000'000;
    CHECK(outcome(forged) == settlement{fate::unknown, errc::unknown});
    CHECK(outcome(good(memory->learn_concept("b"))) == settlement{fate::applied, errc::ok});
  }
  SECTION("not durable") {
    const auto t = good(memory->learn_concept("a"));
    CHECK(code_of(s.ask<settlement>(writer, msg::await_durable{t})) == errc::not_durable);
    CHECK(code_of(memory->await_durable(t)) == errc::not_durable);
  }
  SECTION("closed: what was pending is applied, and awaits still answer") {
    const auto t = good(memory->learn_concept("a"));
    pending_answer<settlement> taken(s.system(), writer, msg::await_visible{t});
    s.run_one();
    pending_answer<settlement> waiting(s.system(), writer, msg::await_visible{t});
    CHECK(!taken.here());
    memory->close();
    s.run();
    CHECK(good(taken.get()) == settlement{fate::applied, errc::ok});
    CHECK(good(waiting.get()) == settlement{fate::applied, errc::ok});
    CHECK(good(memory->await_visible(t, 0ms)) == settlement{fate::applied, errc::ok});
  }
  SECTION("closed: a write by message") {
    memory->close();
    pending_answer<ticket> late(s.system(), writer, msg::learn_concept{"b", "", {}, 1.0F, 1.0F});
    s.run();
    CHECK(code_of(late.get()) == errc::closed);
    CHECK(code_of(memory->learn_concept("b")) == errc::closed);
    CHECK(code_of(memory->register_kind("new")) == errc::closed);
  }
}

TEST_CASE("an await that has nothing to wait for times out") {
  stepped_system s;
  const auto memory = s.open();
  const auto t = good(memory->learn_concept("a"));
  CHECK(code_of(memory->await_visible(t, 1ms)) == errc::timed_out); // nobody steps the reconciler
}

TEST_CASE("a writer that ends answers its open awaits first") {
  stepped_system s;
  const auto memory = s.open();
  const auto t = good(memory->learn_concept("a"));
  pending_answer<settlement> open(s.system(), memory->actors().writer, msg::await_visible{t});
  s.run_one();
  CHECK(!open.here());
  kill(memory->actors().writer); // comes before the note that the reconciler will send
  s.run();
  CHECK(code_of(open.get()) == errc::closed);
  CHECK(good(s.ask<settlement>(memory->actors().writer, msg::await_visible{t})).what
        == fate::applied);
}
