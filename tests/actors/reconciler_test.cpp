#include "tests/actors/stepped.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>
#include <vector>

using namespace cmem;
using namespace cmem::test;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Takes snapshots when it is told to, not when they come.
struct lazy_state {
  std::vector<std::shared_ptr<snapshot_cell>>* messages = nullptr;
};

snapshot_subscriber::behavior_type make_lazy(
  snapshot_subscriber::stateful_pointer<lazy_state> self,
  std::vector<std::shared_ptr<snapshot_cell>>* messages) {
  cafx::state(self).messages = messages;
  return {[self](const msg::newer_snapshot& m) { cafx::state(self).messages->push_back(m.cell); }};
}

std::uint64_t reconciliations(const concurrent_memory& m) {
  return m.stats().reconciler.reconciliations;
}

} // namespace

TEST_CASE("what is learned is visible at the next tick, not before") {
  stepped_system s;
  const auto memory = s.open();
  good(memory->learn_concept("a"));
  s.advance(9ms);
  CHECK(!memory->query_concept("a"));
  s.advance(1ms);
  CHECK(memory->query_concept("a"));
}

TEST_CASE("the interval is the configured one") {
  stepped_system s;
  config c;
  c.reconcile_interval_ms = 50;
  const auto memory = s.open(c);
  good(memory->learn_concept("a"));
  s.advance(49ms);
  CHECK(!memory->query_concept("a"));
  s.advance(1ms);
  CHECK(memory->query_concept("a"));
}

TEST_CASE("ticks keep their times: those that were missed are skipped") {
  stepped_system s;
  const auto memory = s.open();
  s.tick(35ms); // one late tick; 20 and 30 are over
  good(memory->learn_concept("a"));
  s.advance(4ms);
  CHECK(!memory->query_concept("a"));
  s.advance(1ms); // 40
  CHECK(memory->query_concept("a"));
}

TEST_CASE("an idle memory publishes nothing") {
  stepped_system s;
  const auto memory = s.open();
  const auto before = reconciliations(*memory);
  s.advance(200ms);
  CHECK(reconciliations(*memory) == before);
}

TEST_CASE("a half full log wakes the reconciler before the tick") {
  stepped_system s;
  config c;
  c.log_capacity = 10;
  const auto memory = s.open(c);
  for (int i = 0; i < 6; ++i)
    good(memory->learn_concept(std::to_string(i)));
  s.run();
  CHECK(memory->query_concept("5"));
}

TEST_CASE("an await wakes the reconciler before the tick, many at one time") {
  stepped_system s;
  const auto memory = s.open();
  const auto before = reconciliations(*memory);
  int settled = 0;
  for (int i = 0; i < 100; ++i)
    memory->on_settled(good(memory->learn_concept(std::to_string(i))),
                       [&](settlement what) { settled += what.what == fate::applied ? 1 : 0; });
  CHECK(settled == 0);
  s.run();
  CHECK(settled == 100);
  CHECK(reconciliations(*memory) == before + 1);
}

TEST_CASE("it goes again at once while more is pending than one batch") {
  stepped_system s;
  config c;
  c.max_batch_size = 10;
  const auto memory = s.open(c);
  const auto before = reconciliations(*memory);
  for (int i = 0; i < 95; ++i)
    good(memory->learn_concept(std::to_string(i)));
  s.tick(10ms);
  CHECK(memory->stats().write_log.pending == 5); // less than a batch can wait
  CHECK(reconciliations(*memory) == before + 9);
  s.tick(10ms);
  CHECK(memory->stats().write_log.pending == 0);
}

TEST_CASE("a subscriber gets the current snapshot first, then newer ones") {
  stepped_system s;
  const auto memory = s.open();
  good(memory->learn_concept("a"));
  s.advance(10ms);
  std::vector<std::shared_ptr<snapshot_cell>> messages;
  const auto lazy = s.system().spawn(make_lazy, &messages);
  caf::anon_send(memory->actors().reconciler, msg::subscribe{lazy});
  s.run();
  REQUIRE(messages.size() == 1);
  CHECK(messages[0]->take()->find(concept_id::from_name("a")));
  good(memory->learn_concept("b"));
  s.advance(10ms);
  REQUIRE(messages.size() == 2);
  CHECK(messages[1]->take()->find(concept_id::from_name("b")));
  kill(lazy);
  s.run();
}

TEST_CASE("a slow subscriber gets no further message, then the newest, and pins nothing old") {
  stepped_system s;
  const auto memory = s.open();
  std::vector<std::shared_ptr<snapshot_cell>> messages;
  const auto lazy = s.system().spawn(make_lazy, &messages);
  caf::anon_send(memory->actors().reconciler, msg::subscribe{lazy});
  s.run();
  for (int i = 0; i < 20; ++i) {
    good(memory->learn_concept(std::to_string(i)));
    s.advance(10ms);
  }
  CHECK(messages.size() == 1);
  CHECK(memory->stats().snapshot.live <= 2); // the current one, and one that the next step frees
  CHECK(messages[0]->take()->concept_count() == 20);
  good(memory->learn_concept("more"));
  s.advance(10ms);
  CHECK(messages.size() == 2);
  kill(lazy);
  s.run();
}

TEST_CASE("a subscriber that ended is forgotten") {
  stepped_system s;
  const auto memory = s.open();
  std::vector<std::shared_ptr<snapshot_cell>> messages;
  const auto lazy = s.system().spawn(make_lazy, &messages);
  caf::anon_send(memory->actors().reconciler, msg::subscribe{lazy});
  s.run();
  REQUIRE(messages.size() == 1);
  std::weak_ptr<snapshot_cell> cell = messages[0];
  messages.clear();
  CHECK(!cell.expired());
  kill(lazy);
  s.run();
  CHECK(cell.expired());
}

TEST_CASE("complaints about health are logged once, and their end") {
  stepped_system s;
  config c;
  c.log_capacity = 10;
  c.health.pending_max = 2;
  const auto memory = s.open(c);
  for (int i = 0; i < 30; ++i)
    good(memory->learn_concept(std::to_string(i)));
  s.advance(3s);
  CHECK(
    std::count_if(s.logged.begin(), s.logged.end(),
                  [](const std::string& line) { return line.find("warning backpressure: ") == 0; })
    == 1);
}

TEST_CASE("why a merge failed is logged") {
  stepped_system s;
  std::vector<std::string> errors;
  config c;
  c.reconciler_detached = false;
  c.arena_bytes = arena_bytes_min;
  c.log = [&](log_level level, std::string_view text) {
    if (level == log_level::error)
      errors.emplace_back(text);
  };
  const auto memory = good(concurrent_memory::open(s.system(), c));
  std::uint64_t n = 0; // ends that nobody learns take pages, and nothing else
  while (errors.empty()) {
    REQUIRE(n < 100'000);
    for (const std::uint64_t end = n + 1'000; n < end; ++n)
      good(memory->learn_association(concept_id::from_halves(1, n), concept_id::from_halves(2, n)));
    s.tick(10ms);
  }
  CHECK_THAT(errors.front(), ContainsSubstring("entries failed, and they with it: std::bad_alloc"));
}

TEST_CASE("one virtual hour of ticks") {
  stepped_system s;
  const auto memory = s.open();
  const auto ticks = sweep(360'000);
  std::uint64_t learned = 0;
  for (std::size_t i = 0; i < ticks; ++i) {
    if (i % 1000 == 0) {
      good(memory->learn_concept("c" + std::to_string(i)));
      ++learned;
    }
    s.tick(10ms);
    if (i % 1000 == 0)
      REQUIRE(memory->snapshot()->concept_count() == learned); // every tick counts
  }
  CHECK(memory->stats().reconciler.entries_processed == learned);
  CHECK(memory->health().healthy);
}
