#pragma once
// What the benchmarks of path searches share: graphs, the same graphs in static arrays, and pairs.

#include "bench/csr_graph.hpp"
#include "bench/path_peer.hpp"
#include "bench/workbench.hpp"
#include "storage/path_graph.hpp"

#include <memory>
#include <string>
#include <vector>

namespace cmem::bench {

/// For reports.
inline constexpr auto huge_pages_note =
  "static rows, and what a search from one side keeps, ask for huge pages as the memory does; "
  "igraph gets what malloc gives: with GLIBC_TUNABLES=glibc.malloc.hugetlb=1 in the environment, "
  "huge pages too";

/// Outgoing associations in static rows, as path searches walk them. Holds references.
class csr_walk {
public:
  csr_walk(const csr_graph& g, const huge_vector<concept_id>& ids) noexcept : g_(g), ids_(ids) {}

  [[nodiscard]] std::uint32_t index_count() const noexcept { return g_.index_count(); }
  template <path_side Side>
  [[nodiscard]] std::uint32_t degree(std::uint32_t i) const noexcept {
    return list<Side>(i).size();
  }
  template <path_side Side, class F>
  bool any_target(std::uint32_t i, F&& f) const {
    for (const std::uint32_t t : list<Side>(i).targets())
      if (f(t))
        return true;
    return false;
  }
  template <path_side Side, class F>
  void for_each_link(std::uint32_t i, F&& f) const {
    const csr_list all = list<Side>(i);
    const auto targets = all.targets();
    const auto confidences = all.confidences();
    for (std::size_t j = 0; j < targets.size(); ++j)
      f(targets[j], confidences[j]);
  }
  template <path_side Side>
  void prefetch(std::uint32_t i, prefetch_step step) const noexcept {
    switch (step) {
      case prefetch_step::list: return Side == forward ? g_.prefetch_out(i) : g_.prefetch_in(i);
      case prefetch_step::targets: return list<Side>(i).prefetch();
      case prefetch_step::properties: return list<Side>(i).prefetch_confidences();
    }
  }
  [[nodiscard]] bool may_enter(std::uint32_t) const noexcept { return true; }
  [[nodiscard]] const concept_id& id(std::uint32_t i) const noexcept { return ids_[i]; }
  [[nodiscard]] path_step step(std::uint32_t from, std::uint32_t to) const;

private:
  template <path_side Side>
  [[nodiscard]] csr_list list(std::uint32_t i) const noexcept {
    if constexpr (Side == forward)
      return g_.out(i);
    else
      return g_.in(i);
  }

  const csr_graph& g_;
  const huge_vector<concept_id>& ids_;
};

/// A memory with a graph in it, as it was learned, and a copy of that in static arrays.
class path_rig {
public:
  /// R-MAT with 2^scale concepts, 16 associations for each; confidences are even in (0, 1].
  static path_rig rmat(unsigned scale);
  /// WordNet, every pointer of confidence 1; one in ten of less where `weighted`. Throws where it
  /// is not installed.
  static path_rig wordnet(bool weighted);

  [[nodiscard]] const graph_snapshot& snapshot() const noexcept { return *snapshot_; }
  [[nodiscard]] csr_walk rows() const noexcept { return {*rows_, ids_}; }
  /// `n` random pairs of different concepts that have a path, always the same ones.
  [[nodiscard]] std::vector<edge_pair> pairs(std::size_t n) const;
  /// The graph in igraph; nullptr when its module was not built.
  [[nodiscard]] std::unique_ptr<path_peer> peer() const;

private:
  path_rig() = default;
  void finish();

  std::unique_ptr<engine> memory_;
  snapshot_handle snapshot_;
  std::unique_ptr<csr_graph> rows_;
  huge_vector<concept_id> ids_; // by index
};

/// Microseconds a pair.
template <class F>
double mean_time(const std::vector<edge_pair>& pairs, F&& f) {
  stopwatch watch;
  for (const edge_pair& p : pairs)
    f(p);
  return watch.seconds() * 1e6 / static_cast<double>(pairs.size());
}

} // namespace cmem::bench
