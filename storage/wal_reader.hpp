#pragma once
// The write-ahead log as one sequence of records, from files in any state that a crash may leave.

#include "storage/wal_file_reader.hpp"

#include <deque>

namespace cmem {

/// Where a reader starts, and what it must find.
struct wal_from {
  std::uint64_t store = 0;
  std::uint64_t after = 0;   ///< records up to here are kept elsewhere: skipped
  std::uint64_t durable = 0; ///< known to have been durable: a log that ends before is corrupt
};

/// What was found. Complete once next() answered false.
struct wal_report {
  std::uint64_t records = 0; ///< returned
  std::uint64_t last = 0;    ///< sequence that the log ends with, at least `after`
  /// Of the tail: written, and not (wholly) on the disk when the power went. Normal after a crash.
  std::uint64_t discarded_bytes = 0;
  std::uint64_t discarded_offset = 0;
  std::string discarded_file;
  std::uint64_t missing_bytes = 0;     ///< by which files are shorter than they were
  std::vector<std::string> unfinished; ///< files with a broken header and no record
};

/// What a writer needs to go on.
struct wal_end {
  struct live_file {
    std::uint64_t number;
    std::uint64_t generation;
    std::uint64_t base;
  };
  /// Records of the last file that are not known to be on the disk: a process that died before its
  /// sync, or whose sync failed, leaves them in memory where a reader sees them.
  struct tail {
    wal_header header;
    std::uint64_t number;
    std::uint64_t from_offset;
    std::uint64_t to_offset;
  };

  std::uint64_t store = 0;
  std::uint64_t last = 0;            ///< sequence
  std::uint64_t base = 0;            ///< all up to here is durable
  std::vector<live_file> files;      ///< by generation
  std::vector<std::uint64_t> unused; ///< numbers of files that hold nothing
  std::optional<tail> unsure;
};

/// Files are ordered by generation, and each continues at its `base` the ones before: what an older
/// file holds beyond that was given up by a recovery and is not read. A gap is `corrupt`, as is
/// damage with proof that it was durable: a newer file, a later record that says so, or
/// wal_from::durable. Other damage is the torn tail of a crash. Threads: one at a time.
class wal_reader {
public:
  /// Reads the header of each file in `directory`.
  static result<wal_reader> open(const env& e, const std::string& directory, wal_from from);

  /// Of all the files that hold log, with what lies behind their records.
  [[nodiscard]] std::uint64_t bytes() const noexcept;
  /// False at the end. `corrupt` names file and offset.
  result<bool> next(wal_record& out);
  /// Of the file that the last record came from. Precondition: there was one.
  [[nodiscard]] const std::string& path() const noexcept { return reader_->path(); }
  [[nodiscard]] const wal_report& report() const noexcept { return report_; }
  /// Precondition: next() answered false.
  [[nodiscard]] wal_end end() const;

private:
  struct source {
    std::uint64_t number;
    std::string path;
    std::uint64_t size;
    wal_header header;
  };

  wal_reader(env e, wal_from from) : env_(std::move(e)), from_(from) {}
  result<void> add(const std::string& path, std::uint64_t number);
  result<void> order();
  result<void> enter(std::size_t file);
  result<void> believe(const wal_record& r);
  result<void> finish();

  env env_;
  wal_from from_;               // const
  std::vector<source> sources_; // by generation
  std::vector<std::uint64_t> unused_;
  std::size_t at_ = 0; // the source being read
  std::optional<wal_file_reader> reader_;
  std::uint64_t last_ = 0;                                     // sequence read
  std::uint64_t proven_ = 0;                                   // durable by what was read
  std::deque<std::pair<std::uint64_t, std::uint64_t>> unsure_; // sequence, offset: beyond proven_
  wal_report report_;
  bool done_ = false;
};

} // namespace cmem
