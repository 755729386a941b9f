#pragma once
// More queries of the baseline, written plainly: any of several equal answers will do, and a
// program that keeps its graph in a map would write no more.

#include "tools/mutable_graph.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace cmem::tools {

/// Arrays are reused. Preconditions of all: learned concepts. Threads: one.
class mutable_graph_context {
public:
  /// The greatest product of confidences; nullopt without a path. Dijkstra from one end (1959); of
  /// the ways to a concept only the most confident goes on, even where it is too long in the end.
  std::optional<double> confident_path(const mutable_graph& g, std::uint32_t from, std::uint32_t to,
                                       std::uint32_t depth_max);
  /// How many paths there are, k at most, by hops. Yen 1971, each over a breadth-first search.
  std::size_t alternative_paths(const mutable_graph& g, std::uint32_t from, std::uint32_t to,
                                std::uint32_t depth_max, std::size_t k);
  /// Concepts within some hops, nearest first, and how many associations there are among them.
  std::pair<std::size_t, std::size_t> subgraph(const mutable_graph& g, std::uint32_t seed,
                                               std::uint32_t hops, std::size_t concepts_max);
  /// How many concepts are most active, top_k at most, as activate() of storage/activation.hpp
  /// spreads it by default.
  std::size_t activation(const mutable_graph& g, std::uint32_t seed, std::uint32_t hops,
                         std::size_t top_k);

private:
  using nodes = std::vector<std::uint32_t>;

  void begin(const mutable_graph& g);
  bool reach(std::uint32_t index) {
    return seen_[index] != search_ && (seen_[index] = search_, true);
  }
  /// A path of fewest hops that enters nothing of `barred` and goes nowhere of `barred_firsts`
  /// first.
  nodes shortest(const mutable_graph& g, std::uint32_t from, std::uint32_t to,
                 std::size_t depth_max, std::span<const std::uint32_t> barred,
                 const nodes& barred_firsts);

  std::vector<std::uint64_t> seen_; // by node: number of the search that saw it
  std::uint64_t search_ = 0;
  nodes previous_; // by node
  nodes reached_;
  std::vector<double> value_; // by node
  std::vector<double> total_; // by node
};

} // namespace cmem::tools
