#include "storage/thread_slots.hpp"

#include "tests/catch.hpp"

#include <array>
#include <barrier>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <vector>

namespace {

struct plain_slot {
  std::uint32_t number = 99;
  int value = 0;
};
using plain_slots = cmem::thread_slots<plain_slot>;

// Says when it is destroyed, and by its flag whether it may be given back.
struct watched_slot {
  std::shared_ptr<int> life;
  bool needed = false;
  std::shared_ptr<void> lease;
  bool busy() const { return needed; }
  void linger(std::shared_ptr<void> l) { lease = std::move(l); }
};
using watched_slots = cmem::thread_slots<watched_slot>;

template <class F>
void on_other_thread(F f) {
  std::thread(f).join();
}

} // namespace

TEST_CASE("a thread has one slot, and no two threads the same") {
  plain_slots slots(10);
  CHECK(slots.size() == 0);
  plain_slot* here = slots.mine();
  REQUIRE(here != nullptr);
  CHECK(here->number == 0);
  CHECK(slots.mine() == here);
  CHECK(plain_slots::held_here(here));
  on_other_thread([&] {
    CHECK_FALSE(plain_slots::held_here(here));
    CHECK(slots.mine()->number == 1);
  });
  CHECK(slots.mine() == here);
  CHECK(slots.size() == 2);
}

TEST_CASE("a slot goes to a later thread with what it holds") {
  plain_slots slots(10);
  on_other_thread([&] { slots.mine()->value = 7; });
  on_other_thread([&] {
    CHECK(slots.mine()->number == 0);
    CHECK(slots.mine()->value++ == 7);
  });
  CHECK(slots.mine()->value == 8);
  CHECK(slots.size() == 1);
}

TEST_CASE("beyond its maximum a table has no slot, until one comes back") {
  plain_slots slots(2);
  REQUIRE(slots.mine() != nullptr);
  on_other_thread([&] {
    CHECK(slots.mine() != nullptr);
    on_other_thread([&] {
      CHECK(slots.mine() == nullptr);
      CHECK(slots.mine() == nullptr);
    });
  });
  on_other_thread([&] { CHECK(slots.mine() != nullptr); });
  CHECK(slots.size() == 2);
  plain_slots none(0);
  CHECK(none.mine() == nullptr);
  CHECK(slots.mine()->number == 0); // the miss did not spoil the other table's
}

TEST_CASE("tables of one type are independent, also at one address") {
  plain_slots first(10), second(10);
  first.mine()->value = 1;
  second.mine()->value = 2;
  CHECK(first.mine()->value == 1);
  CHECK(second.mine()->value == 2);
  std::optional<plain_slots> again;
  for (int round = 0; round != 100; ++round) {
    again.emplace(10u);
    CHECK(again->size() == 0);
    CHECK(again->mine()->value == 0);
    again->mine()->value = round + 1;
  }
}

TEST_CASE("slots are visited in order of their numbers, over many blocks") {
  constexpr std::size_t threads = 150;
  plain_slots slots(threads);
  std::barrier all_in(threads);
  std::vector<std::thread> running;
  std::array<std::uint32_t, threads> numbers{};
  for (std::size_t i = 0; i != threads; ++i)
    running.emplace_back([&, i] {
      numbers[i] = slots.mine()->number;
      all_in.arrive_and_wait();
    });
  for (auto& t : running)
    t.join();
  CHECK(std::set(numbers.begin(), numbers.end()).size() == threads);
  std::uint32_t expected = 0;
  slots.for_each([&](plain_slot& s) { CHECK(s.number == expected++); });
  CHECK(expected == threads);
}

TEST_CASE("a thread may end after the owner did, and the owner after the thread") {
  auto slots = std::make_unique<watched_slots>(10u);
  std::weak_ptr<int> life;
  SECTION("thread first") {
    on_other_thread([&] { life = slots->mine()->life = std::make_shared<int>(1); });
    CHECK_FALSE(life.expired());
    slots.reset();
  }
  SECTION("owner first") {
    on_other_thread([&] {
      life = slots->mine()->life = std::make_shared<int>(1);
      slots.reset();
      CHECK_FALSE(life.expired());
    });
  }
  CHECK(life.expired());
}

TEST_CASE("a thread lets go of dead tables when it meets a new one, unless their slots are busy") {
  std::weak_ptr<int> idle, needed;
  watched_slot* kept = nullptr;
  on_other_thread([&] {
    {
      watched_slots dies(10), dies_too(10);
      idle = dies.mine()->life = std::make_shared<int>(1);
      kept = dies_too.mine();
      needed = kept->life = std::make_shared<int>(2);
      kept->needed = true;
    }
    watched_slots next(10);
    CHECK(next.mine() != nullptr);
    CHECK(idle.expired());
    CHECK_FALSE(needed.expired());
    kept->needed = false;
  });
  CHECK(needed.expired());
}

TEST_CASE("a slot that is busy when its thread ends goes back when it lets go") {
  struct last_will {
    watched_slots* table = nullptr;
    watched_slot* slot = nullptr;
    bool* done = nullptr;
    ~last_will() {
      CHECK(table->mine() == nullptr); // too late for a slot
      REQUIRE(slot->lease != nullptr);
      slot->needed = false;
      on_other_thread([this] { CHECK(table->mine() == nullptr); });
      slot->lease.reset();
      on_other_thread([this] { CHECK(table->mine() != nullptr); });
      *done = true;
    }
  };
  watched_slots slots(1);
  bool done = false;
  on_other_thread([&] {
    thread_local last_will will; // made before the thread's slots, hence destroyed after them
    will.table = &slots;
    will.slot = slots.mine();
    will.slot->needed = true;
    will.done = &done;
  });
  CHECK(done);
}

TEST_CASE("threads that come and go never share a slot") {
  struct exclusive_slot {
    std::uint32_t number = 0;
    std::uint64_t uses = 0; // plain on purpose: ThreadSanitizer reports two owners
    std::atomic<int> owners{0};
  };
  cmem::thread_slots<exclusive_slot> slots(6);
  const std::size_t rounds = cmem::test::sweep(400);
  std::atomic<std::uint64_t> got{0};
  std::atomic<bool> shared{false};
  std::vector<std::thread> spawners;
  for (int i = 0; i != 8; ++i)
    spawners.emplace_back([&] {
      for (std::size_t r = 0; r != rounds; ++r)
        on_other_thread([&] {
          exclusive_slot* s = slots.mine();
          if (s == nullptr)
            return;
          if (s->owners.fetch_add(1, std::memory_order_relaxed)
              != 0) // orders nothing: the table must
            shared = true;
          ++s->uses;
          got.fetch_add(1, std::memory_order_relaxed);
          std::size_t seen = 0;
          slots.for_each([&](exclusive_slot& each) { seen += each.number == seen; });
          if (seen == 0 || seen > 6)
            shared = true;
          s->owners.fetch_sub(1, std::memory_order_relaxed);
        });
    });
  for (auto& t : spawners)
    t.join();
  CHECK_FALSE(shared);
  std::uint64_t uses = 0;
  slots.for_each([&](exclusive_slot& s) { uses += s.uses; });
  CHECK(uses == got);
  CHECK(slots.size() <= 6);
}
