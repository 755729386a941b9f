#pragma once
// Goes through the concepts of all segments of a store, in the order of their ids.

#include "storage/checkpoint.hpp"

#include <span>

namespace cmem {

/// What a run of segments says of an id.
struct run_parts : concept_parts {
  concept_id id;
  bool ended = false;      ///< by a tombstone: nothing counts that is older than the parts here
  std::size_t records = 0; ///< of the id
};

/// A k-way merge by a binary heap. Borrows the readers. Threads: one at a time.
class segment_merge {
public:
  /// Oldest first.
  explicit segment_merge(std::span<const segment_reader> segments);

  /// The next concept that the store has; false at the end. Fails: `corrupt`, `io_error`.
  /// Precondition: the segments are all that the store has.
  result<bool> next(concept_parts& out);
  /// The next id that any of them has a record of, be it a tombstone; false at the end. Whether
  /// parts are missing is the caller's to judge. Fails: the same.
  result<bool> next_of_run(run_parts& out);

private:
  struct cursor {
    const segment_reader* in;
    std::size_t age; // 0: the newest segment
    std::uint64_t next = 0;
    const segment_concept* record = nullptr;
  };
  /// Of two, the one that comes later.
  static bool behind(const cursor& a, const cursor& b) noexcept {
    return a.record->id != b.record->id ? b.record->id < a.record->id : b.age < a.age;
  }
  result<void> advance(cursor c);
  result<void> start();

  std::vector<cursor> unread_; // before the first next()
  std::vector<cursor> heap_;   // each at a record
};

} // namespace cmem
