#pragma once
// Which documents of a generation a snapshot has no more, and which concepts are to be looked at.

#include "storage/graph_snapshot.hpp"
#include "storage/text_index.hpp"
#include "storage/text_part_writer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cmem {

/// Calls gone(place, document) for documents of the index that are not as in the snapshot, and
/// fresh(index) for learned concepts that the index has not as they are, in ascending order of
/// indices. Sorts `changed` and drops what is in it twice.
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
    if (const auto known = index.locate(i)) {
      const text_document d = index.pieces()[known->piece].part->document(known->number);
      if (learned && d.payload_version == s.node(i).payload_version
          && d.extras_version == extras_version(s, i))
        continue;
      gone(*known, d);
    }
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
