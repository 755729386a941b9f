// The bytes of a segment, for good, and read by cereal where they are an archive.

#include "tests/storage/segment_fixture.hpp"

#include <cereal/archives/portable_binary.hpp>
#include <cstring>
#include <sstream>

using namespace cmem;
using namespace cmem::test;

namespace {

std::string hex(const_bytes bytes) {
  std::string text;
  for (const std::byte b : bytes) {
    text += "0123456789abcdef"[std::to_integer<unsigned>(b) >> 4];
    text += "0123456789abcdef"[std::to_integer<unsigned>(b) & 0xF];
  }
  return text;
}

} // namespace

TEST_CASE("D5: a segment is these bytes, for good") {
  const auto bytes = example_segment();
  const auto part = [&](std::size_t from, std::size_t count) {
    return hex(const_bytes(bytes).subspan(from, count));
  };
  CHECK(part(0, 72)
        == "636d656d73656731" // cmemseg1
           "01000000"         // version
           "01000000"         // association times
           "8877665544332211" // store
           "0700000000000000" // number
           "0500000000000000" // first sequence
           "0900000000000000" // last sequence
           "0010000000000000" // timestamp
           "02000000"         // vector dimension
           "00000100"         // bytes under a checksum
           "0100000000000000" /* forgotten */);
  CHECK(part(72, 128)
        == "00010000000000000001000000000000" // concepts
           "00020000000000004000000000000000" // associations
           "40020000000000001000000000000000" // vectors
           "50020000000000001000000000000000" // content
           "60020000000000004000000000000000" // extras
           "a0020000000000003000000000000000" // kinds
           "d0020000000000002000000000000000" // bloom
           "f0020000000000003800000000000000" /* checksums */);
  CHECK(part(200, 56) == "de9caeaf5d2b0022" + std::string(80, '0') + "6f78e69a9db9c2bb");
  CHECK(part(256, 128)
        == "0381fd7cec51321d42548a8a111c54ee" // id
           "e803000000000000"                 // created
           "d007000000000000"                 // last accessed
           "00000040"                         // strength
           "0000003f"                         // confidence
           "03000000"                         // access count
           "01000000"                         // learned
           "5002000000000000"                 // content
           "4002000000000000"                 // vector
           "7002000000000000"                 // extras
           "0000000000000000"                 // first association
           "01000000"                         // associations
           "050000000800000024000000"         // bytes of content, vector, extras
             + std::string(64, '0'));
  CHECK(part(512, 64)
        == "0381fd7cec51321d42548a8a111c54ee" // source
           "2ac7342441f522cc802c9dc0909e32b7" // target
           "0100000000000000"                 // created
           "0200000000000000"                 // last used
           "0000803e"                         // confidence
           "00008040"                         // weight
           "0100000000000000" /* kind */);
  CHECK(bytes.size() == 808);
}

TEST_CASE("segment format: names and attributes are an archive that cereal reads") {
  const auto faults = new_disk();
  random_graph g(21, 40);
  g.change(400);
  const auto ref =
    need(write_segment(env(faults), "/s", identity(1), g.newest(), all_of(g.newest())));
  const auto opened = segment_reader::open(env(faults), "/s", ref, 0xC0FFEE);
  const segment_reader& r = need(opened);
  const segment_extent section = r.header().at(segment_section::extras);
  REQUIRE(section.bytes != 0);
  const auto bytes = faults->content("/s/segment-1.cmseg");
  std::istringstream stream(
    std::string(reinterpret_cast<const char*>(bytes.data()) + section.offset, section.bytes));
  cereal::PortableBinaryInputArchive archive(stream);
  const auto skip = [&](std::size_t count) {
    std::array<std::uint8_t, 16> zeros{};
    archive.loadBinary<1>(zeros.data(), static_cast<std::streamsize>(count));
    REQUIRE(zeros == std::array<std::uint8_t, 16>{});
  };
  skip(15);
  for (std::uint64_t i = 0; i != r.concept_count(); ++i) {
    const segment_concept& c = *need(r.at(i));
    if (c.extras_at == 0)
      continue;
    std::uint32_t next = 1;
    std::uint32_t size = 0;
    std::uint64_t version = 1;
    std::uint32_t name_bytes = 0;
    std::uint32_t attribute_bytes = 0;
    archive(next, size, version, name_bytes, attribute_bytes);
    REQUIRE(next == 0);
    REQUIRE(version == 0);
    REQUIRE(size == 16 + name_bytes + attribute_bytes);
    std::string name(name_bytes, '?');
    archive.loadBinary<1>(name.data(), static_cast<std::streamsize>(name.size()));
    REQUIRE(name == need(r.extras(c)).name);
    if (attribute_bytes != 0) {
      std::uint32_t count = 0;
      archive(count);
      attribute_reader expected(need(r.extras(c)).attributes);
      REQUIRE(count == expected.count());
      for (attribute_update a; expected.next(a);) {
        std::uint16_t key_bytes = 0;
        std::uint16_t value_bytes = 0;
        archive(key_bytes, value_bytes);
        std::string key(key_bytes, '?');
        std::string value(value_bytes, '?');
        archive.loadBinary<1>(key.data(), key_bytes);
        archive.loadBinary<1>(value.data(), value_bytes);
        REQUIRE(key == a.key);
        REQUIRE(value == a.value);
      }
    }
    skip(static_cast<std::size_t>(segment_block_size(size) - 8 - size));
  }
  CHECK(stream.peek() == std::istringstream::traits_type::eof());
}

TEST_CASE("segment format: file names are read back, others are left alone") {
  for (const std::uint64_t n : {0UL, 7UL, 1'000'000'000'000UL})
    CHECK(segment_file_number(segment_file_name(n)) == n);
  for (const char* name :
       {"segment-.cmseg", "segment-1.cmseg2", "segment-01.cmseg", "segment--1.cmseg", "1.cmseg",
        "segment-1 .cmseg", "segment-18446744073709551615.cmseg",
        "segment-18446744073709551616.cmseg", "segment-cmseg"})
    CHECK_FALSE(segment_file_number(name));
}

TEST_CASE("segment format: a header says what cannot be") {
  auto bytes = example_segment();
  segment_header good;
  std::memcpy(&good, bytes.data(), sizeof good);
  const auto fault = [&](auto change) {
    segment_header h = good;
    change(h);
    return std::string(fault_of(sealed(h), bytes.size()));
  };
  CHECK(fault([](auto&) {}).empty());
  CHECK(fault_of(good, bytes.size() - 1) != "");
  CHECK(fault_of(good, bytes.size() + 1) == "its sections do not fill the file");
  CHECK(fault([](auto& h) { h.magic[7] = '2'; }) == "it does not begin as a segment does");
  CHECK(fault([](auto& h) { h.flags = 2; }) != "");
  CHECK(fault([](auto& h) { h.block_bytes = 512; }) != "");
  CHECK(fault([](auto& h) { h.reserved[39] = 1; }) != "");
  CHECK(fault([](auto& h) { h.sections[2].offset += 16; }) != "");
  CHECK(fault([](auto& h) { h.sections[0].bytes += 1; }) != "");
  CHECK(fault([](auto& h) { h.sections[3].bytes = ~std::uint64_t{15}; }) != "");
  CHECK(fault([](auto& h) {
          h.sections[6].bytes -= 32;
          h.sections[7].offset -= 32;
          h.sections[7].bytes += 32;
        })
        == "its sections do not agree");
  segment_header broken = good;
  broken.number = 8;
  CHECK(fault_of(broken, bytes.size()) == "its header fails the checksum");
}
