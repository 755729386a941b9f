#pragma once
// Which segments of a store to merge, and when.
//
// Two rules, both over runs of adjacent segments, because a newer record stands before older ones.
// The first keeps segments few: runs of about equal sizes are merged, as in the log-structured
// merge tree (O'Neil et al. 1996) with the size tiers of RocksDB's universal compaction. The second
// keeps the store small: once what came after the oldest segment may have replaced too much of it,
// all of them become one, in which nothing is that the store does not have.
//
// Write amplification, bytes written to segments for each byte flushed: 1 for the flush, one more
// for each tier that the bytes pass, of which there are log(newer / flush) / log(fan_in), and about
// 1 / garbage_max for the merges of everything. Space, what segments the manifest names take
// against what the store has: at most 1 + garbage_max and one flush, as long as what is replaced is
// about as large as what replaces it. The test simulates both and prints them.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace cmem {

/// What counts of a segment: its file's size, its records, and those of them that are tombstones.
struct segment_size {
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
  std::uint64_t forgotten = 0;
};

struct compaction_policy {
  /// Segments in a run, at least. More of them write less, and leave more to look into.
  std::size_t fan_in = 4;
  /// The next older segment joins a run that has at least its size divided by this.
  double size_ratio = 1.0;
  /// All is merged when what may be garbage is more than this share of what surely is not. Newer
  /// segments may have replaced as many bytes as they have themselves, and each tombstone in them
  /// a record of the oldest segment's average size. A large content that a small one replaced is
  /// not seen: it goes with the next merge that has both.
  double garbage_max = 0.5;
};

/// [first, first + count) of the store's segments, 0 being the oldest.
struct segment_run {
  std::size_t first = 0;
  std::size_t count = 0;

  friend bool operator==(const segment_run&, const segment_run&) = default;
};

/// The run to merge into one now; none: leave them as they are. Asked again after each merge, it
/// comes to an end. Precondition: fan_in >= 2, size_ratio and garbage_max > 0. Threads: any.
[[nodiscard]] std::optional<segment_run> next_compaction(
  std::span<const segment_size> oldest_first, const compaction_policy& policy = {}) noexcept;

} // namespace cmem
