#pragma once
// The graph of a store's segments, built at once: much faster than learning it again.

#include "storage/graph_builder.hpp"
#include "storage/segment_merge.hpp"
#include "storage/span_ranges.hpp"

#include <functional>

namespace cmem {

/// What of a segment serves the graph as it lies: content, vectors, names and attributes.
struct mapped_payloads {
  handle first = 0; ///< where the mapping begins, 0: the segment has none
  std::uint64_t offset = 0;
  file_mapping mapping;

  /// Of the block at that offset of the file; 0 for none.
  [[nodiscard]] handle at(std::uint64_t block) const noexcept {
    return block == 0 ? 0 : first + static_cast<handle>((block - offset) / handle_unit);
  }
};

/// Maps the payloads of a segment into the arena, verified (D3). Fails: `corrupt`, `io_error`,
/// `out_of_memory`: no address space is left.
result<mapped_payloads> map_payloads(const segment_reader& in, span_ranges& ranges);

/// Fills a builder that is empty, in the version being built: publish() comes next. Concepts get
/// their indices in the order of their ids. Of each list the blocks are made once, at their size.
/// Threads: one at a time (the reconciler). Throws std::bad_alloc.
class graph_loader {
public:
  /// `segments` oldest first, `payloads` of each. Both are borrowed.
  graph_loader(graph_builder& to, std::span<const segment_reader> segments,
               std::span<const mapped_payloads> payloads)
    : to_(to), segments_(segments), payloads_(payloads) {}

  /// `progress`: told the concepts and associations done, now and then. Fails: `corrupt`,
  /// `io_error`, `limit_exceeded`.
  result<void> load(const std::function<void(std::uint64_t)>& progress);

private:
  result<void> add_concepts();
  void add(const concept_parts& p);
  result<void> resolve_targets();
  void add_associations();
  [[nodiscard]] const mapped_payloads& payloads_of(const segment_reader& in) const noexcept {
    return payloads_[static_cast<std::size_t>(&in - segments_.data())];
  }
  void report(std::uint64_t done);

  graph_builder& to_;
  std::span<const segment_reader> segments_;
  std::span<const mapped_payloads> payloads_;
  std::function<void(std::uint64_t)> progress_;
  std::vector<std::span<const segment_association>> lists_; // by index
  std::vector<std::uint32_t> targets_;                      // of all lists, one behind the other
  std::vector<std::uint32_t> incoming_;                     // how many, by index
};

} // namespace cmem
