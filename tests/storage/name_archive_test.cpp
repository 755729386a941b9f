#include "storage/name_archive.hpp"

#include "storage/limits.hpp"
#include "tests/catch.hpp"

#include <cereal/archives/portable_binary.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <sstream>

using namespace cmem;
using Catch::Matchers::ContainsSubstring;

namespace {

std::vector<std::byte> archived(const std::vector<std::string>& names) {
  std::vector<std::byte> out;
  archive_names(names, out);
  return out;
}

std::string refused(const_bytes bytes) {
  const auto names = read_names(bytes);
  REQUIRE_FALSE(names);
  CHECK(names.error().code == errc::corrupt);
  return names.error().detail;
}

} // namespace

TEST_CASE("name_archive: names are read back, with the zeros behind them") {
  for (const auto& names : {std::vector<std::string>{}, {"a"}, {"semantic", "ursächlich", "x y"}}) {
    auto bytes = archived(names);
    CHECK(*read_names(bytes) == names);
    bytes.resize(bytes.size() + 15);
    CHECK(*read_names(bytes) == names);
  }
}

TEST_CASE("D5: an archive of names is these bytes, for good") {
  std::string hex;
  for (const std::byte b : archived({"cat", "a"})) {
    hex += "0123456789abcdef"[std::to_integer<unsigned>(b) >> 4];
    hex += "0123456789abcdef"[std::to_integer<unsigned>(b) & 0xF];
  }
  CHECK(hex
        == "01"               // little-endian
           "0200000000000000" // two
           "0300000000000000" // of three bytes
           "636174"
           "0100000000000000"
           "61");
}

TEST_CASE("name_archive: what is written are cereal's bytes, and cereal reads them") {
  const std::vector<std::string> names{"semantic", "", std::string(1'000, 'x')};
  std::ostringstream out;
  cereal::PortableBinaryOutputArchive{out}(names);
  const auto bytes = archived(names);
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  CHECK(text == out.str());
  std::istringstream in(text);
  std::vector<std::string> back;
  cereal::PortableBinaryInputArchive{in}(back);
  CHECK(back == names);
}

TEST_CASE("name_archive: what is none is refused") {
  CHECK_THAT(refused({}), ContainsSubstring("not a little-endian archive"));
  auto bytes = archived({"cat", "dog"});
  for (std::size_t size = 0; size != bytes.size(); ++size)
    CHECK_THAT(refused(const_bytes(bytes).first(size)),
               ContainsSubstring("not a little-endian archive"));
  bytes.push_back(std::byte{1});
  CHECK_THAT(refused(bytes), ContainsSubstring("behind the names"));
  bytes.back() = std::byte{0};
  bytes.resize(bytes.size() + 15);
  CHECK_THAT(refused(bytes), ContainsSubstring("behind the names"));
  bytes = archived({"cat"});
  bytes[0] = std::byte{0};
  CHECK_THAT(refused(bytes), ContainsSubstring("not a little-endian archive"));
  CHECK_THAT(refused(archived({""})), ContainsSubstring("0 bytes"));
  CHECK(read_names(archived({std::string(name_bytes_max, 'x')})));
  CHECK_THAT(refused(archived({std::string(name_bytes_max + 1, 'x')})),
             ContainsSubstring("1025 bytes"));
  CHECK(read_names(archived(std::vector<std::string>(kinds_max, "x"))));
  CHECK_THAT(refused(archived(std::vector<std::string>(kinds_max + 1, "x"))),
             ContainsSubstring("at most 4096"));
}

TEST_CASE("name_archive: a length that is not there takes no memory") {
  auto bytes = archived({"cat"});
  bytes[8] = std::byte{0x7F}; // of the count
  CHECK_THAT(refused(bytes), ContainsSubstring("at most 4096"));
  bytes = archived({"cat"});
  bytes[16] = std::byte{0x7F};
  CHECK_THAT(refused(bytes), ContainsSubstring("cut short"));
}
