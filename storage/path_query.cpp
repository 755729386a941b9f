#include "storage/path_query.hpp"

#include "storage/alternative_paths.hpp"
#include "storage/confident_search.hpp"
#include "storage/hop_search.hpp"
#include "storage/path_graph.hpp"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

namespace cmem {

namespace {

template <class Graph>
class path_searches {
public:
  path_searches(const Graph& g, std::uint32_t target, path_order order, search_budget& budget,
                path_scratch::impl& scratch) noexcept
    : g_(g), target_(target), order_(order), budget_(budget), scratch_(scratch) {}

  std::optional<path> operator()(std::span<const path_step> behind, std::uint32_t from,
                                 std::uint32_t max_depth, const path_restriction& restriction) {
    if (from == target_)
      return path{from, {}, 1.0};
    const bool worthless = std::any_of(behind.begin(), behind.end(),
                                       [](const path_step& s) { return s.confidence <= 0.0F; });
    if (order_ == path_order::most_confident && !worthless) {
      std::optional<path> p = most_confident(from, max_depth, restriction);
      if (p || !only_zeros_left_ || budget_.is_over())
        return p;
    }
    // Where all have confidence 0, those of fewest hops come first.
    return hop_search<Graph>(g_, scratch_, budget_, restriction, from, target_).run(max_depth);
  }

private:
  std::optional<path> most_confident(std::uint32_t from, std::uint32_t max_depth,
                                     const path_restriction& restriction) {
    using unbounded = confident_search<Graph, false>;
    using bounded = confident_search<Graph, true>;
    auto o = unbounded(g_, scratch_, budget_, restriction, from, target_).run(max_depth);
    only_zeros_left_ = o.skipped_zeros;
    if (!o.depth_matters || budget_.is_over())
      return std::move(o.found);
    auto exact = bounded(g_, scratch_, budget_, restriction, from, target_).run(max_depth);
    only_zeros_left_ = exact.skipped_zeros;
    // A search that was cut off may know less than the one before it.
    if (budget_.is_over() && o.found
        && (!exact.found || rank_of(order_, *o.found) < rank_of(order_, *exact.found)))
      return std::move(o.found);
    return std::move(exact.found);
  }

  const Graph& g_;
  std::uint32_t target_;
  path_order order_;
  search_budget& budget_;
  path_scratch::impl& scratch_;
  bool only_zeros_left_ = false; // there was something that most_confident() left out
};

template <class Graph>
path_answer find_in(const Graph& g, const graph_snapshot& s, std::uint32_t source,
                    std::uint32_t target, const path_query& query, path_scratch& scratch) {
  search_budget budget(query.limits, scratch.get().clock);
  path_searches<Graph> searches(g, target, query.order, budget, scratch.get());
  path_answer a;
  if (query.alternatives == 1) {
    if (auto p = searches({}, source, query.max_depth, {}))
      a.found.push_back(std::move(*p));
  } else {
    a.found = find_alternatives(s, source, query, std::ref(searches), budget);
  }
  a.visited = budget.visited();
  a.end = budget.end();
  return a;
}

} // namespace

path_answer find_paths(const graph_snapshot& s, std::uint32_t source, std::uint32_t target,
                       const path_query& query, path_scratch& scratch) {
  assert(source < s.index_count() && s.is_learned(source));
  assert(target < s.index_count() && s.is_learned(target));
  assert(check(query));
  path_answer a;
  if (query.alternatives == 0)
    return a;
  if (source == target) {
    a.found.push_back({source, {}, 1.0});
    return a;
  }
  if (query.filter.passes_all() && query.filter.along == direction::outgoing)
    return find_in(open_graph(s), s, source, target, query, scratch);
  return find_in(filtered_graph(s, query.filter), s, source, target, query, scratch);
}

result<path_answer> find_paths(const graph_snapshot& s, const concept_id& source,
                               const concept_id& target, const path_query& query,
                               path_scratch& scratch) {
  if (auto checked = check(query); !checked)
    return checked.error();
  const auto from = s.index_of(source);
  if (!from)
    return failure{errc::not_found, "source " + source.hex() + " is not learned"};
  const auto to = s.index_of(target);
  if (!to)
    return failure{errc::not_found, "target " + target.hex() + " is not learned"};
  return find_paths(s, *from, *to, query, scratch);
}

result<void> check(const path_query& query) {
  if (query.max_depth > path_depth_max)
    return failure{errc::invalid_argument, "max_depth is " + std::to_string(query.max_depth)
                                             + ": must be at most "
                                             + std::to_string(path_depth_max)};
  if (query.alternatives > path_alternatives_max)
    return failure{errc::invalid_argument, "alternatives is " + std::to_string(query.alternatives)
                                             + ": must be at most "
                                             + std::to_string(path_alternatives_max)};
  return check(query.filter);
}

} // namespace cmem
