#pragma once
// How an engine keeps what it learns, and what opening a store found.

#include "storage/compaction_policy.hpp"
#include "storage/durability.hpp"
#include "storage/env.hpp"
#include "storage/vector_coding_options.hpp"
#include "storage/wal_writer.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace cmem {

/// How far a store is opened: its segments, then its log. `bytes_total` counts what the log files
/// hold room for: the log may end before.
struct recovery_progress {
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;
  std::uint64_t entries = 0; ///< of the log, applied again so far
};

/// What opening a store found.
struct recovery_report {
  bool created = false;         ///< there was none
  bool read_only = false;       ///< opened so
  bool beside = false;          ///< another process writes it: this is its checkpoint (D6)
  std::uint64_t checkpoint = 0; ///< entries up to here came from segments
  std::uint64_t segments = 0;
  std::uint64_t segment_bytes = 0;
  std::uint64_t records = 0;
  std::uint64_t entries = 0;      ///< applied again
  std::uint64_t log_sequence = 0; ///< the log ends with it
  std::uint64_t first_sequence =
    0;                     ///< of the first snapshot: what lies between was lost, or failed
  std::uint64_t bytes = 0; ///< of records
  /// The log's torn tail (D3): normal after a crash, never acknowledged.
  std::uint64_t discarded_bytes = 0;
  std::uint64_t discarded_offset = 0;
  std::string discarded_file;
  std::uint64_t missing_bytes = 0;     ///< by which log files are shorter than they were
  std::vector<std::string> unfinished; ///< log files with a broken header and no record
};

struct store_options {
  env files = env();
  std::string directory; ///< made if it is not there; its parent must be
  durability level = durability::interval;
  /// Nothing is written, no file made. What no process writes is read as it is; beside a writer its
  /// last checkpoint (D6).
  bool read_only = false;
  /// Once so much waits for the disk, nothing more is drained, and the overflow policy rules (D1).
  /// One step's batch may come on top.
  std::uint64_t waiting_bytes_max = std::uint64_t{64} << 20;
  wal_options log = {};
  /// A flush is due once so many concepts changed, or so many bytes of log were written.
  std::size_t flush_concepts = 50'000;
  std::uint64_t flush_log_bytes = std::uint64_t{256} << 20;
  /// See durable_log_options.
  std::function<void()> on_commit_due = {};
  /// Once flushed, content, vectors, names and attributes are read from the segment, and their
  /// memory serves again. What a store is opened with always is.
  bool map_flushed = false;
  /// When segments are merged; see engine::compact().
  compaction_policy compaction = {};
  /// What becomes of vectors then.
  vector_coding_options vectors = {};
  /// flush() should be called now, and compact() after it, from another thread than commit(), which
  /// must not wait for them. Called from any thread; must not block or throw. Empty: whoever looks
  /// at flush_due() does.
  std::function<void()> on_flush_due = {};
  /// Called by create() while it reads the store, on its thread.
  std::function<void(const recovery_progress&)> on_progress = {};
};

} // namespace cmem
