#pragma once
// Copies of a store that open by themselves, and stores made from them.
//
// A backup is a store as of one sequence: the segments that a manifest named, which never change,
// and a manifest of its own that says that there is no more. So it needs no log. A second backup
// into the same directory takes only the segments that are new.
//
// Whatever happens meanwhile, the directory holds the backup before or the new one:
//
//   1. a segment comes under a name that nobody reads, is synced, and gets its own by a rename
//   2. what was taken is verified, and the directory synced
//   3. the manifest is updated as that of a store is, and is durable
//   4. only then the segments go that the new manifest does not name
//
// A first backup has no manifest before. What a cut leaves of it is no store: MANIFEST.new, which
// stands there from the beginning, says so, and the next backup goes on from there.

#include "storage/env.hpp"
#include "storage/records.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace cmem {

/// How far it is. What is linked or kept counts as if it had been copied, so `bytes_total` stays.
struct backup_progress {
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;
};

struct backup_options {
  /// Read and check all that the backup holds, not only what was copied for it. Segments that were
  /// linked, or were there already, are else held to their headers and tables of checksums.
  bool verify_all = false;
  /// A segment on the same file system gets a second name, which takes no time and no space, and
  /// shares with the store what becomes of the disk under it. False: it is copied.
  bool link = true;
  /// Called on the thread that makes the backup.
  std::function<void(const backup_progress&)> on_progress = {};
};

struct backup_report {
  std::uint64_t sequence = 0; ///< it holds the entries up to here
  timestamp_us timestamp = 0; ///< of the snapshot of that sequence
  bool first = false;         ///< no backup was there
  /// The store had been closed, and this is all it holds. False: its log may hold more, of a
  /// process that writes it or of one that died.
  bool whole = false;
  std::uint64_t segments = 0; ///< that it holds: linked + copied + kept
  std::uint64_t linked = 0;
  std::uint64_t copied = 0;
  std::uint64_t kept = 0;           ///< were there already
  std::uint64_t removed = 0;        ///< files of the backup before
  std::uint64_t bytes = 0;          ///< of its segments
  std::uint64_t bytes_copied = 0;   ///< of those that were copied
  std::uint64_t bytes_verified = 0; ///< read again and held to their checksums; the rest: headers
};

/// Makes in `to` (whose parent must be there) a backup of the store in `from` as of its last
/// checkpoint, also beside a process that writes it, which it neither waits for nor holds up.
/// `to` is locked as a store is: another backup, and whoever opens it to write, is kept out.
///
/// Fails: `not_found`, there is no store; `locked` with the pid of who uses `to`;
/// `invalid_argument`, `to` holds something else: a store that is written, or the backup of another
/// one, or of a later or another state than this store can have come to; `corrupt` naming file and
/// offset of what is damaged in the store; `timed_out`, segments were replaced faster than they
/// could be opened; `io_error`, `disk_full`. `to` then holds what it held before, or, once all is
/// durable, the new one. Threads: any.
result<backup_report> backup(const env& e, const std::string& from, const std::string& to,
                             const backup_options& o = {});

/// Makes in `to`, where no store may be, the store that the backup in `from` holds: copied, and
/// verified byte by byte. What a restore that was cut left is taken up. Fails: as backup() does;
/// `invalid_argument` also where `from` has a log that its segments do not hold: that is a store.
/// The new store goes on as the one that was backed up, under its number: both may be backed up,
/// but not into one directory once they differ.
result<backup_report> restore(const env& e, const std::string& from, const std::string& to,
                              const backup_options& o = {});

} // namespace cmem
