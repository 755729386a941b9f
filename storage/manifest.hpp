#pragma once
// What a store consists of: the file MANIFEST.
//
//   file := root body* ; a root at offset 0 and one at 4096, bodies anywhere from 8192 on, each in
//           sectors of 4096 bytes that it shares with nothing; what lies between says nothing
//   root := magic:u8[8]="cmemman1" version:u32 zero:u32 generation:u64 store:u64 body_offset:u64
//           body_bytes:u64 body_checksum:u64 zero:u8[448] checksum:u64            512 bytes
//   body := archive of cereal's portable binary:
//           1:u8 checkpoint:u64 durable:u64 reserved:u64 timestamp:i64 next_segment:u64
//           vector_dimension:u32 association_times:u8
//           count:u64 (number:u64 bytes:u64 first:u64 last:u64 checksum:u64)*       segments
//           count:u64 (bytes:u64 u8[bytes])*                                        kinds by id
//           strength_half_life:i64 learned:u64 log:u64 flushed:u64 compacted:u64
//
// That is version 2. Version 1 ended with the kinds; it is read as if all behind them were 0.
//
// All numbers are little-endian, checksums XXH3-64. The root of the highest generation counts. An
// update writes the body to a free place and the root over the older one, and syncs: cut off
// anywhere, the other root still stands. Then it does the same again with the other root, so that
// both say the same, and one that goes bad takes nothing with it.

#include "storage/env.hpp"
#include "storage/segment_format.hpp"

#include <optional>

namespace cmem {

inline constexpr std::array<char, 8> manifest_magic{'c', 'm', 'e', 'm', 'm', 'a', 'n', '1'};
inline constexpr std::uint32_t manifest_version = 2;   ///< written; those before are read
inline constexpr std::uint64_t manifest_sector = 4096; ///< a disk writes no less at once
inline constexpr std::uint64_t manifest_body_bytes_max = std::uint64_t{64} << 20;

struct manifest_root {
  std::array<char, 8> magic = manifest_magic;
  std::uint32_t version = manifest_version;
  std::uint32_t reserved = 0;
  std::uint64_t generation = 0; ///< > 0
  std::uint64_t store = 0;      ///< random, of the store; in each of its files
  segment_extent body;
  std::uint64_t body_checksum = 0;
  std::array<std::uint8_t, 448> zeros{};
  std::uint64_t checksum = 0; ///< of all before it
};
static_assert(sizeof(manifest_root) == 512);
static_assert(std::has_unique_object_representations_v<manifest_root>); // no padding
static_assert(offsetof(manifest_root, body) == 32);
static_assert(offsetof(manifest_root, checksum) == 504);

/// What a store has had written in its life. What a process wrote after its last update of the
/// manifest, and did not live to add, is lost from it.
struct write_totals {
  std::uint64_t learned_bytes = 0;   ///< payloads of log records: what was asked for
  std::uint64_t log_bytes = 0;       ///< to log files: records, headers, zeros of new files
  std::uint64_t flushed_bytes = 0;   ///< of segments that flushes made and a manifest named
  std::uint64_t compacted_bytes = 0; ///< of those that compactions made, the same

  friend bool operator==(const write_totals&, const write_totals&) = default;
};

struct manifest {
  std::uint64_t store = 0;
  std::uint64_t checkpoint = 0; ///< entries up to here are in the segments (wal_from::after)
  std::uint64_t durable = 0;    ///< a log that ends before this has lost something
  std::uint64_t reserved = 0;   ///< no reader has seen a higher number (R2)
  timestamp_us timestamp = 0;   ///< of the checkpoint's snapshot
  std::uint64_t next_segment = 1;
  std::uint32_t vector_dimension = 0; ///< never changes, as what follows
  bool association_times = true;
  std::vector<segment_ref> segments;      ///< oldest first
  std::vector<std::string> kinds;         ///< by id; grows only
  timestamp_us strength_half_life_us = 0; ///< 0: strengths do not decay
  write_totals written;

  friend bool operator==(const manifest&, const manifest&) = default;
};

[[nodiscard]] manifest_root sealed(manifest_root r) noexcept;
/// The body, as that version has it: without what it does not have.
[[nodiscard]] std::vector<std::byte> encode(const manifest& m,
                                            std::uint32_t version = manifest_version);
/// Fails: `corrupt`, without file and offset. Takes no memory that the bytes do not justify.
result<manifest> decode(const_bytes body, std::uint32_t version = manifest_version);

struct manifest_read {
  manifest value;
  std::uint64_t generation = 0;
  std::uint64_t slot = 0; ///< which root
  manifest_root root;
  /// Why the other root does not count: after a power cut in an update that is normal.
  std::optional<failure> other;
  bool twice = false; ///< both say the same
};

/// Fails: `not_found`, there is no store; `unsupported`, a newer version; `corrupt`: both roots are
/// bad, or there are segments or logs without a manifest. Threads: any, also beside a writer.
result<manifest_read> read_manifest(const env& e, const std::string& directory);

/// The manifest of a store that this process writes. After a failure nothing more is written
/// (`read_only`), and which of two states the disk has is known to the next opening alone.
/// Precondition: this process holds the store's lock. Threads: one at a time.
class manifest_file {
public:
  /// Makes the directory too (not its parents); durable when this returns. Precondition: no store
  /// is there, as read_manifest() found.
  static result<manifest_file> create(const env& e, const std::string& directory,
                                      const manifest& first);
  /// What was read is on the disk, twice, when this returns, whatever became of who wrote it: a
  /// root that was damaged is mended. A manifest of an earlier version stays one until an update.
  static result<manifest_file> open(const env& e, const std::string& directory);

  [[nodiscard]] const manifest& current() const noexcept { return read_.value; }
  /// What was found wrong with one root when it was opened.
  [[nodiscard]] const std::optional<failure>& mended() const noexcept { return mended_; }
  /// Durable when this returns.
  result<void> update(const manifest& next);

private:
  manifest_file(file to, manifest_read read) : file_(std::move(to)), read_(std::move(read)) {}
  result<void> write(const manifest& next);

  file file_;
  manifest_read read_; // what is on the disk
  std::optional<failure> mended_;
  std::optional<failure> broken_;
};

/// Removes segments that the manifest does not name, and what was cut off of a creation or of
/// writing an index: the names of what went. Precondition: this process holds the store's lock.
result<std::vector<std::string>> remove_unnamed(const env& e, const std::string& directory,
                                                const manifest& m);

} // namespace cmem
