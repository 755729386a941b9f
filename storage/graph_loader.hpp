#pragma once
// The graph of a store's segments, built at once: much faster than learning it again.

#include "storage/graph_builder.hpp"
#include "storage/segment_merge.hpp"
#include "storage/span_ranges.hpp"

#include <functional>

namespace cmem {

/// What of a segment serves the graph as it lies: content, vectors, names and attributes.
struct mapped_payloads {
  std::uint64_t segment = 0; ///< its number
  handle first = 0;          ///< where the mapping begins, 0: the segment has none
  std::size_t spans = 0;
  std::uint64_t offset = 0;
  file_mapping mapping;

  /// Of the block at that offset of the file; 0 for none.
  [[nodiscard]] handle at(std::uint64_t block) const noexcept {
    return block == 0 ? 0 : first + static_cast<handle>((block - offset) / handle_unit);
  }
};

/// Address space for the payloads of a segment, before they are mapped. Fails: `out_of_memory`.
result<mapped_payloads> place_payloads(const segment_reader& in, span_ranges& ranges);

/// Fills a builder that is empty, in the version being built: publish() comes next. Concepts get
/// their indices in the order of their ids. Each list is made once, at its size, and written from
/// the front to the back; incoming ones by a counting sort of all associations.
/// A large store is read by a second thread ahead of the first, and its lists are written by two.
/// Packed lists (graph_builder_options::pack_adjacency) are written by one, in the order of
/// targets. Threads: one at a time (the reconciler). Throws std::bad_alloc.
class graph_loader {
public:
  /// `segments` oldest first, `payloads` of each. Both are borrowed.
  graph_loader(graph_builder& to, std::span<const segment_reader> segments,
               std::span<const mapped_payloads> payloads);

  /// `progress`: told how many of all the records are done, now and then. Fails: `corrupt`,
  /// `io_error`, `limit_exceeded`.
  result<void> load(const std::function<void(std::uint64_t)>& progress);

private:
  /// An association seen from its target.
  struct incoming {
    std::uint32_t source;
    const segment_association* record;
  };

  result<void> add_concepts();
  result<void> add(const concept_parts& p);
  result<void> resolve_targets();
  std::uint64_t resolve(std::size_t first_source, std::size_t last_source) noexcept;
  void sort_by_target();
  void write_lists();
  void write_out() noexcept;
  void write_in() noexcept;
  void write_packed();
  void pack_out(packing& with);
  void pack_in(packing& with);
  void keep();
  [[nodiscard]] const mapped_payloads& payloads_of(const segment_reader& in) const noexcept {
    return payloads_[static_cast<std::size_t>(&in - segments_.data())];
  }

  graph_builder& to_;
  std::span<const segment_reader> segments_;
  std::span<const mapped_payloads> payloads_;
  std::uint64_t concepts_min_ = 0; // records of the largest segment
  bool large_ = false;
  std::function<void(std::uint64_t)> progress_;
  std::vector<std::span<const segment_association>> lists_; // by index
  std::vector<std::uint64_t> list_first_;                   // by index, in targets_
  std::vector<std::uint32_t> targets_;                      // of all lists, one behind the other
  std::vector<std::uint64_t> in_first_;                     // by index, in in_order_
  std::vector<incoming> in_order_;                          // by target
};

} // namespace cmem
