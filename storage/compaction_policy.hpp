#pragma once
// Which segments of a store to merge, and when.
//
// Two rules, both over runs of adjacent segments, because a newer record stands before older ones.
// The first keeps segments few: runs of about equal sizes are merged, as in the log-structured
// merge tree (O'Neil et al. 1996) with the size tiers of RocksDB's universal compaction. The second
// keeps the store small: once what came after the oldest segment may have replaced too much of it,
// all of them become one, in which nothing is that the store does not have.
//
// Write amplification, bytes written to segments for each byte flushed: 1 for the flush, about
// 1 / garbage_max for the merges of everything, and 1 for each tier in between, of which there are
// log(newer / flush) / log(fan_in). Space, what the segments that the manifest names take against
// what the store has: at most 1 + garbage_max, as long as what is replaced is about as large as
// what replaces it and a merge takes no longer than flushes_ahead flushes. The test simulates both.
// With the defaults, where random parts of a store of 4, 8, 16, 64 and 256 flushes are replaced:
// 3.2, 2.7, 2.9, 3.6 and 4.5 times what is flushed are written, and at most 1.75 times what is live
// is kept, in at most 12 segments.

#include <cstddef>
#include <cstdint>
#include <limits>
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
  std::size_t fan_in = 8;
  /// The next older segment joins a run of at least its size divided by this: flushes are never
  /// quite of one size.
  double size_ratio = 1.1;
  /// What may be garbage is to be at most this share of what surely is not. Newer segments may have
  /// replaced as many bytes as they have themselves, and each tombstone in them a record of the
  /// oldest segment's average size. A large content that a small one replaced is not seen: it goes
  /// with the next merge that has both.
  double garbage_max = 0.75;
  /// All is merged when so many more flushes would be too much: they come while it is merged.
  double flushes_ahead = 2;

  [[nodiscard]] static constexpr compaction_policy never() noexcept {
    return {std::numeric_limits<std::size_t>::max(), 1.0, std::numeric_limits<double>::infinity(),
            0};
  }
};

/// [first, first + count) of the store's segments, 0 being the oldest.
struct segment_run {
  std::size_t first = 0;
  std::size_t count = 0;

  friend bool operator==(const segment_run&, const segment_run&) = default;
};

/// The run to merge into one now; none: leave them as they are. A flush makes about `flush_bytes`.
/// Asked again after each merge, it comes to an end. Precondition: fan_in >= 2, size_ratio and
/// garbage_max > 0, flushes_ahead >= 0. Threads: any.
[[nodiscard]] std::optional<segment_run> next_compaction(
  std::span<const segment_size> oldest_first, std::uint64_t flush_bytes = 0,
  const compaction_policy& policy = {}) noexcept;

} // namespace cmem
