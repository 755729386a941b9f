#pragma once
// A graph in igraph, an implementation that shares nothing with ours. Tests alone link it.

#include "tests/catch.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <igraph/igraph.h>
#include <limits>
#include <utility>
#include <vector>

namespace cmem::test {

struct igraph_link {
  std::uint32_t source;
  std::uint32_t target;
  float confidence;
};

/// Directed. Edges of confidence 0 count for hops; no confident path leads over them.
class igraph_graph {
public:
  igraph_graph(std::uint32_t vertices, const std::vector<igraph_link>& links) {
    const auto count = static_cast<igraph_integer_t>(links.size());
    igraph_vector_int_t ends;
    check(igraph_vector_int_init(&ends, 2 * count));
    check(igraph_vector_init(&costs_, count));
    for (igraph_integer_t i = 0; i < count; ++i) {
      const igraph_link& l = links[static_cast<std::size_t>(i)];
      VECTOR(ends)[2 * i] = l.source;
      VECTOR(ends)[2 * i + 1] = l.target;
      VECTOR(costs_)[i] = -std::log2(static_cast<double>(l.confidence)); // infinite: left out
    }
    check(igraph_create(&graph_, &ends, vertices, IGRAPH_DIRECTED));
    igraph_vector_int_destroy(&ends);
  }
  ~igraph_graph() {
    igraph_vector_destroy(&costs_);
    igraph_destroy(&graph_);
  }
  igraph_graph(const igraph_graph&) = delete;
  igraph_graph& operator=(const igraph_graph&) = delete;

  /// From one vertex to all, infinite where there is no path.
  [[nodiscard]] std::vector<double> hops(std::uint32_t from, igraph_neimode_t mode) const {
    return distances([&](igraph_matrix_t* all) {
      return igraph_distances(&graph_, all, igraph_vss_1(from), igraph_vss_all(), mode);
    });
  }
  /// Of the most confident path to each, as -log2 of it.
  [[nodiscard]] std::vector<double> costs(std::uint32_t from, igraph_neimode_t mode) const {
    return distances([&](igraph_matrix_t* all) {
      return igraph_distances_dijkstra(&graph_, all, igraph_vss_1(from), igraph_vss_all(), &costs_,
                                       mode);
    });
  }

private:
  static void check(igraph_error_t code) {
    if (code != IGRAPH_SUCCESS)
      FAIL("igraph: " << igraph_strerror(code));
  }
  template <class F>
  std::vector<double> distances(F&& fill) const {
    igraph_matrix_t all;
    check(igraph_matrix_init(&all, 0, 0));
    check(fill(&all));
    std::vector<double> row;
    for (igraph_integer_t i = 0; i < igraph_matrix_ncol(&all); ++i)
      row.push_back(MATRIX(all, 0, i));
    igraph_matrix_destroy(&all);
    return row;
  }

  igraph_t graph_;
  igraph_vector_t costs_;
};

} // namespace cmem::test
