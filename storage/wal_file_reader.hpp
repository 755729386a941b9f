#pragma once
// The records of one log file.

#include "storage/env.hpp"
#include "storage/wal_format.hpp"

namespace cmem {

struct wal_record {
  wal_type type = wal_type::batch;
  std::uint64_t sequence = 0;
  std::uint64_t durable = 0; ///< the log up to here was synced before this was written
  std::uint64_t offset = 0;  ///< in its file
  const_bytes payload;       ///< valid until the reader is used again
};

/// What lies behind the last good record.
struct wal_ending {
  std::uint64_t traces = 0;  ///< bytes up to the last trace of records of this generation; 0: none
  std::uint64_t durable = 0; ///< what records found there say was synced before they were written
};

/// Reads in windows of `window_bytes`, or of one record where that is larger; no length is believed
/// that does not fit the file. Owns the handle. Threads: one at a time.
class wal_file_reader {
public:
  static constexpr std::size_t window_bytes = 256 * 1024;

  /// Starts at `offset`, behind the record `after`. Precondition: `h` is the file's header.
  wal_file_reader(file from, std::uint64_t size, const wal_header& h, std::uint64_t offset,
                  std::uint64_t after)
    : file_(std::move(from)), size_(size), header_(h), offset_(offset), last_(after) {}

  /// False where no good record is. `unsupported`: a record of a type that this version does not
  /// know; `io_error`: the disk.
  result<bool> next(wal_record& out);
  /// Whether a good record lies at offset(), of whatever generation.
  result<bool> holds_any();
  /// Searches what is left of the file. Precondition: next() answered false.
  result<wal_ending> ending();

  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; } ///< where next() looks
  [[nodiscard]] const wal_header& header() const noexcept { return header_; }
  [[nodiscard]] const std::string& path() const noexcept { return file_.path(); }

private:
  // Bytes at `offset`: as many as are there, up to `bytes`.
  result<const_bytes> window(std::uint64_t offset, std::uint64_t bytes);

  file file_;
  std::uint64_t size_; // const: of the file
  wal_header header_;  // const
  std::uint64_t offset_;
  std::uint64_t last_; // sequence of the record before offset_
  std::vector<std::byte> buffer_;
  std::uint64_t buffer_at_ = 0; // offset of its first byte
};

} // namespace cmem
