#pragma once
// What a manifest names, opened: the store as of its last flush.

#include "storage/manifest.hpp"
#include "storage/segment_reader.hpp"

#include <vector>

namespace cmem {

/// Where a record of a concept lies.
struct segment_place {
  const segment_reader* in = nullptr;
  const segment_concept* record = nullptr;
};

/// Which records say what a concept is. A newer record stands before older ones, except for what
/// its flags leave to them.
struct concept_parts {
  segment_place head; ///< empty: the store does not have it
  segment_place payload;
  segment_place associations;

  /// Takes what the next older record of the id adds. False: none older counts.
  bool take(const segment_place& older) noexcept;
  /// Precondition: all that count were taken. `corrupt`: one that counts is missing.
  [[nodiscard]] result<void> check() const;
};

struct checkpoint_files {
  manifest store;
  std::vector<segment_reader> segments; ///< oldest first
};

/// Fails: as segment_reader::open() does. Threads: any.
result<std::vector<segment_reader>> open_segments(const env& e, const std::string& directory,
                                                  const manifest& m);
/// Also beside a writer that goes on: what is open stays, whatever is removed. Fails: `not_found`,
/// there is no store; `unsupported`, `corrupt`, `io_error`. Threads: any.
result<checkpoint_files> open_checkpoint(const env& e, const std::string& directory);

/// Whether the segments hold all that the store has: a store that was closed reserves no number
/// beyond its checkpoint. Otherwise its log may hold more, or a process writes it.
[[nodiscard]] inline bool holds_everything(const manifest& m) noexcept {
  return m.reserved == m.checkpoint;
}
/// Nobody writes the store while what is answered lives; others may read it. Empty: somebody
/// writes. Makes no file.
result<std::optional<file>> hold_still(const env& e, const std::string& directory);

} // namespace cmem
