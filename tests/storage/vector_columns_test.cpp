#include "storage/vector_columns.hpp"

#include "storage/vector_indexer.hpp"
#include "tests/storage/query_fixture.hpp"

#include <atomic>
#include <thread>

using namespace cmem;
using namespace cmem::test;

namespace {

/// "concept:codes…" of all slots, in their order, with * behind those that are current in `s`.
std::string text(const graph_memory& m, const vector_columns& c) {
  std::string all;
  for (std::uint32_t slot = 0; slot < c.slots(); ++slot) {
    all += (all.empty() ? "" : " ") + std::to_string(c.owner(slot)) + ":";
    for (std::uint32_t i = 0; i < c.dimension(); ++i)
      all += (i > 0 ? "," : "") + std::to_string(c.codes(slot)[i]);
    all += c.is_current(m.snapshot(), slot) ? "*" : "";
  }
  return all;
}

} // namespace

TEST_CASE("A slot is appended where a vector is new, and nowhere else") {
  graph_memory m(2);
  m.learn(1, {1.0F, 0.0F});
  m.learn(2);
  m.learn(3, {4.0F, -1.0F});
  m.publish();
  const std::uint32_t one = m.index(1);
  const std::uint32_t two = m.index(2);
  const std::uint32_t three = m.index(3);
  vector_columns_builder b(2);
  const auto take_all = [&] {
    int taken = 0;
    for (std::uint32_t i = 0; i < m.snapshot().index_count() + 5; ++i)
      taken += b.take(m.snapshot(), i) ? 1 : 0;
    return taken;
  };
  CHECK(take_all() == 2);
  CHECK(take_all() == 0);
  const auto first = b.publish();
  CHECK(text(m, *first) == std::to_string(one) + ":127,0* " + std::to_string(three) + ":127,-32*");
  CHECK(first->norm(0) == 1.0);
  CHECK(first->slot_of(one) == 0);
  CHECK(first->slot_of(two) == vector_columns::slot_none);
  CHECK(first->slot_of(three) == 1);
  CHECK(first->slot_of(1'000'000) == vector_columns::slot_none);
  CHECK(b.dead() == 0);

  m.learn(1, {0.0F, 3.0F});
  m.learn(2, {0.0F, -1.0F});
  m.forget(3);
  m.publish();
  CHECK(take_all() == 2);
  CHECK(take_all() == 0);
  CHECK(b.dead() == 2);
  const auto second = b.publish();
  CHECK(second->slots() == 4);
  CHECK(second->slot_of(one) == 2);
  CHECK(second->before(2) == 0);
  CHECK(second->before(3) == vector_columns::slot_none);
  CHECK_FALSE(second->is_current(m.snapshot(), 0));
  CHECK_FALSE(second->is_current(m.snapshot(), 1));
  CHECK(second->is_current(m.snapshot(), 2));
  CHECK(second->same_lineage(*first));
  // An older generation has what it had.
  CHECK(first->slots() == 2);
  CHECK(first->slot_of(one) == 0);
  CHECK(first->slot_of(two) == vector_columns::slot_none);
  CHECK(first->slot_of(three) == 1);

  // Whoever gets the index of a forgotten concept does not get its slot.
  m.learn(4);
  m.learn(5, {1.0F, 1.0F});
  m.learn(2); // gives its vector up
  m.publish();
  CHECK(take_all() == 1);
  CHECK(b.dead() == 3);
  const auto third = b.publish();
  for (const concept_number n : {1U, 2U, 4U, 5U}) {
    const std::uint32_t slot = third->slot_of(m.index(n));
    const bool current = slot != vector_columns::slot_none && third->is_current(m.snapshot(), slot);
    CHECK(current == (n == 1 || n == 5));
  }
}

TEST_CASE("Slots stay where they are while there are more and more of them") {
  graph_memory m(3);
  vector_columns_builder b(3);
  std::vector<std::shared_ptr<const vector_columns>> generations;
  concept_number n = 0;
  for (const concept_number upto : {1U, 4095U, 4096U, 4097U, 8192U, 8193U, 20'000U}) {
    const concept_number first = n + 1;
    for (; n < upto; ++n)
      m.learn(n + 1, {1.0F, static_cast<float>((n + 1) % 127) / 127.0F, 0.0F});
    m.publish();
    for (concept_number i = first; i <= upto; ++i)
      REQUIRE(b.take(m.snapshot(), m.index(i)));
    generations.push_back(b.publish());
  }
  for (const auto& g : generations) {
    std::uint32_t seen = 0;
    for (std::uint32_t at = 0; at < g->slots(); at += g->run_of(at)) {
      REQUIRE(g->run_of(at) > 0);
      for (std::uint32_t i = 0; i < g->run_of(at); ++i, ++seen) {
        const auto number = m.number((&g->owner(at))[i]);
        REQUIRE(g->codes(at)[i * g->stride() + 1] == static_cast<int>(number % 127));
        REQUIRE(g->slot_of((&g->owner(at))[i]) == at + i);
        REQUIRE((&g->norm(at))[i] == g->norm(at + i));
      }
    }
    REQUIRE(seen == g->slots());
  }
  CHECK(generations.front()->slots() == 1);
  CHECK(generations.back()->slots() == 20'000);
}

TEST_CASE("Readers of an older generation see nothing of what is appended meanwhile") {
  constexpr concept_number concepts = 64;
  graph_memory m(2);
  for (concept_number n = 1; n <= concepts; ++n)
    m.learn(n, {1.0F, 0.0F});
  m.publish();
  vector_columns_builder b(2);
  std::vector<std::uint32_t> indices;
  for (concept_number n = 1; n <= concepts; ++n) {
    indices.push_back(m.index(n));
    REQUIRE(b.take(m.snapshot(), indices.back()));
  }
  const auto first = b.publish();
  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> wrong{0};
  std::thread reader([&] {
    do
      for (const std::uint32_t i : indices) {
        const std::uint32_t slot = first->slot_of(i);
        if (slot >= concepts || first->owner(slot) != i || first->codes(slot)[0] != 127)
          wrong.fetch_add(1, std::memory_order_relaxed);
      }
    while (!over.load(std::memory_order_acquire));
  });
  for (std::size_t round = 0; round < sweep(200); ++round) {
    for (concept_number n = 1; n <= concepts; ++n)
      m.learn(n, {0.0F, 1.0F});
    m.publish();
    for (const std::uint32_t i : indices)
      (void) b.take(m.snapshot(), i);
  }
  over.store(true, std::memory_order_release);
  reader.join();
  CHECK(wrong == 0);
  CHECK(b.dead() == b.slots() - concepts);
}

TEST_CASE("New columns are made of the live slots, some concepts a step") {
  graph_memory m(2);
  for (concept_number n = 1; n <= 1000; ++n)
    m.learn(n, {1.0F, static_cast<float>(n)});
  m.publish();
  vector_indexer indexer({.dead_slots_min = 100, .concepts_a_step = 300});
  auto g = indexer.rebuild(m.snapshot());
  CHECK(g->columns->slots() == 1000);
  std::vector<std::uint32_t> changed;
  const auto replace = [&](concept_number from, concept_number to) {
    changed.clear();
    for (concept_number n = from; n <= to; ++n) {
      m.learn(n, {2.0F, static_cast<float>(n)});
      changed.push_back(m.index(n));
    }
    m.publish();
    g = indexer.update(m.snapshot(), changed);
  };
  replace(1, 400);
  CHECK_FALSE(indexer.has_more_to_do());
  CHECK(g->columns->slots() == 1400);
  const auto before = g->columns;
  replace(1, 50); // 450 of 1,450 are dead: more than 30 %
  CHECK(indexer.has_more_to_do());
  CHECK(g->columns->slots() == 1450);
  replace(1, 30); // taken, replaced below the step and beyond it
  replace(900, 930);
  CHECK(g->columns->same_lineage(*before));
  CHECK(g->columns->slots() == 1511);
  g = indexer.update(m.snapshot(), {});
  CHECK_FALSE(indexer.has_more_to_do());
  CHECK_FALSE(g->columns->same_lineage(*before));
  CHECK(g->columns->slots() == 1030);
  for (concept_number n = 1; n <= 1000; ++n) {
    const std::uint32_t slot = g->columns->slot_of(m.index(n));
    REQUIRE(slot != vector_columns::slot_none);
    REQUIRE(g->columns->is_current(m.snapshot(), slot));
  }
}

namespace {

/// Has every slot after two calls.
class slow_maker : public vector_graph_maker {
public:
  explicit slow_maker(std::string& log) : log_(log) {}
  std::shared_ptr<const vector_graph> extend(
    const graph_snapshot&, const std::shared_ptr<const vector_columns>& columns) override {
    log_ += std::to_string(columns->slots()) + " ";
    ++calls_;
    return nullptr;
  }
  [[nodiscard]] bool complete() const noexcept override { return calls_ >= 2; }

private:
  std::string& log_;
  int calls_ = 0;
};

} // namespace

TEST_CASE("New columns replace the old ones once their graph has all of their slots") {
  graph_memory m(2);
  for (concept_number n = 1; n <= 10; ++n)
    m.learn(n, {1.0F, static_cast<float>(n)});
  m.publish();
  std::string log;
  vector_indexer indexer(
    {.make_graph = [&](auto) { return std::make_unique<slow_maker>(log); }, .dead_slots_min = 1});
  auto g = indexer.rebuild(m.snapshot());
  CHECK(indexer.has_more_to_do());
  g = indexer.update(m.snapshot(), {});
  CHECK_FALSE(indexer.has_more_to_do());
  CHECK(log == "10 10 ");
  log.clear();
  std::vector<std::uint32_t> changed;
  for (concept_number n = 1; n <= 9; ++n) {
    changed.push_back(m.index(n));
    m.learn(n, {2.0F, static_cast<float>(n)});
  }
  m.publish();
  g = indexer.update(m.snapshot(), changed);
  CHECK(g->columns->slots() == 19);
  CHECK(log == "10 19 ");
  CHECK(indexer.has_more_to_do());
  g = indexer.update(m.snapshot(), {});
  CHECK(g->columns->slots() == 10);
  CHECK(log == "10 19 10 ");
  CHECK_FALSE(indexer.has_more_to_do());
}

TEST_CASE("Where learning never ends, slots stay in proportion to what lives") {
  /// It never has every slot.
  class late_maker : public vector_graph_maker {
  public:
    std::shared_ptr<const vector_graph> extend(
      const graph_snapshot&, const std::shared_ptr<const vector_columns>&) override {
      return nullptr;
    }
    [[nodiscard]] bool complete() const noexcept override { return false; }
  };
  constexpr concept_number concepts = 100;
  graph_memory m(2);
  for (concept_number n = 1; n <= concepts; ++n)
    m.learn(n, {1.0F, static_cast<float>(n)});
  m.publish();
  vector_indexer indexer(
    {.make_graph = [](auto) { return std::make_unique<late_maker>(); }, .dead_slots_min = 1});
  auto g = indexer.rebuild(m.snapshot());
  std::uint32_t most = 0;
  for (std::uint32_t round = 0; round < 200; ++round) {
    std::vector<std::uint32_t> changed;
    for (concept_number n = 1; n <= 10; ++n) {
      const concept_number which = 1 + (10 * round + n) % concepts;
      m.learn(which, {2.0F, static_cast<float>(round)});
      changed.push_back(m.index(which));
    }
    m.publish();
    g = indexer.update(m.snapshot(), changed);
    most = std::max(most, g->columns->slots());
  }
  CHECK(most <= 2 * concepts);
}

TEST_CASE("What is left of the dead is known to be work without any change") {
  graph_memory m(2);
  for (concept_number n = 1; n <= 10; ++n)
    m.learn(n, {1.0F, static_cast<float>(n)});
  m.publish();
  vector_indexer indexer({.dead_slots_min = 1, .concepts_a_step = 5});
  auto g = indexer.rebuild(m.snapshot());
  std::vector<std::uint32_t> changed;
  for (concept_number n = 1; n <= 9; ++n) {
    changed.push_back(m.index(n));
    m.learn(n, {2.0F, static_cast<float>(n)});
  }
  m.publish();
  for (int steps = 0; steps < 10 && (steps == 0 || indexer.has_more_to_do()); ++steps)
    g = indexer.update(m.snapshot(), steps == 0 ? std::span<const std::uint32_t>(changed)
                                                : std::span<const std::uint32_t>());
  CHECK_FALSE(indexer.has_more_to_do());
  CHECK(g->columns->slots() == 10);
}
