#pragma once
// One section of a segment on its way to the file.

#include "storage/env.hpp"
#include "storage/segment_format.hpp"

namespace cmem {

/// Collects 64 KiB, takes their checksum, writes them. Several of these fill one file side by side:
/// the extent of each is known before. After a failure it is of no use. Threads: one at a time.
class section_stream {
public:
  explicit section_stream(segment_extent where) : where_(where), at_(where.offset) {}

  /// `internal`: more than the extent holds.
  result<void> put(file& to, const_bytes bytes);
  result<void> put(file& to, const void* from, std::size_t bytes) {
    return put(to, const_bytes(static_cast<const std::byte*>(from), bytes));
  }
  /// Zeros up to the next multiple of segment_alignment.
  result<void> pad(file& to);
  /// head, payload, zeros. The payload comes in parts.
  result<void> put_block(file& to, std::initializer_list<const_bytes> parts);
  /// Writes what is left. `internal`: less than the extent.
  result<void> finish(file& to);

  /// In the file, of the next byte.
  [[nodiscard]] std::uint64_t offset() const noexcept { return at_ + buffer_.size(); }
  [[nodiscard]] const segment_extent& where() const noexcept { return where_; }
  /// One for each piece, once finished.
  [[nodiscard]] const std::vector<std::uint64_t>& checksums() const noexcept { return checksums_; }

private:
  result<void> flush(file& to);

  segment_extent where_; // const
  std::uint64_t at_;     // of the buffer's first byte
  std::vector<std::byte> buffer_;
  std::vector<std::uint64_t> checksums_;
};

} // namespace cmem
