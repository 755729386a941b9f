// The contract as the engine keeps it, in one thread but for awaits.

#include "storage/limits.hpp"
#include "tests/storage/builder_fixture.hpp"
#include "tests/storage/engine_fixture.hpp"
#include "tests/storage/model.hpp"

#include <array>
#include <chrono>
#include <future>
#include <limits>
#include <map>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace cmem;
using namespace std::chrono_literals;
using cmem::test::cid;
using cmem::test::engine_fixture;
using cmem::test::text_of;
using cmem::test::to_text;

namespace {

/// Runs on a thread of its own: entries of another writer.
template <class F>
auto elsewhere(F f) {
  return std::async(std::launch::async, f).get();
}

} // namespace

TEST_CASE("engine: an option out of range is refused by name and value") {
  const auto refusal = [](engine_options o) {
    const auto made = engine::create(std::move(o));
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().code == errc::invalid_argument);
    return made.error().detail;
  };
  using Catch::Matchers::ContainsSubstring;
  CHECK_THAT(refusal({.log_capacity = 0}), ContainsSubstring("log_capacity is 0"));
  CHECK_THAT(refusal({.batch_entries_max = 0}), ContainsSubstring("batch_entries_max is 0"));
  CHECK_THAT(refusal({.merge_threads = 0}), ContainsSubstring("merge_threads is 0"));
  CHECK_THAT(refusal({.merge_threads = 3}), ContainsSubstring("merge_threads is 3"));
  CHECK_THAT(refusal({.parallel_entries_min = 0}), ContainsSubstring("parallel_entries_min is 0"));
  CHECK_THAT(refusal({.vector_dimension = 4097}), ContainsSubstring("vector_dimension is 4097"));
  CHECK_THAT(refusal({.concepts_max = 0}), ContainsSubstring("concepts_max is 0"));
  CHECK_THAT(refusal({.concepts_max = concepts_max + 1}), ContainsSubstring("[1, 4294967040]"));
  CHECK_THAT(refusal({.degree_max = degree_max + 1}), ContainsSubstring("degree_max is 16777217"));
  CHECK_THAT(refusal({.arena_bytes = 4095}), ContainsSubstring("arena_bytes is 4095"));
  CHECK_THAT(refusal({.settlement_history = 0}), ContainsSubstring("settlement_history is 0"));
}

// -- W3

TEST_CASE("W3: drop_oldest keeps the newest, and every entry is accounted for by its ticket") {
  engine_fixture f({.log_capacity = 10, .overflow = overflow_policy::drop_oldest});
  std::vector<ticket> tickets;
  std::map<std::string, int> fates;
  for (std::uint64_t n = 0; n < 100; ++n) {
    tickets.push_back(f.write(op::learn_concept{cid(n)}));
    tickets.push_back(f.write(op::strengthen{cid(n + 1'000), 1.0F})); // fails, if it gets there
    if (n % 20 == 19)
      f.reconcile();
  }
  for (const ticket& t : tickets)
    ++fates[to_text(f.memory->load()->outcome(t))];
  CHECK(fates["applied"] == 25);
  CHECK(fates["failed not_found"] == 25);
  CHECK(fates["dropped"] == 150);
  const auto s = f.memory->stats();
  CHECK(s.log.written == 200);
  CHECK(s.log.dropped == 150);
  CHECK(s.log.pending == 0);
  CHECK(s.entries_processed == 50);
  CHECK(s.entries_failed == 25);
  CHECK(s.concept_count == 25);
  CHECK(f.has(cid(99)));
  CHECK_FALSE(f.has(cid(80)));
}

TEST_CASE("W3: reject refuses the new one with `overloaded` and drops nothing") {
  engine_fixture f({.log_capacity = 10, .overflow = overflow_policy::reject});
  std::vector<ticket> tickets;
  int refused = 0;
  for (std::uint64_t n = 0; n < 100; ++n) {
    const auto t = f.memory->write(op::learn_concept{cid(n)});
    if (t)
      tickets.push_back(*t);
    else if (t.error().code == errc::overloaded)
      ++refused;
    if (n % 20 == 19)
      f.reconcile();
  }
  CHECK(tickets.size() == 50);
  CHECK(refused == 50);
  for (const ticket& t : tickets)
    CHECK(to_text(f.memory->load()->outcome(t)) == "applied");
  const auto s = f.memory->stats();
  CHECK(s.log.rejected == 50);
  CHECK(s.log.dropped == 0);
  CHECK(s.concept_count == 50);
}

// -- W4

TEST_CASE("W4: an await resolves to what became of that very entry") {
  engine_fixture f;
  CHECK(f.fate_after(op::learn_concept{{cid(1), "one"}}) == "applied");
  CHECK(f.fate_after(op::learn_association{cid(1), cid(2)}) == "applied"); // a placeholder (W6)
  CHECK(f.fate_after(op::strengthen{cid(9), 1.0F}) == "failed not_found");
  CHECK(f.fate_after(op::record_use{cid(1), cid(9)}) == "failed not_found");
  CHECK(f.fate_after(op::learn_concept{{cid(1), "other"}}) == "failed id_collision");
  std::vector<std::string> keys;
  for (std::size_t i = 0; i <= attributes_max; ++i)
    keys.push_back("key" + std::to_string(i));
  std::vector<attribute_update> updates;
  for (std::size_t i = 0; i < attributes_max; ++i)
    updates.push_back({keys[i], "value"});
  const std::array<attribute_update, 1> more{{{keys.back(), "value"}}};
  CHECK(f.fate_after(op::set_attributes{cid(1), updates}) == "applied");
  CHECK(f.fate_after(op::set_attributes{cid(1), more}) == "failed limit_exceeded");
}

TEST_CASE("W4: the await of a dropped entry resolves, though its writer never writes again") {
  engine_fixture f({.log_capacity = 4, .overflow = overflow_policy::drop_oldest});
  f.write(op::learn_concept{cid(0)}); // so that this thread is a writer, and the other another
  f.reconcile();
  const ticket lost = elsewhere([&] { return f.write(op::learn_concept{cid(100)}); });
  std::vector<ticket> kept;
  for (std::uint64_t n = 0; n < 4; ++n)
    kept.push_back(f.write(op::learn_concept{cid(n)}));
  REQUIRE(kept.front().writer != lost.writer);
  CHECK(f.fate_of(lost) == "dropped");
  CHECK(to_text(f.memory->load()->outcome(lost)) == "dropped");
  for (const ticket& t : kept)
    CHECK(f.fate_of(t) == "applied");
}

TEST_CASE(
  "W4: what is carried over to the next batch is not dropped, whatever is dropped behind it") {
  bool overflow = true;
  engine* memory = nullptr;
  engine_fixture f({.log_capacity = 6,
                    .overflow = overflow_policy::drop_oldest,
                    .batch_entries_max = 3,
                    .on_apply = [&](const write_entry&) { // writers go on while a batch is merged
                      for (std::uint64_t n = 0; overflow && n < 9; ++n)
                        (void) memory->write(op::learn_concept{cid(100 + n)});
                      overflow = false;
                    }});
  memory = f.memory.get();
  f.write(op::learn_concept{cid(0)});
  const std::vector<write_op> ops(3, op::learn_concept{cid(1)});
  const auto batch = f.memory->learn_batch(ops); // does not fit beside the one before
  REQUIRE(batch.has_value());
  std::string told;
  f.memory->on_settled(*batch, [&told](settlement s) { told = to_text(s); });
  (void) f.memory->reconcile();
  CHECK(f.memory->stats().log.dropped > 0);
  CHECK(told.empty());
  (void) f.memory->reconcile();
  CHECK(told == "applied");
  CHECK(f.has(cid(1)));
}

TEST_CASE("W4: what the bounded history of drops has passed is unknown") {
  engine_fixture f(
    {.log_capacity = 1, .overflow = overflow_policy::drop_oldest, .settlement_history = 2});
  const ticket first = f.write(op::learn_concept{cid(0)});
  for (std::uint64_t n = 1; n < 10; ++n) {
    f.write(op::learn_concept{cid(n)}); // drops the one before
    f.write(op::learn_concept{cid(n)});
    f.reconcile();
  }
  CHECK(f.fate_of(first) == "unknown");
}

TEST_CASE("W4: tickets that this memory never gave out are unknown, and do no harm") {
  engine_fixture f;
  engine_fixture other;
  CHECK(f.fate_of(other.write(op::learn_concept{cid(1)})) == "unknown");
  CHECK(f.fate_of(ticket{}) == "unknown");
  const ticket mine = f.write(op::learn_concept{cid(1)});
  CHECK(f.fate_of(mine) == "applied");
  CHECK(f.fate_of({mine.number + 1'000, mine.writer, mine.memory}) == "unknown");
  CHECK(f.fate_of({1, mine.writer + 4'000'000'000U, mine.memory}) == "unknown");
  CHECK(f.fate_after(op::learn_concept{cid(2)}) == "applied");
}

TEST_CASE("W4: awaits wait across threads, wake the reconciler, and time out") {
  std::promise<void> woken;
  engine_fixture f({.on_wake = [&woken] { woken.set_value(); }});
  const ticket t = f.write(op::learn_concept{cid(1)});
  auto waiting = std::async(std::launch::async, [&] { return f.memory->await_visible(t, 60s); });
  REQUIRE(woken.get_future().wait_for(60s) == std::future_status::ready);
  (void) f.memory->reconcile();
  const auto known = waiting.get();
  REQUIRE(known.has_value());
  CHECK(to_text(*known) == "applied");
  woken = {};
  const ticket late = f.write(op::learn_concept{cid(2)});
  const auto timed_out = f.memory->await_visible(late, 1ms);
  REQUIRE_FALSE(timed_out.has_value());
  CHECK(timed_out.error().code == errc::timed_out);
  CHECK(f.fate_of(late) == "applied");
}

TEST_CASE("W4: a waiter that throws away its patience leaves the others theirs") {
  engine_fixture f;
  std::string told;
  const ticket a = f.write(op::learn_concept{cid(1)});
  const ticket b = f.write(op::strengthen{cid(5), 1.0F});
  for (int i = 0; i < 2; ++i) {
    f.memory->on_settled(b, [&](settlement s) { told += to_text(s) + ";"; });
    f.memory->on_settled(a, [&](settlement s) { told += to_text(s) + ";"; });
  }
  CHECK(told.empty());
  (void) f.memory->reconcile();
  std::map<std::string, int> count;
  for (std::size_t at = 0, end = 0; (end = told.find(';', at)) != std::string::npos; at = end + 1)
    ++count[told.substr(at, end - at)];
  CHECK(count["applied"] == 2);
  CHECK(count["failed not_found"] == 2);
}

// -- W7, W8

TEST_CASE("W7: bad input is refused at the call, and nothing changes") {
  engine_fixture f({.vector_dimension = 2});
  const std::array<float, 3> wrong{};
  CHECK(f.refusal(op::learn_concept{cid(1), {}, wrong}) == errc::invalid_argument);
  CHECK(f.refusal(op::learn_concept{cid(1), {}, {}, -1.0F}) == errc::invalid_argument);
  CHECK(f.refusal(op::learn_association{cid(1), cid(2), 99}) == errc::unknown_kind);
  const std::vector<write_op> batch = {
    op::learn_concept{cid(1)}, op::strengthen{cid(1), std::numeric_limits<float>::infinity()}};
  const auto t = f.memory->learn_batch(batch);
  REQUIRE_FALSE(t.has_value());
  CHECK_THAT(t.error().detail, Catch::Matchers::ContainsSubstring("entry 1"));
  CHECK(f.memory->stats().log.written == 0);
}

TEST_CASE("W8: a batch becomes visible in one snapshot, or not at all") {
  engine_fixture f({.batch_entries_max = 3});
  std::vector<write_op> ops;
  for (std::uint64_t n = 0; n < 10; ++n) // larger than a reconcile step takes
    ops.push_back(op::learn_concept{cid(n)});
  f.write(op::learn_concept{cid(100)});
  const auto good = f.memory->learn_batch(ops);
  ops.push_back(op::strengthen{cid(77), 1.0F});
  ops[0] = op::learn_concept{cid(50)};
  const auto bad = f.memory->learn_batch(ops);
  f.write(op::learn_concept{cid(101)});
  REQUIRE((good.has_value() && bad.has_value()));
  std::vector<std::uint64_t> sizes;
  while (f.memory->reconcile().entries != 0)
    sizes.push_back(f.memory->load()->concept_count());
  CHECK(sizes == std::vector<std::uint64_t>{1, 11, 11, 12});
  CHECK(f.fate_of(*good) == "applied");
  CHECK(f.fate_of(*bad) == "failed not_found");
  CHECK_FALSE(f.has(cid(50)));
  CHECK(f.memory->load()->sequence() == 23);
  CHECK(f.memory->stats().entries_failed == 11);
}

TEST_CASE("what is written together becomes visible in one snapshot, and fails one by one") {
  engine_fixture f({.batch_entries_max = 3});
  std::vector<write_op> ops;
  for (std::uint64_t n = 0; n < 10; ++n) // more than a reconcile step takes
    ops.push_back(op::learn_concept{cid(n)});
  ops[4] = op::strengthen{cid(77), 1.0F};
  f.write(op::learn_concept{cid(100)});
  const auto first = f.memory->write_together(ops);
  const ticket after = f.write(op::learn_concept{cid(101)});
  REQUIRE(first);
  CHECK(after.number == first->number + 10);
  std::vector<std::uint64_t> sizes;
  while (f.memory->reconcile().entries != 0)
    sizes.push_back(f.memory->load()->concept_count());
  CHECK(sizes == std::vector<std::uint64_t>{1, 10, 11});
  for (std::uint64_t n = 0; n < 10; ++n)
    CHECK(f.fate_of({first->number + n, first->writer, first->memory})
          == (n == 4 ? "failed not_found" : "applied"));
  CHECK(f.memory->stats().entries_failed == 1);
  ops[2] = op::learn_concept{cid(2), {}, {}, -1.0F};
  CHECK(f.memory->write_together(ops).error().code == errc::invalid_argument);
}

TEST_CASE("W8: a batch that is dropped is dropped as one") {
  engine_fixture f({.log_capacity = 5, .overflow = overflow_policy::drop_oldest});
  const std::vector<write_op> ops(3, op::learn_concept{cid(1)});
  const auto batch = f.memory->learn_batch(ops);
  REQUIRE(batch.has_value());
  for (std::uint64_t n = 10; n < 13; ++n)
    f.write(op::learn_concept{cid(n)});
  f.reconcile();
  CHECK(f.fate_of(*batch) == "dropped");
  CHECK(f.memory->stats().log.dropped == 3);
  CHECK(f.memory->load()->concept_count() == 3);
}

// -- W9

TEST_CASE("W9: a merge that throws is taken back and tried once more") {
  int throws = 0;
  engine_fixture f({.on_apply = [&throws](const write_entry& e) {
    if (e.a == cid(13) && throws-- > 0)
      throw std::runtime_error("on purpose");
  }});
  CHECK(f.fate_after(op::learn_concept{cid(1), "kept"}) == "applied");
  const auto held = f.memory->share();
  const std::string before = text_of(*held);
  const auto write_three = [&] {
    return std::array<ticket, 3>{f.write(op::learn_concept{cid(12), "content"}),
                                 f.write(op::learn_concept{cid(13), "content"}),
                                 f.write(op::learn_association{cid(12), cid(1)})};
  };
  SECTION("once: all are applied, once") {
    throws = 1;
    for (const ticket& t : write_three())
      CHECK(f.fate_of(t) == "applied");
    CHECK(f.memory->load()->concept_count() == 3);
    CHECK(f.memory->load()->edge_count() == 1);
  }
  SECTION("twice: they are failed (internal), and the next ones are not") {
    throws = 2;
    for (const ticket& t : write_three())
      CHECK(f.fate_of(t) == "failed internal");
    CHECK(text_of(*f.memory->load()) == before);
    CHECK(f.memory->stats().entries_failed == 3);
    throws = 2;
    write_three();
    CHECK(f.memory->reconcile().merge_error == "on purpose");
    CHECK(f.memory->reconcile().merge_error.empty());
    for (const ticket& t : write_three())
      CHECK(f.fate_of(t) == "applied");
    CHECK(f.memory->load()->concept_count() == 3);
  }
  CHECK(text_of(*held) == before);
}

TEST_CASE(
  "W9: what an entry fails with when memory ran out, or when what was thrown is no exception") {
  bool out_of_memory = true;
  engine_fixture f({.on_apply = [&](const write_entry& e) {
    if (e.a != cid(13))
      return;
    if (out_of_memory)
      throw std::bad_alloc();
    throw 42;
  }});
  CHECK(f.fate_after(op::learn_concept{cid(13)}) == "failed out_of_memory");
  out_of_memory = false;
  CHECK(f.fate_after(op::learn_concept{cid(13)}) == "failed internal");
  CHECK(f.fate_after(op::learn_concept{cid(1)}) == "applied");
  f.write(op::learn_concept{cid(13)});
  CHECK(f.memory->reconcile().merge_error == "not an exception of the standard library");
}

// -- limits that only the merge can see

TEST_CASE("a memory holds concepts_max concepts, placeholders included, and no more") {
  engine_fixture f({.concepts_max = 3});
  CHECK(f.fate_after(op::learn_concept{cid(1)}) == "applied");
  CHECK(f.fate_after(op::learn_association{cid(2), cid(3)}) == "applied");
  SECTION("nothing new") {
    CHECK(f.fate_after(op::learn_concept{cid(4)}) == "failed limit_exceeded");
    CHECK(f.fate_after(op::learn_association{cid(1), cid(4)}) == "failed limit_exceeded");
    CHECK(f.fate_after(op::learn_association{cid(4), cid(4)}) == "failed limit_exceeded");
    CHECK(f.fate_of(*f.memory->learn_batch(std::vector<write_op>{op::learn_concept{cid(4)}}))
          == "failed limit_exceeded");
    CHECK_FALSE(f.has(cid(4)));
  }
  SECTION("what is there may be learned, associated and replaced") {
    CHECK(f.fate_after(op::learn_concept{cid(2)}) == "applied");
    CHECK(f.fate_after(op::learn_association{cid(1), cid(3)}) == "applied");
    CHECK(f.fate_after(op::learn_concept{cid(1), "again"}) == "applied");
  }
  SECTION("forgetting makes room, when no snapshot has it any more") {
    auto held = f.memory->share();
    CHECK(f.fate_after(op::forget_concept{cid(1)}) == "applied");
    CHECK(f.fate_after(op::learn_concept{cid(4)}) == "failed limit_exceeded");
    CHECK(f.fate_after(op::learn_concept{cid(1)}) == "applied"); // its own index
    CHECK(f.fate_after(op::forget_concept{cid(1)}) == "applied");
    held = {};
    f.reconcile();
    CHECK(f.fate_after(op::learn_association{cid(4), cid(4)}) == "applied"); // one concept
    CHECK(f.fate_after(op::learn_association{cid(5), cid(4)}) == "failed limit_exceeded");
  }
  SECTION("a batch needs room for what is new to the memory, once each") {
    CHECK(f.fate_after(op::forget_concept{cid(1)}) == "applied");
    f.reconcile();
    const std::vector<write_op> one{op::learn_association{cid(4), cid(4)},
                                    op::forget_concept{cid(4)}, op::learn_concept{cid(4)},
                                    op::forget_concept{cid(2)}, op::learn_concept{cid(2)}};
    CHECK(f.fate_of(*f.memory->learn_batch(one)) == "applied");
    CHECK(f.memory->load()->concept_count() == 2);
  }
}

TEST_CASE("a concept has degree_max associations in each direction, and no more") {
  engine_fixture f({.degree_max = 3});
  for (std::uint64_t n = 1; n <= 3; ++n) {
    CHECK(f.fate_after(op::learn_association{cid(0), cid(n)}) == "applied");
    CHECK(f.fate_after(op::learn_association{cid(n), cid(0)}) == "applied");
  }
  const auto both = [&](const write_op& o) { // alone, and as a batch
    const std::string alone = f.fate_after(o);
    const std::vector<write_op> batch{o, op::forget_association{cid(8), cid(9)}};
    CHECK(f.fate_of(*f.memory->learn_batch(batch)) == alone);
    return alone;
  };
  CHECK(both(op::learn_association{cid(0), cid(4)}) == "failed limit_exceeded");
  CHECK(both(op::learn_association{cid(4), cid(0)}) == "failed limit_exceeded");
  CHECK(both(op::learn_association{cid(0), cid(1), kinds::causal}) == "failed limit_exceeded");
  CHECK(both(op::learn_association{cid(0), cid(1), kinds::semantic, 0.5F}) == "applied"); // known
  CHECK(both(op::learn_association{cid(1), cid(2)}) == "applied");
  CHECK(f.fate_after(op::forget_association{cid(0), cid(1)}) == "applied");
  CHECK(both(op::learn_association{cid(0), cid(4)}) == "applied");
}

TEST_CASE("W9: an arena that is used up keeps what it has, and forgetting makes room") {
  engine_fixture f(
    {.log_capacity = 50, .overflow = overflow_policy::reject, .arena_bytes = arena_bytes_min});
  const std::string content(1'000, 'x');
  std::vector<std::uint64_t> stored;
  bool full = false;
  for (std::uint64_t n = 0; !full; ++n) {
    REQUIRE(n < 5'000);
    const auto t = f.memory->write(op::learn_concept{cid(n), content});
    const std::string fate =
      t ? f.fate_of(*t) : "refused " + std::string(to_string(t.error().code));
    if (fate == "applied")
      stored.push_back(n);
    else
      full = fate == "failed out_of_memory" || fate == "refused out_of_memory";
    if (fate != "applied")
      REQUIRE(full);
  }
  REQUIRE(stored.size() > 100);
  for (const std::uint64_t n : stored)
    REQUIRE(f.content(cid(n)) == content);
  const std::size_t half = stored.size() / 2;
  for (std::size_t i = 0; i < half; ++i)
    CHECK(f.fate_after(op::forget_concept{cid(stored[i])}) == "applied");
  for (std::uint64_t n = 0; n < half / 2; ++n)
    CHECK(f.fate_after(op::learn_concept{cid(100'000 + n), content}) == "applied");
  for (std::size_t i = half; i < stored.size(); ++i)
    REQUIRE(f.content(cid(stored[i])) == content);
}

TEST_CASE("over the memory budget nothing new is taken; replacing and forgetting go on") {
  engine_fixture f(
    {.overflow = overflow_policy::reject, .memory_budget_bytes = std::size_t{8} << 20});
  const std::string content(1'000, 'x');
  std::uint64_t n = 0;
  while (f.fate_after(op::learn_concept{cid(n), content}) == "applied")
    REQUIRE(++n < 20'000);
  CHECK(f.fate_after(op::learn_concept{cid(n), content}) == "failed memory_budget");
  const std::string more(10'000, 'x'); // what is there may grow: now the memory is over its budget
  CHECK(f.fate_after(op::learn_concept{cid(1), more}) == "applied");
  const auto refused = f.memory->write(op::learn_concept{cid(n), content});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == errc::memory_budget); // at the call
  CHECK(f.fate_after(op::learn_association{cid(1), cid(2)}) == "failed memory_budget");
  CHECK(f.fate_after(op::learn_concept{cid(1), "less"}) == "applied");
  CHECK(f.fate_after(op::strengthen{cid(2), 1.0F}) == "applied");
  CHECK(f.content(cid(1)) == "less");
  for (std::uint64_t i = 10; i < 100; ++i)
    CHECK(f.fate_after(op::forget_concept{cid(i)}) == "applied");
  CHECK(f.fate_after(op::learn_concept{cid(n), content}) == "applied");
}

// -- R2, R6, R7

TEST_CASE("R2: a snapshot's number counts the entries it is the fold of, and never goes back") {
  engine_fixture f({.batch_entries_max = 7});
  std::uint64_t last = 0;
  for (std::uint64_t n = 0; n < 100; ++n)
    f.write(op::learn_concept{cid(n)});
  for (reconcile_report r; (r = f.memory->reconcile()).entries != 0;) {
    const auto s = f.memory->load();
    CHECK(s->sequence() == last + r.entries);
    CHECK(s->concept_count() == s->sequence()); // each entry made one
    last = s->sequence();
  }
  CHECK(last == 100);
  CHECK_FALSE(f.memory->reconcile().published); // nothing came: nothing new
  CHECK(f.memory->load()->sequence() == 100);
}

TEST_CASE("R6: a view lives as long as its snapshot, whatever happens to the concept") {
  engine_fixture f;
  const std::string content(500, 'a');
  REQUIRE(f.fate_after(op::learn_concept{{cid(1), "name"}, content}) == "applied");
  auto held = f.memory->share();
  const auto view = held->find(cid(1));
  const std::string_view text = view->content();
  for (std::uint64_t n = 2; n < 200; ++n) {
    f.write(op::learn_concept{cid(1), "replaced"});
    f.write(op::forget_concept{cid(1)});
    f.write(op::learn_concept{cid(n), std::string(500, 'b')});
    f.reconcile();
  }
  CHECK(text == content);
  CHECK(view->name() == "name");
  f.memory.reset(); // R1: the memory goes, what is held stays
  CHECK(held->find(cid(1))->content() == content);
}

TEST_CASE("R7: snapshots' times never go back, entries' times are kept as recorded") {
  engine_fixture f;
  f.now = 5'000;
  REQUIRE(f.fate_after(op::learn_concept{cid(1)}) == "applied");
  CHECK(f.memory->load()->timestamp() == 5'000);
  f.now = 3'000; // the clock was set back
  REQUIRE(f.fate_after(op::learn_concept{cid(2)}) == "applied");
  CHECK(f.memory->load()->timestamp() == 5'000);
  CHECK(f.memory->load()->find(cid(2))->created() == 3'000);
  f.now = 6'000;
  REQUIRE(f.fate_after(op::record_access{cid(2)}) == "applied");
  CHECK(f.memory->load()->timestamp() == 6'000);
  CHECK(f.memory->load()->find(cid(2))->last_accessed() == 6'000);
}

TEST_CASE("R7: lag is the age of the oldest pending entry, 0 when idle") {
  engine_fixture f;
  CHECK(f.memory->stats().reconciliation_lag_us == 0);
  f.write(op::learn_concept{cid(1)});
  f.now += 700;
  f.write(op::learn_concept{cid(2)});
  f.now += 300;
  CHECK(f.memory->stats().reconciliation_lag_us == 1'000);
  f.reconcile();
  f.now += 1'000'000;
  CHECK(f.memory->stats().reconciliation_lag_us == 0);
}

TEST_CASE("stats: memory is the sum of its parts, and the clockwork counts") {
  engine_fixture f;
  for (std::uint64_t n = 0; n < 100; ++n)
    f.write(op::learn_association{cid(n), cid(n + 1)});
  f.reconcile();
  const auto s = f.memory->stats();
  const memory_use& u = s.memory;
  CHECK(u.total
        == u.records + u.id_table + u.adjacency + u.payloads + u.bookkeeping + u.reserved_free);
  CHECK(u.association_times > 0);
  CHECK(u.association_times < u.adjacency);
  CHECK(s.placeholder_count == 101);
  CHECK(s.reconciliations == 1);
  CHECK(s.live_snapshots == 1);
  const auto held = f.memory->share();
  CHECK(f.fate_after(op::learn_concept{cid(1)}) == "applied");
  CHECK(f.memory->stats().live_snapshots == 2);
  CHECK(f.memory->stats().memory.retired > 0);
}

TEST_CASE("stats: what an old snapshot keeps, and for how long") {
  engine_fixture f;
  f.write(op::learn_concept{cid(1), "content"});
  f.reconcile();
  f.now += 1'000'000;
  auto held = std::optional(f.memory->share());
  CHECK(f.memory->stats().held.oldest_sequence == 1);
  CHECK(f.memory->stats().held.oldest_age_us == 0); // it is the newest
  for (int i = 0; i != 3; ++i)
    CHECK(f.fate_after(op::learn_concept{cid(1), "another content"}) == "applied");
  f.now += 1'000;
  snapshots_held s = f.memory->stats().held;
  CHECK(s.oldest_sequence == 1);
  CHECK(s.oldest_age_us == 1'001'000);
  CHECK(s.memory_bytes == f.memory->stats().memory.retired);
  CHECK(s.memory_bytes > 0);
  CHECK(s.mapped_bytes == 0);
  held.reset();
  f.reconcile();
  s = f.memory->stats().held;
  CHECK(s.oldest_sequence == 4);
  CHECK(s.oldest_age_us == 0);
  CHECK(s.memory_bytes == 0);
}

// -- D7

TEST_CASE("D7: close drains what is queued, accepts nothing more, and resolves every await") {
  engine_fixture f({.batch_entries_max = 4});
  std::vector<ticket> tickets;
  for (std::uint64_t n = 0; n < 10; ++n)
    tickets.push_back(f.write(op::learn_concept{cid(n)}));
  std::map<std::string, int> told;
  for (const ticket& t : tickets)
    f.memory->on_settled(t, [&told](settlement s) { ++told[to_text(s)]; });
  f.memory->close();
  CHECK(f.memory->closed());
  CHECK(f.refusal(op::learn_concept{cid(77)}) == errc::closed);
  const std::vector<write_op> batch{op::learn_concept{cid(77)}};
  CHECK(f.memory->learn_batch(batch).error().code == errc::closed);
  int steps = 1;
  for (; f.memory->reconcile().more_pending; ++steps)
    REQUIRE(steps < 10);
  CHECK(steps == 3);
  CHECK(told["applied"] == 10);
  CHECK(f.memory->load()->concept_count() == 10);
  CHECK(f.fate_of(tickets.front()) == "applied"); // also afterwards
  CHECK_FALSE(f.memory->reconcile().published);
  f.memory->close(); // again: no effect
}
