#include "messages/archive.hpp"

#include "tests/catch.hpp"

#include <string>

using namespace cmem;
using Catch::Matchers::ContainsSubstring;

namespace {

concept_record sample() {
  concept_record r;
  r.id = concept_id::from_halves(1, 2);
  r.name = "apple";
  r.content = std::string("red\0fruit", 9);
  r.vector = {1.5F, -2.25F};
  r.strength = 3.0F;
  r.confidence = 0.5F;
  r.created = 1'700'000'000'000'000;
  r.last_accessed = -1;
  r.access_count = 7;
  r.attributes = {{"colour", "red"}, {"taste", ""}};
  return r;
}

template <class T>
std::string refusal(std::string_view bytes) {
  const auto r = from_bytes<T>(bytes);
  return r ? "" : to_string(r.error());
}

} // namespace

TEST_CASE("what was written is read back") {
  const auto id = concept_id::from_halves(3, 4);
  const association_record association{id, id, 5, 0.25F, 2.0F, 11, 12};
  const neighbor_record neighbor{id, 6, 0.125F, 1.0F, direction::incoming};
  const path_record path{id, {{id, 1, 0.5F}, {id, 2, 0.75F, direction::incoming}}, 0.375};
  CHECK(*from_bytes<concept_record>(to_bytes(sample())) == sample());
  CHECK(*from_bytes<association_record>(to_bytes(association)) == association);
  CHECK(*from_bytes<neighbor_record>(to_bytes(neighbor)) == neighbor);
  CHECK(*from_bytes<path_record>(to_bytes(path)) == path);
  const std::vector<neighbor_record> list(9'000, neighbor);
  CHECK(*from_bytes<std::vector<neighbor_record>>(to_bytes(list)) == list);
  CHECK(*from_bytes<concept_record>(to_bytes(concept_record{})) == concept_record{});
}

TEST_CASE("the bytes are the same on every machine") {
  const neighbor_record n{concept_id::from_halves(0x0102030405060708, 0x090A0B0C0D0E0F10), 3, 0.5F,
                          2.0F, direction::incoming};
  // cereal's own mark (little-endian), version, id, kind, confidence, weight, direction
  const unsigned char expected[] = {1,    2,    0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
                                    0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 3,    0,
                                    0,    0,    0,    0x3F, 0,    0,    0,    0x40, 1};
  CHECK(to_bytes(n) == std::string(reinterpret_cast<const char*>(expected), sizeof(expected)));
}

TEST_CASE("an archive cut short anywhere is an error") {
  const auto whole = to_bytes(sample());
  for (std::size_t n = 0; n < whole.size(); ++n)
    CHECK_THAT(refusal<concept_record>(whole.substr(0, n)), ContainsSubstring("parse_error"));
}

TEST_CASE("bytes left over are an error") {
  CHECK(refusal<concept_record>(to_bytes(sample()) + "x")
        == "parse_error: 1 bytes are left over behind the archive");
}

TEST_CASE("another version is an error that says which") {
  auto bytes = to_bytes(sample());
  for (const int version : {0, 3}) {
    bytes[1] = static_cast<char>(version);
    CHECK(refusal<concept_record>(bytes)
          == "parse_error: archive of version " + std::to_string(version)
               + ": this one reads versions 1 to 2");
  }
}

TEST_CASE("version 1 is read, which only knew associations as they lead") {
  const auto id = concept_id::from_halves(3, 4);
  const path_record path{id, {{id, 1, 0.5F}, {id, 2, 0.75F}}, 0.375};
  std::string bytes = to_bytes(path);
  // mark, version, source, count, then hops of id, kind, confidence, along; confidence
  constexpr std::size_t hops = 2 + 16 + 8;
  constexpr std::size_t hop = 16 + 2 + 4 + 1;
  REQUIRE(bytes.size() == hops + 2 * hop + 8);
  bytes[hops + hop - 1] = 2;
  CHECK_THAT(refusal<path_record>(bytes),
             ContainsSubstring("an association followed in direction 2"));
  bytes.erase(hops + 2 * hop - 1, 1);
  bytes.erase(hops + hop - 1, 1);
  bytes[1] = 1;
  CHECK(*from_bytes<path_record>(bytes) == path);

  const neighbor_record neighbor{id, 6, 0.125F, 1.0F};
  bytes = to_bytes(neighbor);
  bytes.pop_back();
  bytes[1] = 1;
  CHECK(*from_bytes<neighbor_record>(bytes) == neighbor);
}

TEST_CASE("a length over its limit is refused before it is allocated") {
  // A list that claims 2^60 records.
  std::string bytes = to_bytes(std::vector<neighbor_record>{});
  bytes.back() = 0x10;
  CHECK_THAT(refusal<std::vector<neighbor_record>>(bytes),
             ContainsSubstring("a list of 1152921504606846976 elements: at most 16777216"));
  // One that claims as many as are allowed, and holds none: no 512 MiB for it.
  bytes.back() = 0;
  bytes[5] = 1;
  CHECK_THAT(refusal<std::vector<neighbor_record>>(bytes), ContainsSubstring("parse_error"));
}
