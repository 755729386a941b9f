#include "storage/alternative_paths.hpp"

#include "storage/confidence_cost.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace cmem {

namespace {

struct candidate {
  path way;
  std::uint64_t rank;
  std::size_t deviation; // hops that it shares, by construction, with an earlier path
};

struct better {
  const graph_snapshot& s;

  bool operator()(const candidate& a, const candidate& b) const noexcept {
    if (a.rank != b.rank)
      return a.rank < b.rank;
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
std::optional<path> deviate(const path& from, std::size_t hops, const std::vector<path>& found,
                            std::uint32_t max_depth, const path_finder& find) {
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
    find(std::span(from.steps).first(hops), spur, max_depth - static_cast<std::uint32_t>(hops),
         {.barred_concepts = visited, .barred_firsts = taken});
  return rest ? std::optional(join(from, hops, *rest)) : std::nullopt;
}

} // namespace

std::uint64_t rank_of(path_order order, const path& p) noexcept {
  if (order == path_order::fewest_hops)
    return p.hops();
  constexpr std::uint64_t without_confidence = std::uint64_t{1} << 63; // behind all others
  path_length length = 0;
  for (const path_step& step : p.steps) {
    if (step.confidence <= 0.0F)
      return without_confidence + p.hops();
    length += length_of(step.confidence);
  }
  return length;
}

std::vector<path> find_alternatives(const graph_snapshot& s, std::uint32_t source,
                                    const path_query& query, const path_finder& find,
                                    const search_budget& budget) {
  std::vector<path> found;
  std::set<candidate, better> candidates(better{s});
  const auto add = [&](std::optional<path> p, std::size_t deviation) {
    if (p) {
      const std::uint64_t rank = rank_of(query.order, *p);
      candidates.insert({std::move(*p), rank, deviation});
    }
  };
  add(find({}, source, query.max_depth, {}), 0);
  while (!candidates.empty()) {
    candidate best = std::move(candidates.extract(candidates.begin()).value());
    found.push_back(std::move(best.way));
    if (found.size() == query.alternatives)
      break;
    const path& last = found.back();
    for (std::size_t hops = best.deviation; hops < last.hops() && !budget.is_over(); ++hops)
      add(deviate(last, hops, found, query.max_depth, find), hops);
  }
  return found;
}

} // namespace cmem
