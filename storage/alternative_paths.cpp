#include "storage/alternative_paths.hpp"

#include "storage/path_search.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace cmem {

namespace {

struct candidate {
  path way;
  std::size_t deviation; // hops that it shares, by construction, with an earlier path
};

struct shorter_then_least {
  const graph_snapshot& s;

  bool operator()(const candidate& a, const candidate& b) const noexcept {
    if (a.way.hops() != b.way.hops())
      return a.way.hops() < b.way.hops();
    return std::lexicographical_compare(a.way.steps.begin(), a.way.steps.end(), b.way.steps.begin(),
                                        b.way.steps.end(),
                                        [this](const path_step& x, const path_step& y) {
                                          return s.node(x.index).id < s.node(y.index).id;
                                        });
  }
};

bool same_start(const path& a, const path& b, std::size_t hops) noexcept {
  return a.hops() >= hops
         && std::equal(b.steps.begin(), b.steps.begin() + static_cast<std::ptrdiff_t>(hops),
                       a.steps.begin());
}

path join(const path& start, std::size_t hops, const path& rest) {
  path p;
  p.source = start.source;
  p.steps.assign(start.steps.begin(), start.steps.begin() + static_cast<std::ptrdiff_t>(hops));
  p.steps.insert(p.steps.end(), rest.steps.begin(), rest.steps.end());
  for (const path_step& step : p.steps)
    p.confidence *= static_cast<double>(step.confidence);
  return p;
}

// The best path that shares `hops` hops with `from` and then takes an association that none of
// `found` that share them takes.
std::optional<path> deviate(const graph_snapshot& s, const path& from, std::size_t hops,
                            const std::vector<path>& found, std::uint32_t max_depth,
                            path_scratch& scratch) {
  std::vector<std::uint32_t> visited;
  std::uint32_t spur = from.source;
  for (std::size_t i = 0; i < hops; ++i) {
    visited.push_back(spur);
    spur = from.steps[i].index;
  }
  std::vector<std::uint32_t> taken;
  for (const path& p : found)
    if (p.hops() > hops && same_start(p, from, hops))
      taken.push_back(p.steps[hops].index);
  const auto rest =
    search_path(s, spur, from.steps.back().index, max_depth - static_cast<std::uint32_t>(hops),
                scratch, {.barred_concepts = visited, .barred_firsts = taken});
  return rest ? std::optional(join(from, hops, *rest)) : std::nullopt;
}

} // namespace

std::vector<path> alternative_paths(const graph_snapshot& s, std::uint32_t source,
                                    std::uint32_t target, std::uint32_t max_depth, std::size_t k,
                                    path_scratch& scratch) {
  std::vector<path> found;
  if (k == 0)
    return found;
  std::set<candidate, shorter_then_least> candidates(shorter_then_least{s});
  if (auto first = search_path(s, source, target, max_depth, scratch))
    candidates.insert({std::move(*first), 0});
  while (!candidates.empty()) {
    candidate best = std::move(candidates.extract(candidates.begin()).value());
    found.push_back(std::move(best.way));
    if (found.size() == k)
      break;
    const path& last = found.back();
    for (std::size_t hops = best.deviation; hops < last.hops(); ++hops)
      if (auto next = deviate(s, last, hops, found, max_depth, scratch))
        candidates.insert({std::move(*next), hops});
  }
  return found;
}

} // namespace cmem
