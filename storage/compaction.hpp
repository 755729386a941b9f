#pragma once
// Merges adjacent segments of a store into one.

#include "storage/segment_merge.hpp"
#include "storage/segment_writer.hpp"
#include "storage/vector_coding.hpp"

namespace cmem {

struct compaction_job {
  std::string directory;
  std::uint64_t store = 0;      ///< the manifest's
  std::vector<segment_ref> run; ///< adjacent, oldest first, at least one
  std::uint64_t number = 0;     ///< of the new file: no file of the store has it or ever had it
  /// The run begins with the store's oldest segment: tombstones, and what records leave to older
  /// segments, are of no use any more.
  bool bottom = false;
  vector_coding_options vectors = {};
};

/// In the place of the run, a reader finds in the new segment what it found in the run: newest
/// records as they are, with the parts that they left to older ones of the run. A part that none of
/// the run has is left to segments before it, and tombstones stay, unless the run is the `bottom`.
/// What was replaced, forgotten, or ended by a tombstone of the run is not in the new file. Vectors
/// may become codes, which read as something like them: see vector_coding.hpp.
///
/// Goes through the records twice: for the plan, and for the file (segment_writer). In memory it
/// has what the writer and vector_coding have, the table of checksums of each input, and few MiB of
/// what is mapped (segment_reader::let_go). It opens its inputs anew, so that all that it copies is
/// verified under its checksums (D3) shortly before; what was replaced, and the filters, it does
/// not look at.
///
/// It changes nothing but its own file, which only a manifest makes part of the store. Destroyed
/// before the end, after a failure too, it removes that file; one that is left all the same (a
/// process that died) goes with the next opening (remove_unnamed).
/// Threads: one at a time. Throws std::bad_alloc: of no use then, as after a failure.
class compaction {
public:
  /// Opens the run. Fails: as segment_reader::open() does.
  static result<compaction> start(const env& e, compaction_job job);

  /// Reads and writes about so many bytes, at least one record (a content, not a whole list); or
  /// trains a part of a codebook, in some ten milliseconds. True: it is done, and the file and its
  /// name are on the disk. What was written is synced every few MiB, so that the last step waits
  /// for little; that one writes the filter too, 1.5 bytes a concept. Precondition: neither failed
  /// nor done. Fails: `corrupt` with file and offset, also where `bottom` and a part is missing;
  /// `io_error`, `disk_full`.
  result<bool> step(std::uint64_t bytes);

  /// The new segment; none if nothing is left. Blocks that inputs had for what the store has are in
  /// it, elsewhere: its records say where. Precondition: done.
  [[nodiscard]] const std::optional<segment_ref>& made() const noexcept { return made_; }

  /// Read and written so far.
  [[nodiscard]] std::uint64_t bytes_done() const noexcept { return bytes_done_; }
  /// How much that will be if nothing of the run was replaced or forgotten; less otherwise.
  [[nodiscard]] std::uint64_t bytes_planned() const noexcept { return bytes_planned_; }

private:
  /// Goes with its owner unless it was kept.
  class unfinished_file {
  public:
    unfinished_file(env e, std::string path) : env_(std::move(e)), path_(std::move(path)) {}
    unfinished_file(unfinished_file&& other) noexcept
      : env_(other.env_), path_(std::exchange(other.path_, {})) {}
    unfinished_file& operator=(unfinished_file&&) = delete;
    ~unfinished_file();
    void keep() noexcept { path_.clear(); }

  private:
    env env_;
    std::string path_; // empty: it stays
  };
  /// What is left to write of the record that was added last.
  struct open_list {
    segment_place of;
    std::uint32_t written = 0;
  };

  compaction(const env& e, compaction_job job, std::vector<segment_reader> run,
             segment_identity identity, vector_coding vectors);
  result<std::optional<std::uint32_t>> flags_of(const run_parts& p) const;
  result<bool> plan_one();
  result<bool> write_one();
  result<void> write_record(const run_parts& p, std::uint32_t flags);
  result<void> write_list();
  void end_planning();
  result<bool> decide_some();
  result<void> begin_writing();
  result<void> finish();
  result<void> rest();

  env env_;
  compaction_job job_;                // const
  std::vector<segment_reader> run_;   // oldest first; gone when done
  segment_identity identity_;         // of what is made
  std::optional<segment_merge> from_; // of this pass; borrows run_
  segment_plan plan_;
  vector_coding vectors_; // borrows run_
  bool planned_ = false;
  std::optional<unfinished_file> file_;  // while it is written; outlives the writer
  std::optional<segment_writer> writer_; // in the second pass
  std::optional<open_list> list_;
  std::optional<segment_ref> made_;
  std::uint64_t bytes_done_ = 0;
  std::uint64_t bytes_planned_ = 0;
  std::uint64_t rested_at_ = 0; // of bytes_done_
};

} // namespace cmem
