// Frames of version 1, as tests/data/wire-v1.txt holds them: clients and nodes of that version have
// to be understood for good, and to understand what is put now. The file never changes, whatever
// the hidden test case at the end would write by now; a new version adds a file of its own.

#include "tests/actors/wire_fixture.hpp"

#include <cstdio>
#include <fstream>
#include <map>

using namespace cmem;
using namespace cmem::test;

namespace {

constexpr const char* golden_file = "tests/data/wire-v1.txt";
constexpr std::size_t bytes_per_line = 32;

std::string hex(const std::vector<char>& bytes) {
  std::string lines;
  for (std::size_t i = 0; i != bytes.size(); ++i) {
    char digits[3];
    std::snprintf(digits, sizeof(digits), "%02x", static_cast<std::uint8_t>(bytes[i]));
    lines += (i % bytes_per_line == 0 ? "\n  " : "") + std::string(digits);
  }
  return lines;
}
std::vector<char> bytes_of(const std::string& digits) {
  std::vector<char> bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoul(digits.substr(i, 2), nullptr, 16)));
  return bytes;
}

/// By name. A name stands at the beginning of its line, its bytes are below it, behind blanks.
std::map<std::string, std::vector<char>> golden_frames() {
  std::ifstream file(golden_file);
  REQUIRE(file);
  std::map<std::string, std::vector<char>> frames;
  std::string name;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#')
      continue;
    if (line[0] != ' ') {
      name = line;
      CHECK(frames[name].empty());
      continue;
    }
    const auto bytes = bytes_of(line.substr(2));
    frames[name].insert(frames[name].end(), bytes.begin(), bytes.end());
  }
  return frames;
}

/// The payload of a whole frame whose checksum holds.
std::string_view payload_in(const std::vector<char>& frame) {
  REQUIRE(frame.size() >= frame_header_bytes);
  const auto header =
    read_frame_header(std::span(frame).first<frame_header_bytes>(), frame_bytes_min);
  REQUIRE(header);
  const auto payload = std::span(frame).subspan(frame_header_bytes);
  REQUIRE(payload.size() == header->length);
  REQUIRE(check_frame(*header, payload));
  return {payload.data(), payload.size()};
}

} // namespace

// That all fields are read is what wire_test.cpp compares, with these messages.
TEST_CASE("frames of version 1 are read for good") {
  const auto golden = golden_frames();
  for_each_message([&](const std::string& name, const auto& m) {
    REQUIRE(golden.count(name) == 1);
    const auto read = read_as(m, payload_in(golden.at(name)));
    REQUIRE(read);
    CHECK(hex(frame_of(*read)) == hex(golden.at(name)));
  });
}

TEST_CASE("what is put now are the bytes of version 1") {
  auto golden = golden_frames();
  for_each_message([&](const std::string& name, const auto& m) {
    CHECK(hex(frame_of(m)) == hex(golden[name]));
    golden.erase(name);
  });
  CHECK(golden.empty());
}

TEST_CASE("make the frames", "[.][make]") {
  REQUIRE_FALSE(std::ifstream(golden_file));
  std::ofstream file(golden_file);
  file << "# Frames between clients and a node in version 1, one of each message. Never changed:\n"
          "# what clients and nodes of that version send is this. See tests/data/README.md.\n";
  for_each_message([&](const std::string& name, const auto& m) {
    file << "\n" << name << hex(frame_of(m)) << "\n";
  });
  REQUIRE(file.flush());
}
