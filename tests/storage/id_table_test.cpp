#include "storage/id_table.hpp"
#include "tests/catch.hpp"

#include <algorithm>
#include <atomic>
#include <latch>
#include <random>
#include <thread>
#include <unordered_map>
#include <vector>

using namespace cmem;

namespace {

/// Keys share few shards (high bits) and fewer fingerprints (low 32 bits).
std::uint64_t hash_of(std::uint32_t key, std::uint32_t shards, std::uint32_t fingerprints) {
  return std::uint64_t{key % shards} << 52
         | (key / shards) % fingerprints * 0x1234'5671U % 0xFFFF'FFFFU;
}

struct table_fixture {
  arena memory{std::size_t{256} << 20};
  page_pool pages{memory};
  reclaimer retired; // keeps all that is retired
  id_table table{pages, retired};
};

} // namespace

TEST_CASE("id_table: any inserts and erases, with equal fingerprints, against a map") {
  const std::uint32_t shards = GENERATE(1U, 3U, 4096U);
  const std::uint32_t fingerprints = GENERATE(1U, 7U, 1'000'000U);
  const std::uint32_t keys = fingerprints == 1 ? 200 : 2'000;
  table_fixture f;
  std::unordered_map<std::uint32_t, std::uint32_t> model; // key -> index
  std::vector<std::uint32_t> key_of(keys);                // by index
  std::minstd_rand random(shards + fingerprints);
  const auto hash = [&](std::uint32_t key) { return hash_of(key, shards, fingerprints); };
  const auto find = [&](std::uint32_t key) {
    return f.table.find(hash(key), [&](std::uint32_t i) { return key_of[i] == key; });
  };
  std::vector<std::uint32_t> free;
  for (std::uint32_t i = 0; i < keys; ++i)
    free.push_back(i);
  for (std::size_t i = 0; i < cmem::test::sweep(50'000); ++i) {
    const auto key = static_cast<std::uint32_t>(random() % keys);
    const auto known = model.find(key);
    REQUIRE((find(key) != id_table::index_none) == (known != model.end()));
    if (known == model.end()) {
      const std::uint32_t index = free.back();
      free.pop_back();
      key_of[index] = key;
      f.table.insert(hash(key), index);
      model[key] = index;
    } else {
      REQUIRE(find(key) == known->second);
      f.table.erase(hash(key), known->second);
      f.table.erase(hash(key), known->second); // what is not there: no effect
      free.push_back(known->second);
      model.erase(known);
    }
  }
  for (std::uint32_t key = 0; key < keys; ++key) {
    const auto known = model.find(key);
    REQUIRE((find(key) != id_table::index_none) == (known != model.end()));
  }
}

TEST_CASE("id_table: ids that come and go do not make it grow") {
  table_fixture f;
  const auto churn = [&](std::uint32_t rounds) {
    for (std::uint32_t i = 0; i < rounds; ++i) {
      f.table.insert(i * 0x9E37'79B9U, i);
      if (i >= 4)
        f.table.erase((i - 4) * 0x9E37'79B9U, i - 4);
    }
    for (std::uint32_t i = rounds - 4; i < rounds; ++i)
      f.table.erase(i * 0x9E37'79B9U, i);
  };
  churn(1'000);
  const std::size_t bytes = f.pages.bytes_in_use(page_use::id_table);
  churn(50'000);
  CHECK(f.pages.bytes_in_use(page_use::id_table) == bytes);
}

TEST_CASE("id_table: an arena that is used up leaves the table as it was") {
  arena memory(arena_bytes_min);
  page_pool pages(memory);
  reclaimer retired;
  id_table table(pages, retired);
  while (true) {
    try {
      (void) pages.allocate(64, page_use::records);
    } catch (const std::bad_alloc&) {
      break;
    }
  }
  std::uint32_t inserted = 0;
  const auto fill = [&] {
    for (;; ++inserted)
      table.insert(inserted, inserted);
  };
  CHECK_THROWS_AS(fill(), std::bad_alloc);
  CHECK(inserted > 0);
  for (std::uint32_t i = 0; i <= inserted; ++i)
    CHECK((table.find(i, [&](std::uint32_t at) { return at == i; }) == i) == (i < inserted));
}

TEST_CASE(
  "R1: readers find every id that stays, while others come and go and tables are replaced") {
  constexpr std::uint32_t shards = 4; // tables that one replaces serve another
  constexpr std::uint32_t staying = 64;
  constexpr std::uint32_t fingerprints = 100'000;
  table_fixture f;
  const auto hash = [](std::uint32_t key) { return hash_of(key, shards, fingerprints); };
  for (std::uint32_t key = 0; key < staying; ++key) // a key is its index
    f.table.insert(hash(key), key);
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> lost{0};
  std::latch looking(3); // the writer begins when both readers have looked once
  const auto read = [&](std::uint32_t seed) {
    std::minstd_rand random(seed);
    const auto look = [&] {
      const auto key = static_cast<std::uint32_t>(random() % staying);
      if (f.table.find(hash(key), [&](std::uint32_t i) { return i == key; }) != key)
        lost.fetch_add(1);
    };
    look();
    looking.count_down();
    while (!done.load(std::memory_order_relaxed))
      look();
  };
  std::thread first(read, 1);
  std::thread second(read, 2);
  looking.arrive_and_wait();
  std::minstd_rand random(3);
  std::vector<std::uint32_t> there;
  std::uint32_t next = staying;
  for (std::size_t i = 0; i < cmem::test::sweep(300'000); ++i) {
    const std::size_t aim = (i / 3'000 % 2 == 0) ? 2'000 : 0; // grows, then shrinks
    if (there.size() < aim) {
      f.table.insert(hash(next), next);
      there.push_back(next++);
    } else if (!there.empty()) {
      std::swap(there[random() % there.size()], there.back());
      f.table.erase(hash(there.back()), there.back());
      there.pop_back();
    }
  }
  done = true;
  first.join();
  second.join();
  CHECK(lost == 0);
}

TEST_CASE("id_table: room made ahead takes that many random ids without moving any") {
  const std::uint32_t n = GENERATE(0U, 1U, 1'000U, 40'000U, 300'000U);
  INFO(n);
  table_fixture f;
  f.table.reserve(n);
  const std::size_t bytes = f.pages.bytes_in_use(page_use::id_table);
  CHECK(bytes <= 2 * 4096 * 64 + std::size_t{n} * 8 * 6); // what is retired included
  const auto hash = [](std::uint32_t i) {
    return hash_value(concept_id::from_name(std::to_string(i)));
  };
  for (std::uint32_t i = 0; i != n; ++i)
    f.table.insert(hash(i), i);
  CHECK(f.pages.bytes_in_use(page_use::id_table) == bytes);
  const auto found = [&](std::uint32_t i) {
    return f.table.find(hash(i), [&](std::uint32_t j) { return i == j; }) == i;
  };
  for (std::uint32_t i = 0; i != n; ++i)
    REQUIRE(found(i));
  for (std::uint32_t i = n; i != 2 * n + 100; ++i) { // and as many again
    REQUIRE_FALSE(found(i));
    f.table.insert(hash(i), i);
  }
  for (std::uint32_t i = 0; i != 2 * n + 100; ++i)
    REQUIRE(found(i));
  for (std::uint32_t i = 0; i < 2 * n + 100; i += 3) {
    f.table.erase(hash(i), i);
    REQUIRE_FALSE(found(i));
  }
}
