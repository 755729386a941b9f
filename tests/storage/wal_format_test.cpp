#include "storage/wal_format.hpp"

#include "tests/catch.hpp"

#include <cstring>

using namespace cmem;

namespace {

constexpr std::uint64_t store = 0x1122'3344'5566'7788;

const_bytes bytes_of(const wal_header& h) { return std::as_bytes(std::span(&h, 1)); }

std::string hex(const_bytes bytes) {
  std::string text;
  for (const std::byte b : bytes) {
    text += "0123456789abcdef"[std::to_integer<unsigned>(b) >> 4];
    text += "0123456789abcdef"[std::to_integer<unsigned>(b) & 0xF];
  }
  return text;
}

std::vector<std::byte> record(std::string_view payload) {
  std::vector<std::byte> out;
  append_wal_record(out, {0, 0, wal_type::batch, 0, 3, 5, 4}, std::as_bytes(std::span(payload)),
                    store);
  return out;
}

wal_header header() {
  wal_header h;
  h.flags = wal_header::zeroed;
  h.store = store;
  h.generation = 3;
  h.base = 4;
  h.file_bytes = 4096;
  return sealed(h);
}

} // namespace

TEST_CASE("D5: a log file's header and records are these bytes, for good") {
  const wal_header h = header();
  CHECK(hex(bytes_of(h).first(48))
        == "636d656d77616c31" // cmemwal1
           "01000000"         // version
           "01000000"         // zeroed
           "8877665544332211" // store
           "0300000000000000" // generation
           "0400000000000000" // base
           "0010000000000000" /* file_bytes */);
  CHECK(hex(bytes_of(h).subspan(48, 456)) == std::string(912, '0'));
  CHECK(hex(bytes_of(h).subspan(504)) == "68c18cef2806c291");
  const auto bytes = record("cat");
  CHECK(hex(bytes)
        == "9d42cea9e7a5f3c8" // checksum
           "03000000"         // length
           "0100"             // batch
           "0000"             // reserved
           "0300000000000000" // generation
           "0500000000000000" // sequence
           "0400000000000000" // durable
           "6361740000000000" /* cat, padding */);
}

TEST_CASE("wal format: headers are valid, blank or damaged") {
  const wal_header h = header();
  wal_header back;
  CHECK(read_wal_header(bytes_of(h), back) == wal_header_state::valid);
  CHECK(std::memcmp(&h, &back, sizeof h) == 0);
  CHECK(read_wal_header(bytes_of(h).first(511), back) == wal_header_state::damaged);
  CHECK(read_wal_header({}, back) == wal_header_state::blank);
  CHECK(read_wal_header(std::vector<std::byte>(100), back) == wal_header_state::blank);
  CHECK(read_wal_header(std::vector<std::byte>(512), back) == wal_header_state::blank);
  wal_header reserved = h;
  reserved.reserved[7] = 1;
  CHECK(read_wal_header(bytes_of(sealed(reserved)), back) == wal_header_state::damaged);
}

TEST_CASE("D3: no flipped bit of a header or a record passes") {
  wal_header h = header();
  wal_header back;
  auto* const bytes = reinterpret_cast<unsigned char*>(&h);
  for (std::size_t bit = 0; bit != 8 * sizeof h; ++bit) {
    bytes[bit / 8] ^= static_cast<unsigned char>(1U << bit % 8);
    REQUIRE(read_wal_header(bytes_of(h), back) == wal_header_state::damaged);
    bytes[bit / 8] ^= static_cast<unsigned char>(1U << bit % 8);
  }
  auto r = record("the padding counts too");
  REQUIRE(wal_record_intact(r, store));
  for (std::size_t bit = 0; bit != 8 * r.size(); ++bit) {
    r[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    REQUIRE_FALSE(wal_record_intact(r, store));
    r[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
  }
}

TEST_CASE("wal format: a record is of one store and one generation") {
  auto r = record("cat");
  CHECK_FALSE(wal_record_intact(r, store + 1));
  CHECK(wal_record_intact_as(r, store, 3));
  CHECK_FALSE(wal_record_intact_as(r, store, 4));
  r[17] = std::byte{9}; // of the generation
  CHECK_FALSE(wal_record_intact(r, store));
  CHECK(wal_record_intact_as(r, store, 3));
}

TEST_CASE("wal format: what no writer writes is not plausible") {
  const wal_record_header good{0, 8, wal_type::batch, 0, 3, 5, 4};
  CHECK(plausible(good, 48));
  CHECK_FALSE(plausible(good, 47));
  auto h = good;
  h.length = static_cast<std::uint32_t>(wal_payload_bytes_max) + 1;
  CHECK_FALSE(plausible(h, ~std::uint64_t{0}));
  h = good;
  h.reserved = 1;
  CHECK_FALSE(plausible(h, 48));
  h = good;
  h.durable = 5;
  CHECK_FALSE(plausible(h, 48));
}

TEST_CASE("wal format: file names are read back, others are left alone") {
  for (const std::uint64_t n : {0UL, 7UL, 1'000'000'000'000UL})
    CHECK(wal_file_number(wal_file_name(n)) == n);
  for (const char* name :
       {"wal-.log", "wal-1.log2", "wal-01.log", "wal--1.log", "wal-1 .log", "1.log",
        "wal-18446744073709551615.log", "wal-18446744073709551616.log", "wal-log"})
    CHECK_FALSE(wal_file_number(name));
}
