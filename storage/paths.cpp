#include "storage/paths.hpp"

#include "storage/path_search.hpp"

#include <cassert>

namespace cmem {

path_scratch::path_scratch() : impl_(std::make_unique<impl>()) {}
path_scratch::~path_scratch() = default;
path_scratch::path_scratch(path_scratch&&) noexcept = default;
path_scratch& path_scratch::operator=(path_scratch&&) noexcept = default;

path_step step_between(const graph_snapshot& s, std::uint32_t from, std::uint32_t to) noexcept {
  const bool outgoing = s.out(from).size() <= s.in(to).size();
  const adjacency_list list = outgoing ? s.out(from) : s.in(to);
  const std::uint32_t wanted = outgoing ? to : from;
  path_step best{to, 0, -1.0F};
  for (std::uint32_t i = 0; i < list.chunk_count(); ++i) {
    const std::span<const std::uint32_t> targets = list.targets(i);
    for (std::size_t j = 0; j < targets.size(); ++j) {
      if (targets[j] != wanted)
        continue;
      const adjacency_chunk c = list.chunk(i);
      if (c.confidence[j] > best.confidence
          || (c.confidence[j] == best.confidence && c.kind[j] < best.kind))
        best = {to, c.kind[j], c.confidence[j]};
    }
  }
  assert(best.confidence >= 0.0F);
  return best;
}

} // namespace cmem
