#pragma once
// Which documents of a generation a snapshot has no more, and which concepts are to be looked at.

#include "storage/graph_snapshot.hpp"
#include "storage/text_index.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cmem {

/// Calls gone(place, document) for documents that the index has of changed concepts, and
/// fresh(index) for those of them that are learned, in ascending order of indices. Sorts `changed`
/// and drops what is in it twice. (Whether a concept really changed, its versions would not tell:
/// a flush takes name and attributes from the file, where they have none.)
template <class Gone, class Fresh>
void sift_changed(const graph_snapshot& s, const text_index& index,
                  std::vector<std::uint32_t>& changed, Gone&& gone, Fresh&& fresh) {
  constexpr std::size_t ahead = 8; // concepts that are fetched meanwhile
  std::sort(changed.begin(), changed.end());
  changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
  for (std::size_t n = 0; n != changed.size(); ++n) {
    if (n + ahead < changed.size() && changed[n + ahead] < s.index_count())
      s.prefetch_payloads(changed[n + ahead]);
    const std::uint32_t i = changed[n];
    const bool learned = i < s.index_count() && s.is_learned(i);
    if (const auto known = index.locate(i))
      gone(*known, index.pieces()[known->piece].part->document(known->number));
    if (learned)
      fresh(i);
  }
}

/// Calls fresh(index) for all learned concepts.
template <class Fresh>
void for_each_learned(const graph_snapshot& s, Fresh&& fresh) {
  constexpr std::uint32_t ahead = 8;
  for (std::uint32_t i = 0; i != s.index_count(); ++i) {
    if (i + ahead < s.index_count())
      s.prefetch_payloads(i + ahead);
    if (s.is_learned(i))
      fresh(i);
  }
}

} // namespace cmem
