#include "storage/hub_index.hpp"
#include "tests/catch.hpp"

#include <random>
#include <vector>

using namespace cmem;

TEST_CASE("hub_index: any appends and removals of a list, parallel ones too") {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> list; // target and kind
  hub_index index;
  std::minstd_rand random(1);
  const auto walk = [&](auto&& f) {
    for (const auto& [target, kind] : list)
      f(target);
  };
  const auto find = [&](std::uint32_t target, std::uint32_t kind) {
    return index.find(target, [&](std::uint32_t p) { return list[p] == std::pair(target, kind); });
  };
  const auto remove = [&](std::uint32_t at) {
    const auto last = static_cast<std::uint32_t>(list.size() - 1);
    index.erase(list[at].first, at);
    if (at != last)
      index.move(list[last].first, last, at);
    list[at] = list[last];
    list.pop_back();
  };
  for (std::size_t i = 0; i < cmem::test::sweep(200'000); ++i) {
    const std::size_t aim = i / 5'000 % 2 == 0 ? 3'000 : 20;
    const auto target = static_cast<std::uint32_t>(random() % 1'000);
    const auto kind = static_cast<std::uint32_t>(random() % 4);
    const std::uint32_t at = find(target, kind);
    if (at != hub_index::none)
      REQUIRE(list[at] == std::pair(target, kind));
    if (at == hub_index::none && list.size() < aim) {
      list.emplace_back(target, kind);
      index.insert(target, static_cast<std::uint32_t>(list.size() - 1), walk);
    } else if (!list.empty()) {
      remove(at != hub_index::none ? at : static_cast<std::uint32_t>(random() % list.size()));
    }
  }
  for (std::uint32_t p = 0; p < list.size(); ++p)
    REQUIRE(find(list[p].first, list[p].second) == p);
}

TEST_CASE("hub_index: associations that come and go do not make it grow") {
  std::vector<std::uint32_t> list;
  hub_index index;
  const auto walk = [&](auto&& f) {
    for (const std::uint32_t target : list)
      f(target);
  };
  for (std::uint32_t i = 0; i < 5'000; ++i) {
    list.push_back(i);
    index.insert(i, i, walk);
  }
  const auto churn = [&](std::uint32_t rounds) {
    for (std::uint32_t i = 0; i < rounds; ++i) { // the last one leaves, another takes its place
      index.erase(list.back(), 4'999);
      list.back() += 5'000;
      index.insert(list.back(), 4'999, walk);
    }
  };
  churn(20'000); // may take room for tombstones, once
  const std::size_t bytes = index.bytes();
  churn(100'000);
  CHECK(index.bytes() == bytes);
}
