#include "storage/neighborhood.hpp"

#include "storage/limits.hpp"
#include "storage/path_search.hpp"

#include <algorithm>
#include <cassert>

namespace cmem {

std::vector<subgraph_node> neighborhood(const graph_snapshot& s, std::uint32_t seed,
                                        std::uint32_t hops, std::size_t limit,
                                        path_scratch& scratch) {
  assert(seed < s.index_count() && s.is_learned(seed));
  assert(hops <= path_depth_max);
  std::vector<subgraph_node> found;
  if (limit == 0)
    return found;
  const bool placeholders = s.placeholder_count() > 0;
  search_marks& marks = scratch.get().marks;
  marks.begin(s.index_count());
  marks[seed].side[0] = marks.at_level(0);
  found.push_back({seed, 0});
  std::size_t begin = 0; // of the last level
  for (std::uint32_t hop = 1; hop <= hops && begin < found.size() && found.size() < limit; ++hop) {
    const std::size_t end = found.size();
    for (std::size_t i = begin; i < end; ++i)
      s.out(found[i].index).for_each_target([&](std::uint32_t t) {
        std::uint32_t& word = marks[t].side[0];
        if (marks.reached(word))
          return;
        word = marks.at_level(hop);
        if (!placeholders || s.is_learned(t))
          found.push_back({t, hop});
      });
    std::sort(found.begin() + static_cast<std::ptrdiff_t>(end), found.end(),
              [&s](const subgraph_node& a, const subgraph_node& b) {
                return s.node(a.index).id < s.node(b.index).id;
              });
    begin = end;
  }
  found.resize(std::min(found.size(), limit));
  return found;
}

} // namespace cmem
