#include "storage/bit_packing.hpp"
#include "tests/catch.hpp"

#include <cstring>
#include <memory>
#include <random>
#include <vector>

using namespace cmem;

namespace {

const std::vector<std::uint32_t> widths = [] {
  std::vector<std::uint32_t> all;
  for (std::uint32_t bits = 0; bits <= 32; ++bits)
    if (const std::uint32_t w = packed_width(bits == 0 ? 0 : ~0U >> (32 - bits));
        all.empty() || all.back() != w)
      all.push_back(w);
  return all;
}();

/// Packed values in exactly the 16-byte units that they take, somewhere in the first of them: under
/// AddressSanitizer a read beyond is seen.
struct packed_values {
  packed_values(const std::vector<std::uint32_t>& values, std::uint32_t width, std::size_t offset)
    : size((offset + packed_bytes(static_cast<std::uint32_t>(values.size()), width) + 15) / 16),
      units(new unit[size]),
      from(units[0].bytes + offset) {
    std::memset(units.get(), 0xA5, size * sizeof(unit)); // what lies around is not part of a value
    pack_bits(values.data(), static_cast<std::uint32_t>(values.size()), width, from);
  }
  struct alignas(16) unit {
    std::byte bytes[16];
  };
  std::size_t size;
  std::unique_ptr<unit[]> units;
  std::byte* from;
};

using numbers = std::vector<std::uint32_t>;

numbers some_values(std::minstd_rand& random, std::size_t count, std::uint32_t width) {
  numbers all(count);
  for (auto& v : all)
    v = width == 0 ? 0 : static_cast<std::uint32_t>(random() * 2 + random() % 2) >> (32 - width);
  return all;
}

template <class F>
numbers read(std::size_t count, F&& f) {
  numbers out(count + unpack_slack);
  f(out.data());
  out.resize(count);
  return out;
}

} // namespace

TEST_CASE("widths are those that eight values can be read of at once") {
  CHECK(packed_width(0) == 0);
  CHECK(packed_width(1) == 1);
  CHECK(packed_width(255) == 8);
  CHECK(packed_width(256) == 9);
  CHECK(packed_width((1U << 26) - 1) == 26);
  CHECK(packed_width(1U << 26) == 28);
  CHECK(packed_width(1U << 28) == 32);
  CHECK(packed_width(~0U) == 32);
  for (const std::uint32_t w : widths)
    for (std::uint32_t lane = 0; lane != 4; ++lane) // from the front, and from half a byte on
      CHECK(((lane * w % 8 + w <= 32) && ((w % 2 * 4 + lane * w) % 8 + w <= 32)));
}

TEST_CASE("a worked example") {
  const numbers values{1, 2, 3, 7, 0, 5};
  const packed_values p(values, 3, 0);
  CHECK(packed_bytes(6, 3) == 3);
  CHECK(p.from[0] == std::byte{0b11'010'001}); // the third value's highest bit is in the next byte
  CHECK(p.from[1] == std::byte{0b1'000'111'0});
  CHECK(p.from[2] == std::byte{0b10});
}

TEST_CASE("every width and count comes back, from any place, with vectors and without") {
  std::minstd_rand random(7);
  for (const std::uint32_t width : widths)
    for (std::uint32_t count = 0; count <= 256; count += count < 40 ? 1 : 27) {
      const numbers values = some_values(random, count, width);
      const packed_values p(values, width, random() % 16);
      INFO("width " << width << ", count " << count);
      REQUIRE(read(count, [&](auto* to) { unpack_bits(p.from, 0, count, width, to); }) == values);
      REQUIRE(read(count, [&](auto* to) { unpack_bits_scalar(p.from, 0, count, width, to); })
              == values);
    }
}

TEST_CASE("sums go on from any eight, and wrap as 32 bits do") {
  std::minstd_rand random(8);
  for (const std::uint32_t width : widths)
    for (std::uint32_t count = 1; count <= 256; count += count < 20 ? 1 : 13) {
      const numbers values = some_values(random, count, width);
      const packed_values p(values, width, random() % 16);
      const std::uint32_t first = static_cast<std::uint32_t>(random() % count) / 8 * 8;
      const auto before = static_cast<std::uint32_t>(random());
      numbers expected(values.begin() + first, values.end());
      std::uint32_t sum = before;
      for (auto& v : expected)
        v = sum += v;
      const std::uint32_t n = count - first;
      INFO("width " << width << ", count " << count << ", first " << first);
      REQUIRE(read(n, [&](auto* to) { unpack_sums(p.from, first, n, width, before, to); })
              == expected);
      REQUIRE(read(n, [&](auto* to) { unpack_sums_scalar(p.from, first, n, width, before, to); })
              == expected);
    }
}

TEST_CASE("a part of the values reads no further than itself") {
  const numbers values(200, 12'345);
  const packed_values whole(values, 17, 3);
  for (std::uint32_t count = 1; count <= 64; ++count) {
    // Only the units of the part exist.
    const packed_values part(numbers(values.begin(), values.begin() + count), 17, 3);
    REQUIRE(read(count, [&](auto* to) { unpack_bits(part.from, 0, count, 17, to); })
            == read(count, [&](auto* to) { unpack_bits(whole.from, 0, count, 17, to); }));
  }
}
