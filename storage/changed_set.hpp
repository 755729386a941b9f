#pragma once
// Which concepts changed since the last flush to a segment.

#include "storage/concept_id.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace cmem {

/// Indices, each once, in the order of their first change: a list, and a bit an index that says
/// whether it is in it. A mark too many costs a record in a segment, and is no error: so a merge
/// that is discarded takes none back. Threads: one at a time (the reconciler). Throws
/// std::bad_alloc, and then has changed nothing.
class changed_indices {
public:
  void mark(std::uint32_t i) {
    const std::size_t word = i / 64;
    const std::uint64_t bit = std::uint64_t{1} << i % 64;
    if (word >= marked_.size())
      marked_.resize(std::max<std::size_t>(word + 1, 2 * marked_.size()));
    if ((marked_[word] & bit) != 0)
      return;
    list_.push_back(i);
    marked_[word] |= bit;
  }
  [[nodiscard]] std::size_t size() const noexcept { return list_.size(); }
  /// And begins anew.
  [[nodiscard]] std::vector<std::uint32_t> take() noexcept {
    std::fill(marked_.begin(), marked_.end(), 0);
    return std::exchange(list_, {});
  }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return marked_.capacity() * sizeof(std::uint64_t) + list_.capacity() * sizeof(std::uint32_t);
  }

private:
  std::vector<std::uint64_t> marked_;
  std::vector<std::uint32_t> list_;
};

/// What graph_builder notes of its changes, for a store.
struct changed_set {
  changed_indices records;           ///< of any kind: new, changed, forgotten
  changed_indices lists;             ///< of outgoing associations
  std::vector<concept_id> forgotten; ///< ids that older segments may have

  [[nodiscard]] bool empty() const noexcept {
    return records.size() == 0 && lists.size() == 0 && forgotten.empty();
  }
  [[nodiscard]] std::size_t size() const noexcept {
    return std::max(records.size(), lists.size()) + forgotten.size();
  }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return records.bytes() + lists.bytes() + forgotten.capacity() * sizeof(concept_id);
  }
};

} // namespace cmem
