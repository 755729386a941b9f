#include "tools/mutable_graph_context.hpp"

#include "storage/activation.hpp"

#include <algorithm>
#include <queue>
#include <set>
#include <tuple>

namespace cmem::tools {

void mutable_graph_context::begin(const mutable_graph& g) {
  seen_.resize(g.nodes().size(), 0);
  previous_.resize(g.nodes().size());
  value_.resize(g.nodes().size(), 0);
  total_.resize(g.nodes().size(), 0);
  ++search_;
  reached_.clear();
}

std::optional<double> mutable_graph_context::confident_path(const mutable_graph& g,
                                                            std::uint32_t from, std::uint32_t to,
                                                            std::uint32_t depth_max) {
  begin(g);
  struct label {
    double confidence;
    std::uint32_t hops;
    std::uint32_t index;
    bool operator<(const label& other) const {
      return std::tuple(confidence, other.hops) < std::tuple(other.confidence, hops);
    }
  };
  std::priority_queue<label> queue;
  queue.push({1.0, 0, from});
  while (!queue.empty()) {
    const label at = queue.top();
    queue.pop();
    if (at.index == to)
      return at.hops <= depth_max ? std::optional(at.confidence) : std::nullopt;
    if (seen_[at.index] == search_)
      continue;
    seen_[at.index] = search_;
    for (const auto& e : g.nodes()[at.index].out)
      if (seen_[e.other] != search_ && g.nodes()[e.other].learned)
        queue.push({at.confidence * static_cast<double>(e.confidence), at.hops + 1, e.other});
  }
  return std::nullopt;
}

mutable_graph_context::nodes mutable_graph_context::shortest(const mutable_graph& g,
                                                             std::uint32_t from, std::uint32_t to,
                                                             std::size_t depth_max,
                                                             std::span<const std::uint32_t> barred,
                                                             const nodes& barred_firsts) {
  begin(g);
  for (const std::uint32_t b : barred)
    seen_[b] = search_;
  seen_[from] = search_;
  reached_.push_back(from);
  std::size_t begin = 0;
  for (std::size_t hop = 1; hop <= depth_max && begin < reached_.size(); ++hop) {
    const std::size_t end = reached_.size();
    for (; begin < end; ++begin)
      for (const auto& e : g.nodes()[reached_[begin]].out) {
        if (hop == 1 && std::count(barred_firsts.begin(), barred_firsts.end(), e.other) != 0)
          continue;
        if (!g.nodes()[e.other].learned || !reach(e.other))
          continue;
        previous_[e.other] = reached_[begin];
        reached_.push_back(e.other);
        if (e.other != to)
          continue;
        nodes path;
        for (std::uint32_t at = to; at != from; at = previous_[at])
          path.push_back(at);
        path.push_back(from);
        std::reverse(path.begin(), path.end());
        return path;
      }
  }
  return {};
}

std::size_t mutable_graph_context::alternative_paths(const mutable_graph& g, std::uint32_t from,
                                                     std::uint32_t to, std::uint32_t depth_max,
                                                     std::size_t k) {
  if (from == to)
    return 1;
  std::vector<nodes> found = {shortest(g, from, to, depth_max, {}, {})};
  if (found.front().empty())
    return 0;
  std::set<std::pair<std::size_t, nodes>> candidates;
  while (found.size() < k) {
    const nodes last = found.back();
    for (std::size_t i = 0; i + 1 < last.size(); ++i) {
      nodes barred_firsts;
      for (const nodes& p : found)
        if (p.size() > i + 1
            && std::equal(last.begin(), last.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                          p.begin()))
          barred_firsts.push_back(p[i + 1]);
      const nodes rest =
        shortest(g, last[i], to, depth_max - i, std::span(last).first(i), barred_firsts);
      if (rest.empty())
        continue;
      nodes whole(last.begin(), last.begin() + static_cast<std::ptrdiff_t>(i));
      whole.insert(whole.end(), rest.begin(), rest.end());
      candidates.emplace(whole.size(), std::move(whole));
    }
    if (candidates.empty())
      break;
    found.push_back(candidates.extract(candidates.begin()).value().second);
  }
  return found.size();
}

std::pair<std::size_t, std::size_t> mutable_graph_context::subgraph(const mutable_graph& g,
                                                                    std::uint32_t seed,
                                                                    std::uint32_t hops,
                                                                    std::size_t concepts_max) {
  begin(g);
  reach(seed);
  reached_.push_back(seed);
  std::size_t begin = 0;
  for (std::uint32_t hop = 1; hop <= hops && begin < reached_.size(); ++hop) {
    const std::size_t end = reached_.size();
    for (; begin < end && reached_.size() < concepts_max; ++begin)
      for (const auto& e : g.nodes()[reached_[begin]].out)
        if (g.nodes()[e.other].learned && reached_.size() < concepts_max && reach(e.other))
          reached_.push_back(e.other);
  }
  std::size_t associations = 0;
  for (const std::uint32_t i : reached_)
    for (const auto& e : g.nodes()[i].out)
      associations += seen_[e.other] == search_ ? 1U : 0U;
  return {reached_.size(), associations};
}

std::size_t mutable_graph_context::activation(const mutable_graph& g, std::uint32_t seed,
                                              std::uint32_t hops, std::size_t top_k) {
  const activation_query query;
  begin(g);
  reach(seed);
  nodes touched = {seed};
  nodes now = {seed};
  std::vector<double> energy = {1.0};
  for (std::uint32_t hop = 0; hop < hops; ++hop) {
    for (std::size_t i = 0; i < now.size(); ++i)
      for (const auto& e : g.nodes()[now[i]].out) {
        const double part =
          energy[i] * query.decay
          * std::min(1.0, static_cast<double>(e.confidence) * static_cast<double>(e.weight));
        if (energy[i] < query.threshold || part <= 0 || !g.nodes()[e.other].learned)
          continue;
        if (value_[e.other] <= 0)
          reached_.push_back(e.other);
        value_[e.other] += part;
      }
    now.swap(reached_);
    reached_.clear();
    energy.clear();
    for (const std::uint32_t i : now) {
      if (reach(i))
        touched.push_back(i);
      energy.push_back(value_[i]);
      total_[i] += value_[i];
      value_[i] = 0;
    }
  }
  const auto hits = std::min(top_k, touched.size() - 1);
  std::partial_sort(touched.begin() + 1, touched.begin() + 1 + static_cast<std::ptrdiff_t>(hits),
                    touched.end(),
                    [this](std::uint32_t a, std::uint32_t b) { return total_[a] > total_[b]; });
  for (const std::uint32_t i : touched)
    total_[i] = 0;
  return hits;
}

} // namespace cmem::tools
