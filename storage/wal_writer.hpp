#pragma once
// Appends records to the write-ahead log: many to one write and one sync.

#include "storage/wal_reader.hpp"

#include <algorithm>
#include <deque>

namespace cmem {

struct wal_options {
  std::uint64_t file_bytes = std::uint64_t{64}
                             << 20; ///< of a new file; a larger record makes it grow
  std::size_t spares_max = 2;       ///< files kept for reuse; more are removed
  /// New files are filled with zeros: the file system then has nothing of its own to write at a
  /// sync. Else their blocks are reserved and read as zeros, which writes half as much, and a sync
  /// also says which blocks were written.
  bool filled = true;
};

/// Files have all their blocks before their first use, and are overwritten when they are used
/// again. A file is synced before the next one begins, so that only the newest can have a torn
/// tail.
///
/// After a write or sync has failed nothing more is written (D4): every later call answers
/// `read_only` with the first reason. To go on, read the log again and open a new writer, which
/// begins a file of its own. Owns the files that hold log until release(). Threads: one at a time
/// (the flusher).
class wal_writer {
public:
  /// Goes on where a wal_reader that saw the whole directory ended, under the store's lock. Records
  /// that were only seen in memory are written anew and synced first: a sync that failed may have
  /// left them off the disk for good. Else no file is made before the first append().
  static result<wal_writer> open(const env& e, const std::string& directory, wal_options options,
                                 const wal_end& end);

  /// Copies the record to a buffer. Does I/O only where the file is full: then what waits is
  /// written and synced, and the next file begins. Refused without effect: a sequence that does not
  /// grow
  /// (`invalid_argument`), a payload over wal_payload_bytes_max (`limit_exceeded`).
  result<void> append(wal_type type, std::uint64_t sequence, const_bytes payload);
  /// Hands what waits to the system, in one write: it survives the process, not the power.
  result<void> write();
  /// The same, and one sync if anything is unsynced. Answers durable(), now all that was appended.
  result<std::uint64_t> sync();

  /// Records up to `sequence` are durable elsewhere, and their readers start after it: files that
  /// hold no others are reused. A failure to remove a file too many is answered, and breaks
  /// nothing.
  result<void> release(std::uint64_t sequence);
  /// The next record begins a fresh file, which is taken now, and so does every file until
  /// remove_used_spares(): no byte from before comes to lie in a file that holds log.
  result<void> begin_file();
  /// Removes the files that hold bytes of records that were released.
  result<void> remove_used_spares();
  /// The file in use is half full, and no other is ready.
  [[nodiscard]] bool wants_spare() const noexcept;
  /// To make one beside the writer, which may go on meanwhile: take a number, make its file on
  /// another thread, add it. A failure to make it breaks nothing; a file that is never added goes
  /// with the next opening.
  [[nodiscard]] std::uint64_t take_number() noexcept { return next_number_++; }
  result<void> make_file(std::uint64_t number) const;
  void add_spare(std::uint64_t number);

  [[nodiscard]] std::uint64_t appended() const noexcept { return appended_; } ///< last sequence
  [[nodiscard]] std::uint64_t durable() const noexcept { return durable_; }
  [[nodiscard]] std::size_t waiting_bytes() const noexcept { return buffer_.size(); }
  /// To files, since this was opened: records, headers, zeros of the files that were added.
  [[nodiscard]] std::uint64_t written_bytes() const noexcept { return written_; }
  [[nodiscard]] std::size_t live_files() const noexcept { return live_.size(); }
  [[nodiscard]] std::size_t spare_files() const noexcept { return spares_.size(); }

private:
  struct spare {
    std::uint64_t number;
    bool zeroed; // and nothing was written since
  };

  wal_writer(env e, std::string directory, wal_options options, const wal_end& end);
  [[nodiscard]] std::string path_of(std::uint64_t number) const;
  [[nodiscard]] std::uint64_t file_bytes() const noexcept {
    return std::max(options_.file_bytes, wal_file_bytes_min);
  }
  result<void> grow(file& f, std::uint64_t from) const;
  result<void> take_file();
  result<void> write_header(std::uint64_t base);
  result<void> rewrite(const wal_end::tail& unsure);
  result<void> rotate();
  result<void> flush_buffer();
  result<void> sync_file();
  failure broken(failure f);
  [[nodiscard]] failure refusal() const;

  env env_;
  std::string directory_;               // const
  wal_options options_;                 // const
  std::uint64_t store_;                 // const
  file current_;                        // the newest of live_
  wal_header header_;                   // its header
  std::uint64_t position_ = 0;          // in it, of the next write
  std::vector<std::byte> buffer_;       // records that wait
  std::uint64_t appended_ = 0;          // sequence
  std::uint64_t durable_ = 0;           // sequence
  std::uint64_t written_ = 0;           // bytes
  bool unsynced_ = false;               // something was written since the last sync
  std::uint64_t next_number_ = 0;       // of a new file
  std::deque<wal_end::live_file> live_; // by generation
  std::deque<spare> spares_;            // the oldest generation first
  bool fresh_only_ = false;             // since begin_file(): spares with bytes are not taken
  std::optional<failure> broken_;       // why nothing more is written
};

} // namespace cmem
