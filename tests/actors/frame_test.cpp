#include "messages/frame.hpp"

#include "tests/catch.hpp"

#include <cstring>
#include <string>
#include <string_view>

using namespace cmem;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A frame behind whatever is in `out` already.
void append_frame(std::vector<char>& out, std::string_view payload) {
  const std::size_t begin = begin_frame(out);
  out.insert(out.end(), payload.begin(), payload.end());
  REQUIRE(end_frame(out, begin, frame_bytes_default));
}
std::vector<char> frame(std::string_view payload) {
  std::vector<char> bytes;
  append_frame(bytes, payload);
  return bytes;
}

result<frame_header> header_of(const std::vector<char>& bytes,
                               std::uint32_t bytes_max = frame_bytes_default) {
  return read_frame_header(std::span(bytes).first<frame_header_bytes>(), bytes_max);
}
std::string refusal(const std::vector<char>& bytes, std::uint32_t bytes_max = frame_bytes_default) {
  const auto h = header_of(bytes, bytes_max);
  return h ? "" : to_string(h.error());
}
/// The payload's checksum holds.
bool holds(const std::vector<char>& bytes) {
  const auto h = header_of(bytes);
  REQUIRE(h);
  const auto done = check_frame(*h, std::span(bytes).subspan(frame_header_bytes, h->length));
  CHECK((done || done.error().code == errc::corrupt));
  return done.has_value();
}

} // namespace

TEST_CASE("a frame is its payload behind magic, length and checksum") {
  const auto bytes = frame("cat");
  // XXH3 of "cat" seeded with 3
  const unsigned char expected[] = {'C',  'M',  'F',  '1',  3,    0,    0,    0,
                                    0x1F, 0x18, 0x00, 0x6E, 0x66, 0x76, 0xE9, 0x8C};
  REQUIRE(bytes.size() == frame_header_bytes + 3);
  CHECK(std::memcmp(bytes.data(), expected, frame_header_bytes) == 0);
  CHECK(std::string(bytes.begin() + frame_header_bytes, bytes.end()) == "cat");
  CHECK(header_of(bytes)->length == 3);
  CHECK(holds(bytes));
  CHECK(holds(frame("")));
}

TEST_CASE("frames stand one behind the other") {
  auto bytes = frame("cat");
  append_frame(bytes, "horse");
  REQUIRE(bytes.size() == 2 * frame_header_bytes + 8);
  CHECK(holds(bytes));
  bytes.erase(bytes.begin(), bytes.begin() + frame_header_bytes + 3);
  CHECK(bytes == frame("horse"));
}

TEST_CASE("what begins otherwise is no frame") {
  for (std::size_t at = 0; at != 3; ++at) {
    auto bytes = frame("cat");
    bytes[at] = 'x';
    CHECK_THAT(refusal(bytes), ContainsSubstring("parse_error: no frame begins so"));
  }
  // A digit, or it is no layout: this one would move a terminal's cursor.
  auto bytes = frame("cat");
  bytes[3] = '\x1b';
  CHECK_THAT(refusal(bytes), ContainsSubstring("parse_error: no frame begins so"));
}

TEST_CASE("another layout is an error that says which") {
  auto bytes = frame("cat");
  bytes[3] = '2';
  CHECK(refusal(bytes) == "unsupported: frames of layout 2: this one reads and writes layout 1");
  bytes[3] = '0';
  CHECK(refusal(bytes) == "unsupported: frames of layout 0: this one reads and writes layout 1");
}

TEST_CASE("a length over the limit is refused") {
  const auto bytes = frame("12345678");
  CHECK(refusal(bytes, 8).empty());
  CHECK(refusal(bytes, 7)
        == "limit_exceeded: a frame of 8 bytes: at most 7 go over this connection");
  auto large = bytes;
  std::memset(large.data() + 4, 0xFF, 4);
  CHECK_THAT(refusal(large, frame_bytes_max),
             ContainsSubstring("limit_exceeded: a frame of 4294967295 bytes"));
}

TEST_CASE("a bit that flips is found") {
  const auto whole = frame("cat");
  for (std::size_t at = 8; at != whole.size(); ++at) {
    for (int bit = 0; bit != 8; ++bit) {
      auto bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      CHECK_FALSE(holds(bytes));
    }
  }
}

TEST_CASE("zeros cut off are found: the length seeds the checksum") {
  auto bytes = frame(std::string(8, '\0'));
  bytes[4] = 7;
  CHECK_FALSE(holds(bytes));
}

TEST_CASE("a frame over the limit is taken back") {
  std::vector<char> out = frame("cat");
  const auto before = out;
  const std::size_t begin = begin_frame(out);
  out.resize(out.size() + 9);
  const auto done = end_frame(out, begin, 8);
  REQUIRE_FALSE(done);
  CHECK(to_string(done.error())
        == "limit_exceeded: a frame of 9 bytes: at most 8 go over this connection");
  CHECK(out == before);
}
