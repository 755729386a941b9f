#include "storage/settlement_waiters.hpp"
#include "tests/catch.hpp"

#include <memory>
#include <thread>
#include <vector>

using namespace cmem;

namespace {

void add(settlement_waiters& to, const ticket& t, std::function<void(settlement)> done) {
  to.add(std::make_unique<settlement_waiters::callback>(t, std::move(done)));
}

const auto all_applied = [](const settlement_waiters::waiter&) {
  return settlement{fate::applied, errc::ok};
};

} // namespace

TEST_CASE("W4: each waiter is told once, when its fate is known") {
  settlement_waiters waiters;
  std::vector<std::uint64_t> told;
  for (std::uint64_t n = 1; n <= 4; ++n)
    add(waiters, {n, 0, 1}, [&told, n](settlement s) {
      CHECK(s.what == fate::applied);
      told.push_back(n);
    });
  REQUIRE(waiters.collect().size() == 4);
  const auto even = waiters.take_known([](const settlement_waiters::waiter& w) {
    return w.of.number % 2 == 0 ? settlement{fate::applied, errc::ok} : settlement{};
  });
  CHECK(told.empty()); // telling is the caller's, without a lock
  for (const auto& k : even)
    k.tell();
  CHECK(told.size() == 2);
  CHECK(waiters.collect().size() == 2);
  for (const auto& k : waiters.take_known(all_applied))
    k.tell();
  CHECK(told.size() == 4);
  CHECK(waiters.collect().empty());
}

TEST_CASE("settlement_waiters: those never told are let go with it") {
  auto kept = std::make_shared<int>(1);
  {
    settlement_waiters waiters;
    add(waiters, {1, 0, 1}, [kept](settlement) {});
    (void) waiters.collect();
    add(waiters, {2, 0, 1}, [kept](settlement) {}); // not collected yet
    CHECK(kept.use_count() == 3);
  }
  CHECK(kept.use_count() == 1);
}

TEST_CASE("W4: waiters that come from many threads all get told") {
  settlement_waiters waiters;
  const std::size_t each = cmem::test::sweep(5'000);
  std::size_t told = 0; // this thread's
  const auto come = [&] {
    for (std::size_t i = 0; i < each; ++i)
      add(waiters, {i + 1, 0, 1}, [&told](settlement) { ++told; });
  };
  std::thread first(come);
  std::thread second(come);
  while (told < 2 * each) {
    (void) waiters.collect();
    for (const auto& k : waiters.take_known(all_applied))
      k.tell();
  }
  first.join();
  second.join();
  CHECK(told == 2 * each);
}
