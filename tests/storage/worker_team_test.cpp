#include "storage/worker_team.hpp"
#include "tests/catch.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <thread>

using namespace cmem;
using namespace std::chrono_literals;

TEST_CASE("worker_team: the owner takes part, and sees what all have written") {
  worker_team team;
  std::array<std::size_t, 64> written{}; // plain: ThreadSanitizer watches
  const std::size_t tasks = cmem::test::sweep(5'000);
  for (std::size_t i = 1; i <= tasks; ++i) {
    std::atomic<std::size_t> next{0};
    std::atomic<bool> took_part{false};
    team.run(static_cast<unsigned>(i % 4), [&, owner = std::this_thread::get_id()] {
      if (std::this_thread::get_id() == owner)
        took_part = true;
      for (std::size_t at = next++; at < written.size(); at = next++)
        written[at] += i;
    });
    REQUIRE(took_part);
    for (const std::size_t w : written)
      REQUIRE(w == i * (i + 1) / 2);
  }
}

TEST_CASE("worker_team: as many as were asked for work at once, and no more") {
  worker_team team;
  for (const unsigned helpers : {0U, 1U, 3U, 2U, 0U}) { // fewer than there are, too
    std::atomic<unsigned> arrived{0};
    team.run(helpers, [&] {
      ++arrived;
      const auto deadline = std::chrono::steady_clock::now() + 30s;
      while (arrived < helpers + 1 && std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
    });
    REQUIRE(arrived == helpers + 1); // or the system has no more threads for us
  }
}

TEST_CASE("worker_team: ends with work or without, and with helpers that came too late") {
  for (std::size_t i = 0; i < cmem::test::sweep(300); ++i) {
    worker_team team;
    std::atomic<std::size_t> calls{0};
    for (std::size_t k = 0; k < i % 3; ++k)
      team.run(2, [&] { ++calls; });
    CHECK(calls >= i % 3);
    CHECK(calls <= 3 * (i % 3));
  }
}
