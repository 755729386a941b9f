// Any sequence of updates, encoded and merged into what is stored, against a map. Encoded bytes are
// the memory's own and are not checked when read: what is fuzzed is what goes in.

#include "storage/attribute_codec.hpp"
#include "storage/limits.hpp"
#include "tests/fuzz/input.hpp"

#include <map>
#include <vector>

using namespace cmem;
using cmem::fuzz::require;

namespace {

using stored_attributes = std::map<std::string, std::string>;
using bytes = std::vector<std::byte>;

std::vector<attribute_update> updates_from(fuzz::input& in) {
  std::vector<attribute_update> updates(in.below(attributes_max + 1));
  for (auto& u : updates) {
    u.key = in.text(in.below(8) == 0 ? attribute_key_bytes_max : 2);
    switch (in.below(4)) {
      case 0: break; // removed
      case 1: u.value = in.text(attribute_value_bytes_max); break;
      default: u.value = in.text(3); break;
    }
  }
  return updates;
}

/// Exactly as long as the codec asks for: a byte too many is seen by the address sanitizer.
bytes encode(const std::vector<attribute_update>& updates) {
  bytes out(encoded_attribute_bytes(updates));
  const std::size_t used = encode_attributes(updates, out);
  require(used <= out.size(), "no more bytes than were said");
  out.resize(used);
  out.shrink_to_fit();
  return out;
}

void check_order(const bytes& encoded, std::uint32_t count) {
  attribute_reader reader(encoded);
  require(reader.count() == count, "the count is right");
  attribute_update u;
  std::string last;
  std::uint32_t n = 0;
  for (; reader.next(u); ++n) {
    require(n == 0 || last < u.key, "keys ascend");
    last = u.key;
  }
  require(n == count, "as many as were said");
}

stored_attributes decode(const bytes& encoded) {
  stored_attributes all;
  attribute_reader reader(encoded);
  for (attribute_update u; reader.next(u);) {
    require(u.value.has_value(), "what is stored removes nothing");
    all.emplace(u.key, *u.value);
  }
  return all;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  bytes stored;
  stored_attributes expected;
  for (int round = 0; round < 8 && !in.empty(); ++round) {
    const auto updates = updates_from(in);
    std::map<std::string_view, std::optional<std::string_view>> last_of_each;
    for (const auto& u : updates) {
      last_of_each[u.key] = u.value;
      if (u.value)
        expected[std::string(u.key)] = *u.value;
      else
        expected.erase(std::string(u.key));
    }
    const bytes encoded = encode(updates);
    check_order(encoded, static_cast<std::uint32_t>(last_of_each.size()));
    attribute_reader reader(encoded);
    attribute_update u;
    for (const auto& [key, value] : last_of_each)
      require(reader.next(u) && u.key == key && u.value == value, "the last of equal keys counts");

    const auto measured = merge_attributes(stored, encoded, {});
    require(measured.count == expected.size(), "as many are left as in the map");
    bytes merged(measured.bytes);
    const auto made = merge_attributes(stored, encoded, merged);
    require(made.bytes == measured.bytes && made.count == measured.count, "measured as written");
    check_order(merged, made.count);
    require(decode(merged) == expected, "what is left is what the map says");
    stored = std::move(merged);
  }
  return 0;
}
