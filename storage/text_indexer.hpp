#pragma once
// Makes generations of the text index.

#include "storage/graph_snapshot.hpp"
#include "storage/text_index.hpp"
#include "storage/text_merge.hpp"
#include "storage/text_part_writer.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace cmem {

/// Parts grow as those of a log-structured merge tree: what changed becomes a small part, and a
/// part is merged with all that are smaller once they hold half as many documents as it does. So
/// there are O(log n) parts, and a document is written O(log n) times. Small merges are made at
/// once; a large one goes on a little with each update(). Threads: one at a time; the generations
/// go to any thread.
class text_indexer {
public:
  /// A merge of up to so many postings is made at once.
  static constexpr std::size_t postings_at_once = 1U << 17;
  /// Documents that are looked at together end in a part of about so many postings, before all of
  /// them are merged: 12 bytes each are needed meanwhile.
  static constexpr std::size_t postings_a_part = 1U << 22;

  /// `at_once`, `a_part`: as above, lower in tests.
  explicit text_indexer(std::size_t at_once = postings_at_once,
                        std::size_t a_part = postings_a_part,
                        text_fields fields = text_fields::all);

  /// The next generation: what the last one holds, as of `s`. `changed` has all concepts that were
  /// learned, replaced, named, given other attributes or forgotten since the snapshot of the last
  /// call, and may have others, twice too; nothing is held before the first call. The same
  /// pointer as before if nothing is new, nor merged. Time: that of the changes, and of merging 32
  /// times as much and up to two times postings_at_once; but a list of documents of one term is
  /// merged as a whole, and what a large merge made is copied once at its end (about a second for
  /// each GB). Strong guarantee: one that throws (std::bad_alloc) changes nothing of the last
  /// generation.
  std::shared_ptr<const text_index> update(const graph_snapshot& s,
                                           std::span<const std::uint32_t> changed);
  /// A generation of one part made anew, in time and memory as the snapshot has content.
  std::shared_ptr<const text_index> rebuild(const graph_snapshot& s);

  /// A large merge is not done yet.
  [[nodiscard]] bool merging() const noexcept { return merge_.has_value(); }
  /// Goes on with it by about so many postings, for when there is time: the last generation, or a
  /// new one of the same snapshot.
  std::shared_ptr<const text_index> merge(std::size_t postings_max);
  /// nullptr before the first.
  [[nodiscard]] const std::shared_ptr<const text_index>& last() const noexcept { return last_; }

private:
  using pieces = std::vector<text_index::piece>;

  /// Parts of these concepts, which are learned. Ascending indices.
  pieces parts_of(const graph_snapshot& s, std::span<const std::uint32_t> indices);
  [[nodiscard]] static text_index::piece merged(pieces all);
  /// Goes on with the merge that is running, and puts what it made into `all` once it is done.
  static void go_on(std::optional<text_merge>& running, pieces& all, std::size_t postings_max);
  /// Merges what is small, and begins to merge what is large.
  void tidy(std::optional<text_merge>& running, pieces& all) const;
  void publish(pieces all, std::uint64_t words);

  std::size_t at_once_;
  std::size_t a_part_;
  text_fields fields_;
  text_part_builder builder_;
  std::optional<text_merge> merge_; // of parts that last_ has
  std::shared_ptr<const text_index> last_;
};

} // namespace cmem
