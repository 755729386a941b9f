#include "storage/settlement_log.hpp"
#include "tests/catch.hpp"

#include <string>

using namespace cmem;

namespace {

constexpr std::uint32_t memory = 7;

/// "applied", "dropped", "failed not_found", … of entry `number` of `writer`.
std::string fate_of(settlement_log& log, std::uint64_t number, std::uint32_t writer = 0,
                    std::uint32_t tag = memory) {
  const settlement s = log.publish()->of({number, writer, tag});
  switch (s.what) {
    case fate::pending: return "pending";
    case fate::applied: return "applied";
    case fate::dropped: return s.reason == errc::dropped ? "dropped" : "wrong reason";
    case fate::failed: return "failed " + std::string(to_string(s.reason));
    case fate::unknown: return s.reason == errc::unknown ? "unknown" : "wrong reason";
  }
  return "";
}

/// The fates of entries 1 … n, one letter each.
std::string fates(settlement_log& log, std::uint64_t n, std::uint32_t writer = 0) {
  std::string text;
  for (std::uint64_t i = 1; i <= n; ++i)
    text += fate_of(log, i, writer).front();
  return text;
}

} // namespace

TEST_CASE("W4: what was seen is applied, what is missing was dropped, what failed says why") {
  settlement_log log(100, memory);
  CHECK(fates(log, 2) == "pp");
  log.saw(0, 1);
  log.saw(0, 4); // 2 and 3 never came
  log.saw(0, 5);
  log.failed(0, 5, errc::not_found);
  log.saw(0, 6);
  CHECK(fates(log, 8) == "addafapp");
  CHECK(fate_of(log, 5) == "failed not_found");
}

TEST_CASE("W4: writers are told apart, also those seen late") {
  settlement_log log(100, memory);
  log.saw(3, 2);
  CHECK(fates(log, 3, 3) == "dap");
  CHECK(fates(log, 3, 2) == "ppp");
  CHECK(fates(log, 3, 1'000) == "ppp");
  log.saw(2, 1);
  CHECK(fates(log, 3, 2) == "app");
  CHECK(fates(log, 3, 3) == "dap");
}

TEST_CASE("W4: who has left the log and was never seen was dropped") {
  settlement_log log(100, memory);
  log.saw(0, 1);
  log.left(0, 1); // nothing new
  CHECK(fates(log, 3) == "app");
  log.left(0, 3);
  CHECK(fates(log, 4) == "addp");
  log.saw(0, 4);
  CHECK(fates(log, 4) == "adda");
}

TEST_CASE("W4: another memory's ticket and no ticket are unknown") {
  settlement_log log(100, memory);
  log.saw(0, 1);
  CHECK(fate_of(log, 1, 0, memory + 1) == "unknown");
  CHECK(fate_of(log, 0) == "unknown");
  CHECK(fate_of(log, 1) == "applied");
}

TEST_CASE("W4: what the bounded history has passed is unknown, never acknowledged") {
  settlement_log log(3, memory);
  for (std::uint64_t n = 2; n <= 10; n += 2)
    log.saw(0, n); // 1, 3, 5, 7, 9 were dropped: five runs, of which three are remembered
  CHECK(fates(log, 11) == "uuuadadadap");
  log.saw(1, 1);
  CHECK(fates(log, 1, 1) == "a");
}

TEST_CASE("W4: a run of drops takes one place in the history, however long") {
  settlement_log log(2, memory);
  log.saw(0, 1'000'001);
  log.saw(0, 2'000'001);
  CHECK(fate_of(log, 1) == "dropped");
  CHECK(fate_of(log, 1'000'000) == "dropped");
  CHECK(fate_of(log, 1'000'001) == "applied");
  CHECK(fate_of(log, 2'000'000) == "dropped");
  for (std::uint64_t n = 2'000'002; n < 2'001'000; ++n) {
    log.saw(0, n);
    log.failed(0, n, errc::internal);
  }
  CHECK(fate_of(log, 2'000'000) == "dropped");
  CHECK(fate_of(log, 2'000'500) == "failed internal");
}

TEST_CASE("R2: what was published does not change, and is shared while nothing happens") {
  settlement_log log(100, memory);
  log.saw(0, 1);
  CHECK(log.changed());
  const auto first = log.publish();
  CHECK_FALSE(log.changed());
  CHECK(log.publish() == first);
  log.saw(0, 3);
  const auto second = log.publish();
  CHECK(first->of({2, 0, memory}).what == fate::pending);
  CHECK(second->of({2, 0, memory}).what == fate::dropped);
  log.saw(0, 4); // applied: the runs are those of before
  CHECK(log.publish()->runs == second->runs);
}
