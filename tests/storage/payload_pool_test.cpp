#include "storage/payload_pool.hpp"

#include "storage/limits.hpp"
#include "storage/sanitizers.hpp"
#include "storage/write_entry.hpp"
#include "tests/catch.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <random>
#include <thread>

using namespace cmem;

namespace {

constexpr std::size_t some_mib = std::size_t{64} << 20;

void fill(payload_pool& pool, handle h, int with) { std::memset(pool.data(h), with, pool.size(h)); }

bool holds(const payload_pool& pool, handle h, int what) {
  for (const std::byte b : pool.bytes(h))
    if (b != static_cast<std::byte>(what))
      return false;
  return true;
}

/// Takes blocks until there are none.
std::vector<handle> take_all(payload_pool& pool, std::size_t bytes) {
  std::vector<handle> blocks;
  while (const handle h = pool.allocate(bytes))
    blocks.push_back(h);
  return blocks;
}

} // namespace

TEST_CASE("a block takes its bytes, a header, and at most a fifth of rounding") {
  CHECK(payload_pool::block_bytes(0) == 16);
  CHECK(payload_pool::block_bytes(8) == 16);
  CHECK(payload_pool::block_bytes(9) == 32);
  CHECK(payload_pool::block_bytes(248) == 256);
  CHECK(payload_pool::block_bytes(249) == 320);
  CHECK(payload_pool::block_bytes(312) == 320);
  CHECK(payload_pool::block_bytes(313) == 384);
  CHECK(payload_pool::block_bytes(504) == 512);
  CHECK(payload_pool::block_bytes(505) == 640);
  CHECK(payload_pool::block_bytes(entry_bytes) == 128);
  CHECK(payload_pool::block_bytes(payload_bytes_max) == payload_bytes_max + 8);
  CHECK(content_bytes_max <= payload_bytes_max);
  std::size_t last = 0;
  bool good = true;
  for (std::size_t bytes = 0; bytes <= payload_bytes_max; ++bytes) {
    const std::size_t block = payload_pool::block_bytes(bytes);
    good = good && block >= bytes + 8 && block % 16 == 0 && block >= last;
    good = good && (block - bytes - 8 < 16 || (block - bytes - 8) * 5 <= block);
    last = block;
  }
  CHECK(good);
}

TEST_CASE("blocks of all sizes are disjoint and come back") {
  arena memory(some_mib);
  payload_pool pool(memory);
  std::mt19937 random(1);
  std::map<handle, int> out;
  std::size_t expected = 0;
  for (int round = 0; round < 20'000; ++round) {
    if (out.size() > 100 || (!out.empty() && random() % 3 == 0)) {
      const auto victim = std::next(out.begin(), static_cast<long>(random() % out.size()));
      REQUIRE(holds(pool, victim->first, victim->second));
      expected -= payload_pool::block_bytes(pool.size(victim->first));
      pool.release(victim->first);
      out.erase(victim);
    } else {
      const std::size_t bytes = random() % (std::size_t{1} << (random() % 17));
      const handle h = pool.allocate(bytes);
      REQUIRE(h != 0);
      REQUIRE(pool.size(h) == bytes);
      REQUIRE(reinterpret_cast<std::uintptr_t>(pool.data(h)) % 8 == 0);
      out[h] = static_cast<int>(random() % 256);
      fill(pool, h, out[h]);
      expected += payload_pool::block_bytes(bytes);
    }
    REQUIRE(pool.bytes_in_use() == expected);
  }
  for (const auto& [h, what] : out) {
    CHECK(holds(pool, h, what));
    pool.release(h);
  }
  CHECK(pool.bytes_in_use() == 0);
}

TEST_CASE("releasing none is fine") {
  arena memory(some_mib);
  payload_pool pool(memory);
  pool.release(0);
  payload_pool::returns(pool).add(0);
  CHECK(pool.bytes_in_use() == 0);
}

TEST_CASE("the largest block") {
  arena memory(some_mib);
  payload_pool pool(memory);
  const handle a = pool.allocate(payload_bytes_max);
  const handle b = pool.allocate(payload_bytes_max);
  fill(pool, a, 1);
  fill(pool, b, 2);
  CHECK(holds(pool, a, 1));
  CHECK(holds(pool, b, 2));
}

TEST_CASE("many given back at once are all there again") {
  arena memory(some_mib);
  payload_pool pool(memory);
  std::vector<handle> blocks;
  for (std::size_t i = 0; i < 10'000; ++i)
    blocks.push_back(pool.allocate(i % 400));
  const std::size_t carved = pool.bytes_carved();
  {
    payload_pool::returns back(pool);
    for (const handle h : blocks)
      back.add(h);
    CHECK(pool.bytes_in_use() != 0);
  }
  CHECK(pool.bytes_in_use() == 0);
  std::vector<handle> again;
  for (std::size_t i = 0; i < 10'000; ++i)
    again.push_back(pool.allocate(i % 400));
  CHECK(pool.bytes_carved() == carved);
  std::sort(blocks.begin(), blocks.end());
  std::sort(again.begin(), again.end());
  CHECK(std::adjacent_find(again.begin(), again.end()) == again.end());
}

TEST_CASE("a used-up arena answers 0, and what comes back can be had again") {
  arena memory(3 * span_bytes); // two to hand out
  payload_pool pool(memory);
  CHECK(pool.allocate(3 * span_bytes) == 0);
  CHECK(pool.bytes_in_use() == 0);
  auto blocks = take_all(pool, 1000);
  CHECK(blocks.size() == 2 * (span_bytes / 1024));
  CHECK(pool.allocate(1000) == 0);
  CHECK(pool.allocate(1) == 0); // another class has none either
  pool.release(blocks[7]);
  CHECK(pool.allocate(900) == blocks[7]);
  CHECK(pool.allocate(900) == 0);
  for (const handle h : blocks)
    pool.release(h);
  CHECK(pool.bytes_in_use() == 0);
  CHECK(take_all(pool, 1000).size() == blocks.size());
}

TEST_CASE("the last spans still serve one block where a whole piece does not fit") {
  arena memory(4 * span_bytes); // three to hand out; blocks of 80 KiB are carved from four
  payload_pool pool(memory);
  CHECK(pool.allocate(80'000) != 0);
  CHECK(pool.allocate(80'000) == 0);
}

TEST_CASE("provision keeps ahead of use, a bounded piece a call") {
  arena memory(std::size_t{1} << 30);
  payload_pool pool(memory);
  const std::size_t block = payload_pool::block_bytes(3000);
  const auto use = [&](int n) {
    for (int i = 0; i < n; ++i)
      (void) pool.allocate(3000);
  };
  use(100);
  pool.provision();
  const std::size_t carved = pool.bytes_carved();
  CHECK(carved - pool.bytes_in_use() >= 200 * block);
  use(200); // no carving on the writer's time
  CHECK(pool.bytes_carved() == carved);

  use(10'000); // 40 MB
  const std::size_t before = pool.bytes_carved();
  pool.provision();
  CHECK(pool.bytes_carved() - before <= payload_pool::provision_bytes_max);
  CHECK(pool.bytes_carved() - before > payload_pool::provision_bytes_max / 2);

  for (int tick = 0; tick < 1000; ++tick) // idle: what was needed once is not kept up for ever
    pool.provision();
  const std::size_t idle = pool.bytes_carved();
  for (int tick = 0; tick < 100; ++tick)
    pool.provision();
  CHECK(pool.bytes_carved() == idle);
}

TEST_CASE("keep_ready makes blocks before they are needed") {
  arena memory(some_mib);
  payload_pool pool(memory);
  pool.keep_ready(2000, 1000);
  const std::size_t carved = pool.bytes_carved();
  std::vector<handle> blocks;
  for (int i = 0; i < 1000; ++i)
    blocks.push_back(pool.allocate(2000));
  CHECK(pool.bytes_carved() == carved);
  pool.provision();
  CHECK(pool.bytes_carved() > carved);
}

TEST_CASE("threads share a pool: every block has one owner") {
  arena memory(std::size_t{1} << 30);
  payload_pool pool(memory);
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int id = 1; id <= 4; ++id)
    threads.emplace_back([&, id] {
      std::mt19937 random(static_cast<unsigned>(id));
      std::vector<handle> mine;
      const auto check = [&](handle h) { wrong += holds(pool, h, id) ? 0 : 1; };
      for (std::size_t i = 0; i < test::sweep(200'000); ++i) {
        if (mine.size() < 64 && random() % 2 == 0) {
          mine.push_back(pool.allocate(random() % 40));
          fill(pool, mine.back(), id);
        } else if (random() % 50 == 0) {
          payload_pool::returns back(pool);
          for (const handle h : mine) {
            check(h);
            back.add(h);
          }
          mine.clear();
        } else if (!mine.empty()) {
          check(mine.back());
          pool.release(mine.back());
          mine.pop_back();
        }
      }
      for (const handle h : mine)
        pool.release(h);
    });
  for (std::size_t tick = 0; tick < 100; ++tick)
    pool.provision();
  for (auto& t : threads)
    t.join();
  CHECK(wrong == 0);
  CHECK(pool.bytes_in_use() == 0);
}

#ifdef CMEM_ASAN
TEST_CASE("AddressSanitizer sees the use of a free block, and beyond the end") {
  arena memory(some_mib);
  payload_pool pool(memory);
  const handle h = pool.allocate(100);
  const std::byte* p = pool.data(h);
  CHECK(__asan_region_is_poisoned(pool.data(h), 100) == nullptr);
  CHECK(__asan_address_is_poisoned(p + 100));
  pool.release(h);
  CHECK(__asan_address_is_poisoned(p));
  CHECK(__asan_address_is_poisoned(p + 99));
}
#endif
