#include "storage/subgraph.hpp"

#include "storage/context_search.hpp"
#include "storage/filtered_walk.hpp"
#include "storage/limits.hpp"

#include <algorithm>
#include <cassert>
#include <string>
#include <tuple>

namespace cmem {

namespace {

class subgraph_search {
public:
  subgraph_search(const graph_snapshot& s, const subgraph_query& query,
                  context_scratch::impl& scratch)
    : s_(s),
      query_(query),
      walk_(s, query.filter),
      watch_(query.limits.deadline),
      places_(scratch.places),
      concepts_(scratch.concepts),
      associations_(scratch.associations) {
    places_.reserve(s.index_count());
    concepts_.clear();
    associations_.clear();
  }

  subgraph_answer run(std::span<const std::uint32_t> seeds) {
    for (const std::uint32_t seed : seeds)
      if (!places_.in(concepts_, seed))
        reach(seed, 0);
    order_from(0);
    spread();
    answer_.visited = concepts_.size();
    if (concepts_.size() > query_.concepts_max) {
      answer_.concepts_cut = true;
      concepts_.resize(query_.concepts_max);
    }
    answer_.concepts.assign(concepts_.begin(), concepts_.end());
    if (query_.associations_max != 0)
      collect();
    return std::move(answer_);
  }

private:
  void reach(std::uint32_t index, std::uint32_t hops) {
    places_[index] = static_cast<std::uint32_t>(concepts_.size());
    concepts_.push_back({index, hops});
  }

  void order_from(std::size_t begin) {
    std::sort(concepts_.begin() + static_cast<std::ptrdiff_t>(begin), concepts_.end(),
              [this](const subgraph_concept& a, const subgraph_concept& b) {
                return s_.node(a.index).id < s_.node(b.index).id;
              });
    for (std::size_t i = begin; i < concepts_.size(); ++i)
      places_[concepts_[i].index] = static_cast<std::uint32_t>(i);
  }

  // Whole hops, until there are concepts enough and it is known whether there are more.
  void spread() {
    if (concepts_.size() > query_.limits.visited_max)
      answer_.end = traversal_end::visited_max;
    else if (watch_.passed(0))
      answer_.end = traversal_end::deadline;
    std::size_t begin = 0; // of the last hop
    while (answer_.end == traversal_end::complete && answer_.hops < query_.hops
           && begin < concepts_.size() && concepts_.size() <= query_.concepts_max) {
      const std::size_t end = concepts_.size();
      // With as many as wanted, the next one says that there are more: which it is does not matter.
      const bool only_whether = end == query_.concepts_max;
      expand(begin, end, only_whether);
      answer_.concepts_cut = only_whether && concepts_.size() > end;
      if (only_whether || answer_.end != traversal_end::complete) {
        concepts_.resize(end);
        return;
      }
      if (concepts_.size() == end)
        return;
      ++answer_.hops;
      order_from(end);
      begin = end;
    }
  }

  void expand(std::size_t begin, std::size_t end, bool only_whether) {
    const std::uint32_t hops = answer_.hops + 1;
    for (std::size_t i = begin; i < end; ++i) {
      walk_.any_end(concepts_[i].index, watch_, [&](std::uint32_t t) {
        if (places_.in(concepts_, t) || !walk_.enters(t))
          return false;
        reach(t, hops);
        return only_whether || concepts_.size() > query_.limits.visited_max;
      });
      if (only_whether && concepts_.size() > end)
        return;
      if (concepts_.size() > query_.limits.visited_max)
        answer_.end = traversal_end::visited_max;
      else if (watch_.passed())
        answer_.end = traversal_end::deadline;
      if (answer_.end != traversal_end::complete)
        return;
    }
  }

  void collect() {
    deadline_watch late = watch_;
    traversal_filter outgoing = query_.filter; // every association has its source among them, once
    outgoing.along = direction::outgoing;
    const filtered_walk walk(s_, outgoing);
    for (const subgraph_concept& from : concepts_) {
      if (late.passed(1))
        break;
      walk.any_association(from.index, late,
                           [&](const adjacency_chunk& c, std::size_t i, direction) {
                             if (places_.in(concepts_, c.targets[i]))
                               take({from.index, c.targets[i], c.kind[i], c.confidence[i],
                                     c.weight[i], c.times_of(i)});
                             return false;
                           });
    }
    if (late.passed() && answer_.end == traversal_end::complete)
      answer_.end = traversal_end::deadline;
    keep_best();
    std::sort(associations_.begin(), associations_.end(),
              [this](const auto& a, const auto& b) { return order_of(a) < order_of(b); });
    answer_.associations.assign(associations_.begin(), associations_.end());
  }

  void take(const subgraph_association& a) {
    associations_.push_back(a);
    // Now and then, so that this holds twice what is wanted and not the whole graph.
    if (associations_.size() / 2 > std::max<std::size_t>(query_.associations_max, 512))
      keep_best();
  }

  void keep_best() {
    if (associations_.size() <= query_.associations_max)
      return;
    answer_.associations_cut = true;
    const auto last = associations_.begin() + static_cast<std::ptrdiff_t>(query_.associations_max);
    std::nth_element(associations_.begin(), last, associations_.end(),
                     [this](const auto& a, const auto& b) {
                       return a.confidence != b.confidence ? a.confidence > b.confidence
                                                           : order_of(a) < order_of(b);
                     });
    associations_.erase(last, associations_.end());
  }

  [[nodiscard]] std::tuple<std::uint32_t, std::uint32_t, kind_id> order_of(
    const subgraph_association& a) const noexcept {
    return {places_[a.source], places_[a.target], a.kind};
  }

  const graph_snapshot& s_;
  const subgraph_query& query_;
  filtered_walk walk_;
  deadline_watch watch_;
  index_places& places_;
  std::vector<subgraph_concept>& concepts_;
  std::vector<subgraph_association>& associations_;
  subgraph_answer answer_;
};

} // namespace

subgraph_answer subgraph(const graph_snapshot& s, std::span<const std::uint32_t> seeds,
                         const subgraph_query& query, context_scratch& scratch) {
  assert(check(query));
  assert(std::all_of(seeds.begin(), seeds.end(), [&s](std::uint32_t seed) {
    return seed < s.index_count() && s.is_learned(seed);
  }));
  return subgraph_search(s, query, scratch.get()).run(seeds);
}

result<subgraph_answer> subgraph(const graph_snapshot& s, std::span<const concept_id> seeds,
                                 const subgraph_query& query, context_scratch& scratch) {
  if (auto fine = check(query); !fine)
    return fine.error();
  if (seeds.empty())
    return failure{errc::invalid_argument, "no seeds: give one concept or more"};
  std::vector<std::uint32_t> indices;
  indices.reserve(seeds.size());
  for (const concept_id& id : seeds) {
    const auto index = s.index_of(id);
    if (!index)
      return failure{errc::not_found, "concept " + id.hex() + " is not learned"};
    indices.push_back(*index);
  }
  return subgraph(s, indices, query, scratch);
}

result<void> check(const subgraph_query& query) {
  if (query.hops > path_depth_max)
    return failure{errc::invalid_argument, "hops is " + std::to_string(query.hops) + ": at most "
                                             + std::to_string(path_depth_max)};
  return check(query.filter);
}

} // namespace cmem
