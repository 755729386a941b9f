#include "storage/subgraph.hpp"

#include "storage/context_search.hpp"
#include "storage/filtered_walk.hpp"
#include "storage/limits.hpp"

#include <algorithm>
#include <cassert>
#include <functional>
#include <string>

namespace cmem {

namespace {

constexpr std::size_t sorted_run = 2048;

// Bottom-up merge sort, which can be left: whether the watch let it end. `spare` is of any size.
bool sort_in_time(std::vector<keyed_concept>& keys, std::vector<keyed_concept>& spare,
                  deadline_watch& watch) {
  const auto at = [](std::vector<keyed_concept>& v, std::size_t i) {
    return v.begin() + static_cast<std::ptrdiff_t>(std::min(i, v.size()));
  };
  for (std::size_t i = 0; i < keys.size(); i += sorted_run) {
    std::sort(at(keys, i), at(keys, i + sorted_run));
    if (watch.passed(sorted_run))
      return false;
  }
  spare.resize(keys.size());
  for (std::size_t run = sorted_run; run < keys.size(); run *= 2) {
    for (std::size_t i = 0; i < keys.size(); i += 2 * run) {
      auto a = at(keys, i), b = at(keys, i + run), out = at(spare, i);
      const auto a_end = b, b_end = at(keys, i + 2 * run);
      for (; a != a_end || b != b_end; ++out) {
        if (watch.passed(1))
          return false;
        *out = b == b_end || (a != a_end && *a < *b) ? *a++ : *b++;
      }
    }
    keys.swap(spare);
  }
  return true;
}

class subgraph_search {
public:
  subgraph_search(const graph_snapshot& s, const subgraph_query& query,
                  context_scratch::impl& scratch)
    : s_(s),
      query_(query),
      walk_(s, query.filter),
      watch_(query.limits.deadline, scratch.clock),
      places_(scratch.places),
      concepts_(scratch.concepts),
      scratch_(scratch),
      associations_(scratch.associations) {
    places_.reserve(s.index_count());
    concepts_.clear();
    associations_.clear();
  }

  subgraph_answer run(std::span<const std::uint32_t> seeds) {
    for (const std::uint32_t seed : seeds)
      if (!places_.in(concepts_, seed))
        reach(seed, 0);
    deadline_watch none{std::nullopt}; // seeds are there at any rate
    answer_.visited = concepts_.size();
    const bool limited = concepts_.size() > query_.limits.visited_max;
    order_from(0, none);
    if (limited)
      answer_.end = traversal_end::visited_max;
    else
      spread();
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

  // Sorts the last hop, and of more than are wanted keeps the first. False: the watch left it.
  bool order_from(std::size_t begin, deadline_watch& watch) {
    std::vector<keyed_concept>& keys = scratch_.keys;
    keys.clear();
    const std::size_t last = concepts_.size() - begin;
    const std::size_t wanted =
      std::min(last, query_.concepts_max - std::min(begin, query_.concepts_max));
    const std::size_t room = 2 * std::max(wanted, sorted_run);
    bool full = wanted == 0; // with what is wanted: the rest has to come before the last of it
    for (std::size_t i = begin; i < concepts_.size(); ++i) {
      if (watch.passed(1))
        return false;
      const keyed_concept k{s_.node(concepts_[i].index).id, concepts_[i].index};
      if (full && (wanted == 0 || !(k < keys[wanted - 1])))
        continue;
      keys.push_back(k);
      if (keys.size() < room)
        continue;
      if (!sort_in_time(keys, scratch_.merged, watch))
        return false;
      keys.resize(wanted);
      full = true;
    }
    if (const bool sorted = full && keys.size() == wanted;
        !sorted && !sort_in_time(keys, scratch_.merged, watch))
      return false;
    keys.resize(wanted);
    const std::uint32_t hops = concepts_.empty() ? 0 : concepts_.back().hops;
    concepts_.resize(begin);
    for (const keyed_concept& k : keys) {
      if (watch.passed(1))
        return false;
      reach(k.index, hops);
    }
    answer_.concepts_cut = answer_.concepts_cut || last > wanted;
    return true;
  }

  // Whole hops, until there are concepts enough and it is known whether there are more.
  void spread() {
    if (watch_.passed(0))
      answer_.end = traversal_end::deadline;
    std::size_t begin = 0; // of the last hop
    while (answer_.end == traversal_end::complete && answer_.hops < query_.hops
           && begin < concepts_.size() && !answer_.concepts_cut) {
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
      const std::uint64_t reached = concepts_.size();
      if (!order_from(end, watch_)) {
        answer_.end = traversal_end::deadline;
        concepts_.resize(end);
        return;
      }
      answer_.visited = reached;
      ++answer_.hops;
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
      else if (watch_.passed(1)) // it may have had no associations
        answer_.end = traversal_end::deadline;
      if (answer_.end != traversal_end::complete)
        return;
    }
  }

  // By source as they come, and each source's sorted: the whole is never.
  void collect() {
    deadline_watch late = watch_;
    traversal_filter outgoing = query_.filter; // every association has its source among them, once
    outgoing.along = direction::outgoing;
    const filtered_walk walk(s_, outgoing);
    for (const subgraph_concept& from : concepts_) {
      if (late.passed(1))
        break;
      const std::size_t begin = associations_.size();
      const bool left = walk.any_association(
        from.index, late, [&](const adjacency_chunk& c, std::size_t i, direction) {
          if (places_.in(concepts_, c.targets[i]))
            associations_.push_back(
              {from.index, c.targets[i], c.kind[i], c.confidence[i], c.weight[i], c.times_of(i)});
          return false;
        });
      if (left) { // a part of its list, in whatever order
        associations_.resize(begin);
        break;
      }
      std::sort(associations_.begin() + static_cast<std::ptrdiff_t>(begin), associations_.end(),
                [this](const subgraph_association& a, const subgraph_association& b) {
                  return a.target != b.target ? places_[a.target] < places_[b.target]
                                              : a.kind < b.kind;
                });
      // Now and then, so that this holds twice what is wanted and not the whole graph.
      if (associations_.size() / 2 > std::max<std::size_t>(query_.associations_max, 512))
        keep_best();
    }
    if (late.passed() && answer_.end == traversal_end::complete)
      answer_.end = traversal_end::deadline;
    keep_best();
    answer_.associations.assign(associations_.begin(), associations_.end());
  }

  // The most confident, in the order in which they are; of the least of these the first.
  void keep_best() {
    if (associations_.size() <= query_.associations_max)
      return;
    answer_.associations_cut = true;
    std::vector<float>& sorted = scratch_.confidences;
    sorted.clear();
    for (const subgraph_association& a : associations_)
      sorted.push_back(a.confidence);
    const auto last = sorted.begin() + static_cast<std::ptrdiff_t>(query_.associations_max) - 1;
    std::nth_element(sorted.begin(), last, sorted.end(), std::greater<>());
    const float least = *last;
    auto of_least = 1 + std::count(sorted.begin(), last, least);
    std::erase_if(associations_, [&](const subgraph_association& a) {
      return a.confidence < least || (a.confidence <= least && of_least-- <= 0);
    });
  }

  const graph_snapshot& s_;
  const subgraph_query& query_;
  filtered_walk walk_;
  deadline_watch watch_;
  index_places& places_;
  std::vector<subgraph_concept>& concepts_;
  context_scratch::impl& scratch_;
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
