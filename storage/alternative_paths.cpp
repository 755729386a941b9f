#include "storage/alternative_paths.hpp"

#include "storage/confidence_cost.hpp"

#include <algorithm>
#include <bit>
#include <iterator>
#include <set>
#include <utility>

namespace cmem {

namespace {

struct candidate {
  path way;
  std::uint64_t rank;
  std::size_t deviation; // hops that it shares, by construction, with a path found
  // Where paths found go on from there, ascending. They are known here and nowhere else: of what
  // begins with the same hops and goes on otherwise, this is the one path in the queue.
  std::vector<std::uint32_t> taken;
};

struct better {
  const graph_snapshot& s;

  // By indices as far as two are the same, which is far where the graph is a chain.
  bool operator()(const candidate& a, const candidate& b) const noexcept {
    if (a.rank != b.rank)
      return a.rank < b.rank;
    const auto [x, y] = std::mismatch(
      a.way.steps.begin(), a.way.steps.end(), b.way.steps.begin(), b.way.steps.end(),
      [](const path_step& of_a, const path_step& of_b) { return of_a.index == of_b.index; });
    if (x == a.way.steps.end() || y == b.way.steps.end())
      return x == a.way.steps.end() && y != b.way.steps.end();
    return s.node(x->index).id < s.node(y->index).id;
  }
};

path join(const path& start, std::size_t hops, const path& rest) {
  path p;
  p.source = start.source;
  p.steps.reserve(hops + rest.hops());
  p.steps.assign(start.steps.begin(), start.steps.begin() + static_cast<std::ptrdiff_t>(hops));
  p.steps.insert(p.steps.end(), rest.steps.begin(), rest.steps.end());
  for (const path_step& step : p.steps)
    p.confidence *= static_cast<double>(step.confidence);
  return p;
}

class alternatives {
public:
  alternatives(const graph_snapshot& s, const path_query& query, const path_finder& find,
               search_budget& budget)
    : query_(query), find_(find), budget_(budget), candidates_(better{s}) {}

  std::vector<path> run(std::uint32_t source) {
    if (auto p = find_({}, source, query_.max_depth, {}))
      add({std::move(*p), 0, 0, {}});
    while (!candidates_.empty()) {
      candidate best = std::move(candidates_.extract(candidates_.begin()).value());
      found_.push_back(std::move(best.way));
      if (found_.size() == query_.alternatives)
        break;
      if (!budget_.is_over())
        deviate_from_last(best.deviation, std::move(best.taken));
    }
    return std::move(found_);
  }

private:
  // Adds the best paths that share some hops with the last one found, so many at least, and then
  // go where none found that shares them goes.
  void deviate_from_last(std::size_t hops, std::vector<std::uint32_t> taken) {
    const path& last = found_.back();
    const auto concept_at = [&](std::size_t hop) {
      return hop == 0 ? last.source : last.steps[hop - 1].index;
    };
    std::vector<std::uint32_t> visited;
    for (std::size_t i = 0; i < hops; ++i)
      visited.push_back(concept_at(i));
    for (; hops < last.hops(); ++hops) {
      const std::uint32_t next = last.steps[hops].index;
      taken.insert(std::upper_bound(taken.begin(), taken.end(), next), next);
      if (budget_.is_over() || !budget_.spend(last.hops() + taken.size())) // that are barred
        return;
      const auto rest = find_(std::span(last.steps).first(hops), concept_at(hops),
                              query_.max_depth - static_cast<std::uint32_t>(hops),
                              {.barred_concepts = visited, .barred_firsts = taken});
      if (rest)
        add({join(last, hops, *rest), 0, hops, std::move(taken)});
      taken.clear();
      visited.push_back(concept_at(hops));
    }
  }

  void add(candidate c) {
    c.rank = rank_of(query_.order, c.way);
    (void) budget_.spend(c.way.hops() * std::bit_width(candidates_.size())); // to find its place
    candidates_.insert(std::move(c));
    if (candidates_.size() > query_.alternatives - found_.size()) // that may still be wanted
      candidates_.erase(std::prev(candidates_.end()));
  }

  const path_query& query_;
  const path_finder& find_;
  search_budget& budget_;
  std::set<candidate, better> candidates_;
  std::vector<path> found_;
};

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
                                    search_budget& budget) {
  return alternatives(s, query, find, budget).run(source);
}

} // namespace cmem
