#include "storage/helper_thread.hpp"
#include "tests/catch.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

using namespace cmem;
using namespace std::chrono_literals;

TEST_CASE("helper_thread: both halves run once each, and what they wrote is seen") {
  helper_thread helper;
  std::array<std::size_t, 2> written{}; // plain: ThreadSanitizer watches
  const std::size_t tasks = cmem::test::sweep(20'000);
  for (std::size_t i = 1; i <= tasks; ++i) {
    helper.run_both([&](std::uint32_t half) { written[half] += i; });
    REQUIRE(written[0] == i * (i + 1) / 2);
    REQUIRE(written[1] == i * (i + 1) / 2);
  }
}

TEST_CASE("helper_thread: halves that need one another run at once") {
  helper_thread helper;
  for (std::size_t i = 0; i < cmem::test::sweep(100); ++i) {
    std::atomic<int> arrived{0};
    std::atomic<int> met{0};
    helper.run_both([&](std::uint32_t) {
      ++arrived;
      const auto deadline = std::chrono::steady_clock::now() + 30s;
      while (arrived != 2 && std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
      met += arrived == 2 ? 1 : 0;
    });
    REQUIRE(met == 2); // or the system has no second thread for us
  }
}

TEST_CASE("helper_thread: what a half throws is thrown after both have ended") {
  helper_thread helper;
  for (const std::uint32_t bad : {0U, 1U, 2U}) { // 2: both
    std::atomic<int> ended{0};
    const auto half = [&](std::uint32_t h) {
      ++ended;
      if (h == bad || bad == 2)
        throw std::runtime_error("half " + std::to_string(h));
    };
    REQUIRE_THROWS_AS(helper.run_both(half), std::runtime_error);
    CHECK(ended == 2);
  }
  int calls[2] = {};
  helper.run_both([&](std::uint32_t h) { ++calls[h]; }); // and it goes on
  CHECK(calls[0] + calls[1] == 2);
}

TEST_CASE("helper_thread: ends with work or without") {
  for (std::size_t i = 0; i < cmem::test::sweep(300); ++i) {
    helper_thread helper;
    for (std::size_t k = 0; k < i % 3; ++k)
      helper.run_both([](std::uint32_t) {});
  }
}
