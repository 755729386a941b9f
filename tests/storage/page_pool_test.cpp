#include "storage/page_pool.hpp"
#include "tests/catch.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <random>
#include <thread>
#include <vector>

using namespace cmem;

namespace {

struct block {
  handle at;
  std::size_t bytes;
  page_use use;
  unsigned char mark;
};

std::size_t rounded(std::size_t bytes) {
  return bytes <= 8192 ? (bytes + 15) / 16 * 16 : std::bit_ceil(bytes);
}

} // namespace

TEST_CASE("page_pool: blocks that are out never overlap, and the figures are their sum") {
  arena memory(std::size_t{256} << 20);
  page_pool pool(memory);
  std::minstd_rand random(1);
  std::vector<block> out;
  std::array<std::size_t, page_uses> expected{};
  const auto fill = [&](const block& b) { std::memset(memory.at(b.at), b.mark, b.bytes); };
  const auto intact = [&](const block& b) {
    const auto* p = reinterpret_cast<const unsigned char*>(memory.at(b.at));
    return std::all_of(p, p + b.bytes, [&](unsigned char c) { return c == b.mark; });
  };
  for (std::size_t i = 0; i < cmem::test::sweep(20'000); ++i) {
    if (out.size() < 200 && random() % 2 == 0) {
      const std::size_t bytes = random() % 50 == 0 ? 1 + random() % 40'000 : 1 + random() % 2'000;
      const auto use = static_cast<page_use>(random() % page_uses);
      const block b{pool.allocate(bytes, use), bytes, use, static_cast<unsigned char>(random())};
      if (bytes % 64 == 0)
        REQUIRE(reinterpret_cast<std::uintptr_t>(memory.at(b.at)) % 64 == 0);
      fill(b);
      expected[static_cast<std::size_t>(use)] += rounded(bytes);
      out.push_back(b);
    } else if (!out.empty()) {
      std::swap(out[random() % out.size()], out.back());
      REQUIRE(intact(out.back()));
      expected[static_cast<std::size_t>(out.back().use)] -= rounded(out.back().bytes);
      pool.release(out.back().at, out.back().bytes, out.back().use);
      out.pop_back();
    }
    if (i % 1'000 == 0)
      pool.keep();
  }
  for (const page_use use :
       {page_use::records, page_use::id_table, page_use::adjacency, page_use::incoming})
    CHECK(pool.bytes_in_use(use) == expected[static_cast<std::size_t>(use)]);
  for (const block& b : out) {
    REQUIRE(intact(b));
    pool.release(b.at, b.bytes, b.use);
  }
  CHECK(pool.bytes_in_use() == 0);
}

TEST_CASE("page_pool: what was given back is given out again") {
  arena memory(arena_bytes_min);
  page_pool pool(memory);
  for (const std::size_t bytes : {16U, 128U, 1036U, 8192U, 8193U, 70'000U}) {
    const handle first = pool.allocate(bytes, page_use::records);
    pool.release(first, bytes, page_use::records);
    CHECK(pool.allocate(bytes, page_use::adjacency) == first);
    pool.release(first, bytes, page_use::adjacency);
  }
  CHECK(pool.bytes_in_use() == 0);
}

TEST_CASE("page_pool: blocks of incoming lists are kept apart") {
  arena memory(arena_bytes_min);
  page_pool pool(memory);
  const handle first = pool.allocate(64, page_use::adjacency);
  pool.release(first, 64, page_use::adjacency);
  const handle incoming = pool.allocate(64, page_use::incoming);
  CHECK(incoming != first);
  pool.release(incoming, 64, page_use::incoming);
  pool.keep();
  CHECK(pool.allocate(64, page_use::records) == first);
  CHECK(pool.allocate(64, page_use::incoming) == incoming);
  pool.discard_since_keep(); // of both
  CHECK(pool.bytes_in_use() == 0);
  CHECK(pool.allocate(64, page_use::incoming) == incoming);
}

TEST_CASE("page_pool: each side may be used by a thread of its own") {
  arena memory(std::size_t{64} << 20);
  page_pool pool(memory);
  const auto use_side = [&](page_use use) {
    std::minstd_rand random(static_cast<unsigned>(use) + 1);
    std::vector<block> out;
    for (std::size_t i = 0; i < cmem::test::sweep(20'000); ++i) {
      const std::size_t bytes = 1 + random() % 3'000;
      const handle h = pool.allocate(bytes, use);
      const auto mark = static_cast<unsigned char>(random());
      std::memset(memory.at(h), mark, bytes);
      out.push_back({h, bytes, use, mark});
      if (out.size() < 50)
        continue;
      std::swap(out[random() % out.size()], out.back());
      const auto* p = reinterpret_cast<const unsigned char*>(memory.at(out.back().at));
      if (p[0] != out.back().mark || p[out.back().bytes - 1] != out.back().mark)
        return false;
      pool.release(out.back().at, out.back().bytes, use);
      out.pop_back();
    }
    return true;
  };
  bool incoming = false;
  std::thread other([&] { incoming = use_side(page_use::incoming); });
  const bool rest = use_side(page_use::records);
  other.join();
  CHECK(rest);
  CHECK(incoming);
}

TEST_CASE("page_pool: discard takes back all since keep, id tables excepted") {
  arena memory(arena_bytes_min);
  page_pool pool(memory);
  (void) pool.allocate(100, page_use::records);
  pool.keep();
  const handle discarded = pool.allocate(200, page_use::adjacency);
  (void) pool.allocate(64, page_use::id_table);
  pool.discard_since_keep();
  CHECK(pool.bytes_in_use(page_use::records) == 112);
  CHECK(pool.bytes_in_use(page_use::adjacency) == 0);
  CHECK(pool.bytes_in_use(page_use::id_table) == 64);
  CHECK(pool.allocate(200, page_use::adjacency) == discarded);
}

TEST_CASE("page_pool: an arena that is used up throws, and a block given back serves again") {
  arena memory(arena_bytes_min);
  page_pool pool(memory);
  std::vector<handle> out;
  const auto use_up = [&] {
    for (;;)
      out.push_back(pool.allocate(4096, page_use::records));
  };
  CHECK_THROWS_AS(use_up(), std::bad_alloc);
  CHECK(out.size() > 900); // of 1,024 that the whole arena has room for
  CHECK(pool.bytes_in_use() == out.size() * 4096);
  pool.release(out.back(), 4096, page_use::records);
  CHECK(pool.allocate(4096, page_use::records) == out.back());
}

TEST_CASE("page_pool: what a store brought is no measure of what the next version needs") {
  const bool loaded = GENERATE(true, false);
  arena memory(std::size_t{64} << 20);
  page_pool pool(memory);
  const handle first = pool.allocate(64, page_use::records);
  for (int i = 1; i != 50'000; ++i)
    (void) pool.allocate(64, page_use::records);
  if (loaded)
    pool.keep_unmeasured();
  const std::size_t handed_out = memory.bytes_handed_out();
  pool.provision();
  CHECK((memory.bytes_handed_out() == handed_out) == loaded);
  pool.discard_since_keep();
  CHECK(pool.bytes_in_use() == (loaded ? 50'000U * 64 : 0U));
  if (!loaded)
    return;
  pool.release(first, 64, page_use::records);
  for (int i = 0; i != 100; ++i) // what comes later is one
    (void) pool.allocate(64, page_use::records);
  pool.provision();
  pool.discard_since_keep();
  CHECK(pool.bytes_in_use() == 49'999U * 64);
}
