#include "storage/span_ranges.hpp"

#include "storage/env.hpp"
#include "tests/catch.hpp"
#include "tests/fault_env.hpp"

#include <cstring>
#include <filesystem>
#include <unistd.h>

using namespace cmem;
using namespace cmem::test;

namespace {

constexpr handle span = span_bytes / handle_unit;

/// A file of four units, each filled with its number from 1.
file four_units(const env& e, const std::string& path) {
  auto f = e.open(path, open_mode::create);
  REQUIRE(f);
  for (unsigned i = 0; i != 4; ++i) {
    const std::vector<std::byte> unit(map_unit, static_cast<std::byte>(i + 1));
    REQUIRE(f->append({const_bytes(unit)}));
  }
  return std::move(*f);
}

bool all_are(const std::byte* from, std::size_t bytes, int value) {
  return std::all_of(from, from + bytes,
                     [&](std::byte b) { return b == static_cast<std::byte>(value); });
}

void check_mapping(const env& e, const std::string& path) {
  arena memory(arena_bytes_min);
  span_ranges ranges(memory);
  const handle before = memory.allocate_spans(1);
  const handle at = ranges.take(3);
  const handle behind = memory.allocate_spans(1);
  std::memset(memory.at(before), 8, span_bytes);
  std::memset(memory.at(behind), 9, span_bytes);
  {
    file_mapping mapped;
    {
      const file f = four_units(e, path);
      auto made = f.map_at(map_unit, 2 * map_unit + 100, memory.at(at));
      REQUIRE(made);
      mapped = std::move(*made);
      CHECK(f.map_at(0, 0, memory.at(at))->bytes().empty());
    }
    CHECK(mapped.bytes().data() == memory.at(at));
    CHECK(mapped.bytes().size() == 2 * map_unit + 100);
    CHECK(all_are(memory.at(at), map_unit, 2));
    CHECK(all_are(memory.at(at) + map_unit, map_unit, 3));
    CHECK(all_are(memory.at(at) + 2 * map_unit, 100, 4));
  }
  CHECK(all_are(memory.at(at), 3 * span_bytes, 0)); // and writable:
  std::memset(memory.at(at), 7, 3 * span_bytes);
  CHECK(all_are(memory.at(before), span_bytes, 8));
  CHECK(all_are(memory.at(behind), span_bytes, 9));
}

} // namespace

TEST_CASE("env: a part of a file lies where it was asked for, and zeros do afterwards") {
  std::string folder = (std::filesystem::temp_directory_path() / "cmem_map_XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  check_mapping(env(), folder + "/f");
  std::filesystem::remove_all(folder);
  check_mapping(env(std::make_shared<fault_env>()), "/f");
}

TEST_CASE("env: a mapping that is refused leaves the memory as it was") {
  const auto faults = std::make_shared<fault_env>();
  const file f = four_units(env(faults), "/f");
  std::vector<std::byte> memory(3 * map_unit, std::byte{5});
  auto* const at = reinterpret_cast<std::byte*>(
    (reinterpret_cast<std::uintptr_t>(memory.data()) + map_unit - 1) / map_unit * map_unit);
  faults->inject(fault::eio, 0);
  const auto refused = f.map_at(map_unit, 100, at);
  CHECK(refused.error().code == errc::io_error);
  CHECK_THAT(refused.error().detail,
             Catch::Matchers::ContainsSubstring("mapping 100 bytes at offset 65536 of /f"));
  CHECK(all_are(memory.data(), memory.size(), 5));
}

TEST_CASE("span_ranges: what comes back is taken again, joined to its neighbours") {
  arena memory(arena_bytes_min);
  span_ranges ranges(memory);
  const handle c = ranges.take(1); // from the top down
  const handle b = ranges.take(3);
  const handle a = ranges.take(2);
  CHECK(b == a + 2 * span);
  CHECK(c == b + 3 * span);
  ranges.give_back(a, 2);
  ranges.give_back(c, 1);
  CHECK(ranges.spans_free() == 3);
  CHECK(ranges.take(3) == a - 3 * span); // neither alone is enough
  ranges.give_back(b, 3);
  CHECK(ranges.take(6) == a);
  ranges.give_back(a, 6);
  CHECK(ranges.take(4) == a);
  CHECK(ranges.take(2) == a + 4 * span);
  CHECK(ranges.spans_free() == 0);
}

TEST_CASE("span_ranges: an arena that is used up answers none, and keeps what it has") {
  arena memory(arena_bytes_min); // 64 spans, one of them never handed out
  span_ranges ranges(memory);
  const handle all = ranges.take(63);
  REQUIRE(all != 0);
  CHECK(ranges.take(1) == 0);
  ranges.give_back(all, 63);
  CHECK(ranges.take(64) == 0);
  CHECK(ranges.take(63) == all);
}
