#pragma once
// Making one part of several, in steps, without the documents that are dead.

#include "storage/text_index.hpp"
#include "storage/text_part_writer.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace cmem {

/// Threads: one at a time. Holds the parts that it reads.
class text_merge {
public:
  /// What is dead now is left out. What dies meanwhile is told to finish().
  explicit text_merge(std::vector<text_index::piece> pieces);

  /// Goes on by about so many postings (a document counts as one), but by one term at least: true
  /// once finish() can be called.
  bool step(std::size_t postings_max);
  [[nodiscard]] std::span<const text_index::piece> pieces() const noexcept { return pieces_; }
  /// The new part, with those dead that are dead in `now` and were not when it began. `now`: the
  /// same parts in the same order. Copies the new part once.
  [[nodiscard]] text_index::piece finish(std::span<const text_index::piece> now);

private:
  struct next_document {
    std::uint32_t index;
    std::uint32_t piece;
    std::uint32_t number;
  };

  void push_document(std::uint32_t piece, std::uint32_t number);
  bool merge_documents(std::size_t& budget);
  bool merge_terms(std::size_t& budget);
  void take_postings(std::uint32_t piece);

  std::vector<text_index::piece> pieces_;
  std::vector<next_document> documents_; // a heap: the next one of each piece, lowest index first
  std::vector<std::vector<std::uint32_t>> numbers_; // of each piece: its documents in the new part
  std::vector<term_walk> walks_;                    // of each piece, once documents are done
  std::vector<std::uint32_t> terms_;                // a heap of those not done, lowest key first
  std::vector<posting> list_;
  text_part_writer writer_;
};

} // namespace cmem
