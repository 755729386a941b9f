#include "storage/arena.hpp"
#include "tests/catch.hpp"

#include <algorithm>
#include <latch>
#include <random>
#include <thread>
#include <utility>
#include <vector>

using namespace cmem;

namespace {

constexpr std::size_t units = span_bytes / handle_unit; // handles a span

struct taken {
  handle first;
  std::size_t spans;
};

/// None lies in another, and the first span is nobody's.
void check_apart(std::vector<taken> all) {
  std::sort(all.begin(), all.end(),
            [](const taken& a, const taken& b) { return a.first < b.first; });
  std::size_t end = units;
  for (const taken& t : all) {
    REQUIRE(t.first >= end);
    end = t.first + t.spans * units;
  }
}

std::size_t sum(const std::vector<taken>& all) {
  std::size_t spans = 0;
  for (const taken& t : all)
    spans += t.spans;
  return spans;
}

} // namespace

TEST_CASE("arena: both ends give out spans until they meet, and no span twice") {
  std::minstd_rand random(GENERATE(1U, 2U, 3U));
  arena memory(std::size_t{256} << 20);
  const std::size_t spans = memory.bytes_reserved() / span_bytes;
  std::vector<taken> bottom;
  std::vector<taken> top;
  for (std::size_t left = spans - 1; left != 0;) {
    const bool from_top = random() % 2 == 0;
    const std::size_t count = 1 + random() % 7;
    const handle h = from_top ? memory.allocate_top(count) : memory.allocate_spans(count);
    REQUIRE((h != 0) == (count <= left));
    if (h == 0)
      continue;
    left -= count;
    (from_top ? top : bottom).push_back({h, count});
  }
  CHECK(memory.allocate_top(1) == 0);
  CHECK(memory.allocate_spans(1) == 0);
  CHECK(sum(bottom) + sum(top) == spans - 1);
  CHECK(memory.bytes_handed_out() == (1 + sum(bottom)) * span_bytes); // mapped files take none
  for (const taken& t : bottom)
    REQUIRE_FALSE(memory.is_mapped(t.first + static_cast<handle>(t.spans * units - 1)));
  for (const taken& t : top)
    REQUIRE(memory.is_mapped(t.first));
  top.insert(top.end(), bottom.begin(), bottom.end());
  check_apart(top);
  for (const taken& t : top) // it can be written, to its end
    *(memory.at(t.first) + t.spans * span_bytes - 1) = std::byte{1};
}

TEST_CASE("arena: more than there is at all is refused, and takes nothing") {
  arena memory(std::size_t{64} << 20);
  const std::size_t spans = memory.bytes_reserved() / span_bytes;
  CHECK(memory.allocate_top(spans) == 0);
  CHECK(memory.allocate_top(std::size_t{1} << 40) == 0);
  CHECK(memory.allocate_spans(~std::size_t{0}) == 0);
  CHECK(memory.allocate_top(spans - 1) == units);
  CHECK(memory.is_mapped(units));
}

TEST_CASE("arena: threads that take from both ends at once never share a span") {
  for (std::size_t round = 0; round != cmem::test::sweep(50); ++round) {
    arena memory(std::size_t{128} << 20);
    std::vector<taken> of[4];
    std::latch ready(4);
    const auto take = [&](unsigned n) {
      ready.arrive_and_wait();
      for (bool more = true; more;) {
        const handle h = n % 2 == 0 ? memory.allocate_top(1 + n) : memory.allocate_spans(1 + n);
        more = h != 0;
        if (more)
          of[n].push_back({h, 1 + n});
      }
    };
    std::thread others[3];
    for (unsigned n = 0; n != 3; ++n)
      others[n] = std::thread(take, n);
    take(3);
    for (std::thread& t : others)
      t.join();
    std::vector<taken> all;
    for (const auto& some : of)
      all.insert(all.end(), some.begin(), some.end());
    check_apart(all);
    REQUIRE(sum(all) + 1 == memory.bytes_reserved() / span_bytes); // one takes single spans
  }
}
