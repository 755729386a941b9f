// Associations that have settled are packed, and nobody sees a difference.

#include "storage/neighbors.hpp"
#include "tests/storage/builder_fixture.hpp"
#include "tests/storage/model.hpp"
#include "tests/storage/store_fixture.hpp"

using namespace cmem;
using namespace cmem::test;

namespace {

constexpr timestamp_us second = 1'000'000;

struct scene : store_fixture {
  explicit scene(bool stored = false, bool packs = true) {
    if (!stored)
      options.store.reset();
    options.pack_associations = packs;
    options.log_capacity = 10'000;
    now = 1'000 * second;
    open();
  }

  /// What the arena has handed out.
  [[nodiscard]] std::uint64_t reserved() const {
    const memory_use m = memory->stats().memory;
    return m.total - m.bookkeeping;
  }
  /// A ring of hubs: `degree` associations of each of `n` concepts.
  void learn(std::uint32_t n, std::uint32_t degree) {
    for (std::uint32_t i = 0; i != n; ++i) {
      write(op::learn_concept{cid(i)});
      for (std::uint32_t k = 1; k <= degree; ++k) {
        write(op::learn_association{cid(i), cid((i + k * k) % n), static_cast<kind_id>(k % 3),
                                    static_cast<float>(k % 11) / 10});
        if (k % 5'000 == 0)
          reconcile();
      }
      reconcile();
    }
  }
  /// Time passes, and the reconciler has nothing else to do. Answers how many snapshots it made.
  std::uint64_t rest(int seconds = 5) {
    const std::uint64_t before = memory->stats().reconciliations;
    for (; seconds != 0; --seconds) {
      now += second;
      for (int steps = 0; memory->reconcile().more_pending; ++steps)
        REQUIRE(steps < 1'000);
    }
    return memory->stats().reconciliations - before;
  }
  [[nodiscard]] std::uint64_t adjacency() const { return memory->stats().memory.adjacency; }
  [[nodiscard]] std::string text() const { return text_of(*memory->load()); }
};

} // namespace

TEST_CASE("what has settled is packed, once, and reads as before") {
  scene s;
  s.learn(300, 40);
  const std::string before = s.text();
  const auto held = s.memory->share();
  CHECK(s.rest() > 0);
  CHECK(s.text() == before);
  CHECK(text_of(*held) == before); // R2: it has what it had
  CHECK(s.rest() == 0);            // and comes to rest
  CHECK(held->sequence() == s.memory->load()->sequence());
}

TEST_CASE("packing gives memory back") {
  scene s;
  s.learn(300, 40);
  const std::uint64_t plain = s.adjacency();
  (void) s.rest();
  CHECK(s.adjacency() < plain / 2);
}

TEST_CASE("a pass is no measure of what the next version needs") {
  scene s;
  s.learn(2'000, 40);
  (void) s.rest();
  const std::uint64_t rested = s.reserved();
  for (int i = 0; i != 10; ++i) {
    s.write(op::strengthen{cid(5), 1.0F});
    s.reconcile();
  }
  CHECK(s.reserved() <= rested + 4 * span_bytes); // a few blocks, not all lists once more
}

TEST_CASE("packing takes nothing from a budget that writers need") {
  const auto fails_of = [](bool packs, bool tight) {
    scene s(false, packs);
    s.learn(2'000, 40);
    const memory_use m = s.memory->stats().memory;
    const std::uint64_t used = m.records + m.id_table + m.adjacency + m.payloads + m.bookkeeping;
    s.options.memory_budget_bytes = used + (tight ? 2'000'000 : 30'000'000);
    s.open();
    s.learn(2'000, 40);
    const auto held = s.memory->share();
    (void) s.rest();
    const std::uint64_t packed = s.memory->stats().lists_packed;
    CHECK((packed != 0) == (packs && !tight));
    std::uint64_t failed = 0;
    for (std::uint32_t i = 0; i != 2'000; ++i) { // each makes two packed lists plain
      s.write(op::learn_association{cid(i), cid(i + 7), kinds::temporal, 0.125F});
      if (i % 500 == 499)
        failed += s.memory->reconcile().failed;
    }
    return failed;
  };
  CHECK(fails_of(false, true) == 0);
  CHECK(fails_of(true, true) == 0);
  CHECK(fails_of(true, false) == 0);
}

TEST_CASE("a memory near its budget packs while nobody holds a snapshot") {
  scene s;
  s.learn(300, 40);
  const memory_use m = s.memory->stats().memory;
  s.options.memory_budget_bytes = m.records + m.id_table + m.adjacency + m.payloads + m.bookkeeping;
  s.open();
  s.learn(300, 40);
  const std::uint64_t plain = s.adjacency();
  auto held = s.memory->share();
  (void) s.rest();
  CHECK(s.memory->stats().lists_packed == 0);
  held = {};
  (void) s.rest();
  CHECK(s.adjacency() < plain / 2);
}

TEST_CASE("a step packs a bounded number of associations, and one list beyond") {
  builder_fixture f;
  constexpr std::uint32_t hubs = 16; // side by side
  constexpr std::uint32_t degree = 3'000;
  for (std::uint32_t h = 0; h != hubs; ++h)
    f.write(op::learn_concept{cid(h)});
  for (std::uint32_t h = 0; h != hubs; ++h)
    for (std::uint32_t k = 0; k != degree; ++k)
      f.write(op::learn_association{cid(h), cid(100 + (h * degree + k) % 4'000)});
  (void) f.publish();
  const std::string before = text_of(f.newest());
  const std::uint64_t settled = f.newest().version();
  const std::size_t plain = f.pages.bytes_in_use(page_use::adjacency);
  std::uint64_t next = 0;
  for (const std::uint32_t expected : {3U, 3U, 3U, 3U, 3U, 1U}) {
    const auto done = f.builder.pack_settled(next, 0, settled, 8'192);
    if (expected != 1)
      REQUIRE(done.lists == expected);
    next = done.next;
    f.publish_merged();
  }
  while (next != 0) {
    next = f.builder.pack_settled(next, 0, settled, 8'192).next;
    f.publish_merged();
  }
  CHECK(f.pages.bytes_in_use(page_use::adjacency) < plain / 2);
  CHECK(text_of(f.newest()) == before);
}

TEST_CASE("a list that changes while others beside it are packed is left for later") {
  const bool changes = GENERATE(false, true);
  builder_fixture f;
  for (std::uint32_t h = 0; h != 16; ++h)
    f.write(op::learn_concept{cid(h)});
  for (std::uint32_t h = 0; h != 16; ++h)
    for (std::uint32_t k = 0; k != 500; ++k)
      f.write(op::learn_association{cid(h), cid(100 + k)});
  (void) f.publish();
  const std::uint64_t settled = f.newest().version();
  const auto first = f.builder.pack_settled(0, 0, settled, 2'000);
  CHECK(first.lists == 4);
  f.publish_merged();
  if (changes)
    CHECK(f.apply(op::learn_association{cid(9), cid(1'000)}) == errc::ok);
  CHECK(f.builder.pack_settled(first.next, 0, settled, 1).lists == (changes ? 0 : 1));
}

TEST_CASE("what goes on changing is not packed") {
  scene s;
  s.learn(300, 40);
  const std::uint64_t plain = s.adjacency();
  for (int i = 0; i != 10; ++i) {
    s.now += second / 2;
    for (std::uint32_t c = 0; c != 300; ++c)
      s.write(op::strengthen_association{cid(c), cid((c + 1) % 300), 1, 0.25F});
    s.reconcile();
    (void) s.memory->reconcile();
  }
  CHECK(s.adjacency() > plain - plain / 20);
  (void) s.rest();
  CHECK(s.adjacency() < plain / 2);
}

TEST_CASE("a packed list is written to as any other") {
  scene s;
  scene plain(false, false);
  const auto both = [&](auto&& f) {
    f(s);
    f(plain);
    REQUIRE(s.now == plain.now);
    REQUIRE(s.text() == plain.text());
  };
  both([](scene& m) {
    m.learn(100, 30);
    (void) m.rest();
  });
  CHECK(2 * s.adjacency() < plain.adjacency());
  const auto held = s.memory->share();
  const std::string before = s.text();
  for (std::uint32_t round = 0; round != 3; ++round) {
    both([&](scene& m) {
      m.write(op::learn_association{cid(1), cid(2 + round), kinds::temporal, 0.125F});
      m.write(op::forget_association{cid(3 + round), cid(4 + round), 1});
      m.write(op::strengthen_association{cid(5), cid(6), 1, 2.0F});
      m.write(op::record_use{cid(7), cid(8), 1});
      m.write(op::forget_concept{cid(50 + round)});
      m.reconcile();
    });
    both([](scene& m) { (void) m.rest(); });
  }
  CHECK(text_of(*held) == before);
}

TEST_CASE("long lists are packed too, but for those that would hold up merges") {
  scene s;
  for (std::uint32_t i = 0; i != 9'000; ++i) {
    s.write(op::learn_association{cid(1), cid(i + 10)});
    if (i < 3'000)
      s.write(op::learn_association{cid(2), cid(i + 10)});
    if (i % 1'000 == 999)
      s.reconcile();
  }
  for (std::uint32_t i = 0; i < 9'010; ++i) {
    s.write(op::learn_concept{cid(i)});
    if (i % 1'000 == 999)
      s.reconcile();
  }
  s.reconcile();
  const std::string before = s.text();
  const std::uint64_t plain = s.adjacency();
  CHECK(s.rest() > 1); // a little in each step
  CHECK(s.adjacency() < plain);
  CHECK(s.text() == before);
  CHECK(s.rest() == 0);
}

TEST_CASE("packing is no change to a store, and survives it") {
  scene s(true);
  s.learn(60, 20);
  s.memory->ask_for_flush();
  s.reconcile();
  REQUIRE(*s.memory->flush());
  (void) s.rest();
  const std::string before = s.text();
  s.memory->ask_for_flush();
  s.reconcile();
  (void) s.memory->reconcile();
  const std::uint64_t flushed = s.memory->stats().store.flushed_bytes;
  (void) *s.memory->flush();
  CHECK(s.memory->stats().store.flushed_bytes == flushed);
  s.write(op::learn_association{cid(1), cid(2), kinds::temporal, 0.125F});
  s.reconcile();
  const std::string after = s.text();
  s.cut_power();
  s.open();
  CHECK((s.text() == before || s.text() == after));
}

TEST_CASE("what a store brought packed is not looked at again") {
  scene s(true);
  s.options.arena_bytes = std::size_t{256} << 20;
  s.open();
  s.learn(2'000, 20); // more than one step looks at
  CHECK(s.close().code == errc::ok);
  s.open();
  REQUIRE(s.memory->recovery().records == 0);
  for (int i = 0; i != 4; ++i) {
    s.now += second;
    CHECK_FALSE(s.memory->reconcile().more_pending);
  }
  CHECK(s.memory->stats().lists_packed == 0);
}

TEST_CASE("without the option nothing is packed") {
  scene s(false, false);
  s.learn(50, 20);
  const std::uint64_t plain = s.adjacency();
  CHECK(s.rest() == 0);
  CHECK(s.adjacency() == plain);
}
