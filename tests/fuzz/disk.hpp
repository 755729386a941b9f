#pragma once
// A disk with one file of the fuzzer's, and what any failure of a reader must be.

#include "storage/env.hpp"
#include "storage/segment_format.hpp"
#include "tests/fault_env.hpp"
#include "tests/fuzz/input.hpp"

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace cmem::fuzz {

struct disk {
  std::shared_ptr<test::fault_env> faults = std::make_shared<test::fault_env>();
  env e{faults};

  disk() { require(e.make_directory("/s").has_value(), "a directory can be made"); }

  void put(const std::string& path, const std::vector<std::byte>& bytes) {
    require(e.open(path, open_mode::create).has_value(), "a file can be made");
    faults->set_content(path, bytes);
  }
};

/// Of each piece of each section, in their order.
inline std::vector<std::uint64_t> piece_checksums(const std::vector<std::byte>& bytes,
                                                  std::span<const segment_extent> sections) {
  std::vector<std::uint64_t> sums;
  for (const segment_extent& s : sections)
    for (std::uint64_t from = 0; from < s.bytes; from += segment_block_bytes)
      sums.push_back(segment_checksum(const_bytes(bytes).subspan(
        static_cast<std::size_t>(s.offset + from),
        static_cast<std::size_t>(std::min<std::uint64_t>(segment_block_bytes, s.bytes - from)))));
  return sums;
}

inline std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

/// Bytes that no writer writes are told so, and where.
inline void require_report(const failure& f) {
  require(f.code == errc::corrupt || f.code == errc::unsupported, "bytes are corrupt, or too new");
  require(f.detail.find("/s") != std::string::npos, "a failure names the file");
}

} // namespace cmem::fuzz
