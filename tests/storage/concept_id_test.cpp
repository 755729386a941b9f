#include "storage/concept_id.hpp"

#include "storage/result.hpp"
#include "tests/catch.hpp"

#include <set>
#include <unordered_set>

using namespace cmem;

TEST_CASE("a name hashes to XXH3-128 in canonical byte order") {
  // Known answers of XXH128 (xxhsum -H2).
  CHECK(concept_id::from_name("").hex() == "99aa06d3014798d86001c324468d497f");
  CHECK(concept_id::from_name("abc").hex() == "06b05ab6733a618578af5f94892f3950");
  CHECK(concept_id::from_name(std::string(1024, 'x'))
        != concept_id::from_name(std::string(1023, 'x')));
  CHECK(concept_id::from_name(std::string_view("a\0b", 3)) != concept_id::from_name("a"));
}

TEST_CASE("hex and back") {
  const auto id = concept_id::from_halves(0x0123'4567'89AB'CDEF, 0xFEDC'BA98'7654'3210);
  CHECK(id.hex() == "0123456789abcdeffedcba9876543210");
  CHECK(concept_id::from_hex(id.hex()) == id);
  CHECK(concept_id::from_hex("0123456789ABCDEFFEDCBA9876543210") == id);
  CHECK(concept_id::from_halves(0, 5).hex() == "00000000000000000000000000000005");
}

TEST_CASE("only 32 hex digits are an id") {
  const std::string good(32, 'a');
  CHECK(concept_id::from_hex(good));
  CHECK_FALSE(concept_id::from_hex(""));
  CHECK_FALSE(concept_id::from_hex(good.substr(1)));
  CHECK_FALSE(concept_id::from_hex(good + "a"));
  for (const char c : {'g', 'G', ' ', '-', '/', ':', '@', '`', '\0', '\x80'})
    for (const std::size_t at : {0U, 31U}) {
      std::string bad = good;
      bad[at] = c;
      CHECK_FALSE(concept_id::from_hex(bad));
    }
}

TEST_CASE("ids order as their hex digits do") {
  std::set<concept_id> ids;
  std::set<std::string> texts;
  for (int i = 0; i < 1000; ++i) {
    ids.insert(concept_id::from_name(std::to_string(i)));
    texts.insert(concept_id::from_name(std::to_string(i)).hex());
  }
  REQUIRE(ids.size() == 1000);
  auto text = texts.begin();
  for (const auto& id : ids)
    CHECK(id.hex() == *text++);
}

TEST_CASE("hash_value mixes ids that differ in few bits, in either half") {
  std::unordered_set<std::uint64_t> low_bits;
  for (std::uint64_t i = 0; i < 4096; ++i) {
    low_bits.insert(hash_value(concept_id::from_halves(0, i)) & 0xFFFF);
    low_bits.insert(hash_value(concept_id::from_halves(i << 32, 0)) >> 48 | 0x1'0000);
  }
  // 2 × 4096 balls into 2 × 65,536 bins: about 3,970 of each stay apart.
  CHECK(low_bits.size() > 7800);
}

TEST_CASE("a concept_ref keeps the name it came from") {
  const concept_ref by_name("cat");
  CHECK(by_name.id == concept_id::from_name("cat"));
  CHECK(by_name.name == "cat");
  const concept_ref by_id(by_name.id);
  CHECK(by_id.id == by_name.id);
  CHECK(by_id.name.empty());
}

TEST_CASE("failures read as code and detail") {
  CHECK(to_string(failure{errc::id_collision, "`a` and `b`"}) == "id_collision: `a` and `b`");
  CHECK(to_string(failure{errc::closed, ""}) == "closed");
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(errc_last); ++code)
    names.insert(to_string(static_cast<errc>(code)));
  CHECK(names.size() == static_cast<std::size_t>(errc_last) + 1);
  CHECK_FALSE(names.contains(to_string(static_cast<errc>(200))));
}
