#pragma once
// Merges adjacent segments of a store into one.

#include "storage/segment_merge.hpp"
#include "storage/segment_writer.hpp"

namespace cmem {

struct compaction_job {
  std::string directory;
  std::uint64_t store = 0;      ///< the manifest's
  std::vector<segment_ref> run; ///< adjacent, oldest first, at least one
  std::uint64_t number = 0;     ///< of the new file: one that no file of the store ever had
  /// The run begins with the store's oldest segment: tombstones, and what records leave to older
  /// segments, are of no use any more.
  bool bottom = false;
};

/// In the place of the run, a reader finds in the new segment what it found in the run: newest
/// records as they are, with the parts that they left to older ones of the run. A part that none of
/// the run has is left to segments before it, and tombstones stay, unless the run is the `bottom`.
/// What was replaced, forgotten, or ended by a tombstone of the run is not in the new file.
///
/// Goes through the records twice: for the plan, and for the file (segment_writer). In memory it
/// has what the writer has, the table of checksums of each input, and few MiB of what is mapped
/// (segment_reader::let_go). It opens its inputs anew, so that all that it copies is verified under
/// its checksums (D3) shortly before; what is replaced, and the filters, it does not look at.
///
/// It changes nothing but its own file, which only a manifest makes part of the store. Destroyed
/// before the end, after a failure too, it removes that file; one that is left all the same (a
/// process that died) goes with the next opening (remove_unnamed).
/// Threads: one at a time. Throws std::bad_alloc: of no use then, as after a failure.
class compaction {
public:
  /// Opens the run. Fails: as segment_reader::open() does.
  static result<compaction> start(const env& e, compaction_job job);

  /// Reads and writes about so many bytes, at least one record: a record's content (up to
  /// content_bytes_max), and of a list as many as fit. True: the file and its name are on the disk.
  /// What was written is synced every few MiB, so that the last step does not wait for all of it;
  /// that one writes the filter too, 1.5 bytes a concept. Precondition: neither failed nor done.
  /// Fails: `corrupt` with file and offset, also where `bottom` and a part is missing; `io_error`,
  /// `disk_full`.
  result<bool> step(std::uint64_t bytes);

  /// The new segment, none if nothing is left. Where a concept's blocks lie in it, its records say:
  /// all that the graph reads from inputs is there, at another place.
  /// Precondition: done.
  [[nodiscard]] const std::optional<segment_ref>& made() const noexcept { return made_; }

  /// Read and written so far, and how much there will be, at most.
  [[nodiscard]] std::uint64_t bytes_done() const noexcept { return bytes_done_; }
  [[nodiscard]] std::uint64_t bytes_planned() const noexcept { return bytes_planned_; }

private:
  std::optional<segment_ref> made_;
  std::uint64_t bytes_done_ = 0;
  std::uint64_t bytes_planned_ = 0;
};

} // namespace cmem
