#pragma once
// Stores as a later version of the program would leave them, and all bytes of a directory.

#include "storage/segment_format.hpp"
#include "tests/catch.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace cmem::test {

inline std::vector<char> bytes_of_file(const std::string& path) {
  std::ifstream from(path, std::ios::binary);
  REQUIRE(from);
  return {std::istreambuf_iterator<char>(from), std::istreambuf_iterator<char>()};
}

/// By name. A subdirectory fails the test.
inline std::map<std::string, std::vector<char>> bytes_of_directory(const std::string& path) {
  std::map<std::string, std::vector<char>> files;
  for (const auto& entry : std::filesystem::directory_iterator(path))
    files.emplace(entry.path().filename(), bytes_of_file(entry.path()));
  return files;
}

/// Where headers of a file are, and their bytes up to the checksum.
struct header_place {
  std::string file;
  std::vector<std::size_t> headers;
  std::size_t checked;
  std::uint32_t highest; ///< version that is read

  /// The headers say that version, under right checksums.
  void put_version(const std::string& directory, std::uint32_t version) const {
    const std::string path = directory + "/" + file;
    auto bytes = bytes_of_file(path);
    for (const std::size_t at : headers) {
      std::memcpy(&bytes[at + 8], &version, sizeof version);
      const std::uint64_t checksum =
        segment_checksum(std::as_bytes(std::span(bytes).subspan(at, checked)));
      std::memcpy(&bytes[at + checked], &checksum, sizeof checksum);
    }
    std::ofstream to(path, std::ios::binary);
    REQUIRE(to.write(bytes.data(), static_cast<std::streamsize>(bytes.size())));
  }
};

/// Of the stores under tests/data. An update that a newer program began leaves one newer root.
inline const std::vector<header_place> golden_headers = {
  {"MANIFEST", {0, 4096}, 504, 2},
  {"MANIFEST", {4096}, 504, 2}, // the root of the higher generation there
  {"segment-2.cmseg", {0}, 248, 2},
  {"wal-0.log", {0}, 504, 1},
};

} // namespace cmem::test
