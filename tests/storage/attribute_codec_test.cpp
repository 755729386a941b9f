#include "storage/attribute_codec.hpp"

#include "storage/limits.hpp"
#include "tests/catch.hpp"

#include <map>
#include <random>

using namespace cmem;

namespace {

using updates = std::vector<attribute_update>;

std::vector<std::byte> encode(const updates& u) {
  std::vector<std::byte> out(encoded_attribute_bytes(u));
  out.resize(encode_attributes(u, out));
  return out;
}

std::string text(std::span<const std::byte> encoded) {
  attribute_reader reader(encoded);
  attribute_update u;
  std::string out = std::to_string(reader.count());
  while (reader.next(u)) {
    out.append(" ").append(u.key);
    out.append(u.value ? "=" + std::string(*u.value) : "-");
  }
  return out;
}

std::string merged(const updates& stored, const updates& changes) {
  const auto a = stored.empty() ? std::vector<std::byte>() : encode(stored);
  const auto b = changes.empty() ? std::vector<std::byte>() : encode(changes);
  const auto size = merge_attributes(a, b, {});
  std::vector<std::byte> out(size.bytes);
  const auto made = merge_attributes(a, b, out);
  CHECK(made.bytes == (out.empty() ? made.bytes : size.bytes));
  CHECK(made.count == size.count);
  return text(out);
}

} // namespace

TEST_CASE("updates come back sorted by key") {
  CHECK(text(encode({{"b", "2"}, {"a", "1"}, {"c", std::nullopt}})) == "3 a=1 b=2 c-");
  CHECK(text(encode({})) == "0");
  CHECK(text({}) == "0");
  CHECK(text(encode({{"empty", ""}})) == "1 empty=");
}

TEST_CASE("the last update of a key counts") {
  const updates u{{"a", "1"}, {"b", "1"}, {"a", std::nullopt}, {"a", "3"}, {"b", std::nullopt}};
  CHECK(text(encode(u)) == "2 a=3 b-");
  CHECK(encode(u).size() < encoded_attribute_bytes(u));
}

TEST_CASE("the encoding is the documented one") {
  const auto bytes = encode({{"ke", "val"}, {"x", std::nullopt}});
  const std::string_view raw(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  using namespace std::string_view_literals;
  CHECK(raw == "\2\0\0\0\2\0\3\0keval\1\0\xFF\xFFx"sv); // on a little-endian machine
}

TEST_CASE("updates change what is stored") {
  CHECK(merged({}, {{"a", "1"}}) == "1 a=1");
  CHECK(merged({{"a", "1"}}, {}) == "1 a=1");
  CHECK(merged({{"a", "1"}, {"c", "3"}}, {{"b", "2"}}) == "3 a=1 b=2 c=3");
  CHECK(merged({{"a", "1"}, {"c", "3"}}, {{"a", "9"}, {"c", std::nullopt}}) == "1 a=9");
  CHECK(merged({{"a", "1"}}, {{"b", std::nullopt}}) == "1 a=1");
  CHECK(merged({{"a", "1"}}, {{"a", std::nullopt}}) == "0");
  CHECK(merged({}, {{"a", std::nullopt}}) == "0");
  CHECK(merged({}, {}) == "0");
}

TEST_CASE("nothing left takes no bytes") {
  const auto stored = encode({{"a", "1"}});
  const auto removal = encode({{"a", std::nullopt}});
  CHECK(merge_attributes(stored, removal, {}).bytes == 0);
}

TEST_CASE("attributes at their limits") {
  std::vector<std::string> keys;
  const std::string value(attribute_value_bytes_max, 'v');
  for (std::size_t i = 0; i < attributes_max; ++i) {
    keys.push_back(std::to_string(100 + i));
    keys.back().resize(attribute_key_bytes_max, 'k');
  }
  updates u;
  for (const auto& k : keys)
    u.push_back({k, value});
  const auto bytes = encode(u);
  attribute_reader reader(bytes);
  attribute_update got;
  for (const auto& k : keys) {
    REQUIRE(reader.next(got));
    CHECK(got.key == k);
    CHECK(got.value == value);
  }
  CHECK_FALSE(reader.next(got));
  CHECK(merge_attributes(bytes, bytes, {}).count == attributes_max);
}

TEST_CASE("merging agrees with a map") {
  std::mt19937 random(7);
  std::vector<std::string> keys;
  for (int i = 0; i < 20; ++i)
    keys.push_back(std::string(1, static_cast<char>('a' + i)));
  std::map<std::string, std::string> model;
  std::vector<std::byte> stored;
  for (std::size_t round = 0; round < test::sweep(2000); ++round) {
    std::vector<std::string> values(random() % 8);
    updates u;
    for (auto& v : values) {
      v = std::to_string(random() % 1000);
      const auto& key = keys[random() % keys.size()];
      if (random() % 3 == 0)
        u.push_back({key, std::nullopt});
      else
        u.push_back({key, v});
    }
    for (const auto& one : u)
      if (one.value)
        model[std::string(one.key)] = *one.value;
      else
        model.erase(std::string(one.key));
    const auto encoded = encode(u);
    std::vector<std::byte> next(merge_attributes(stored, encoded, {}).bytes);
    if (!next.empty())
      merge_attributes(stored, encoded, next);
    stored = std::move(next);
    std::string expected = std::to_string(model.size());
    for (const auto& [k, v] : model)
      expected.append(" ").append(k).append("=").append(v);
    REQUIRE(text(stored) == expected);
  }
}
