#include "bench/path_peer.hpp"

#include <cmath>
#include <igraph/igraph.h>
#include <stdexcept>

namespace cmem::bench {

namespace {

void check(igraph_error_t code) {
  if (code != IGRAPH_SUCCESS)
    throw std::runtime_error(std::string("igraph: ") + igraph_strerror(code));
}

class igraph_peer final : public path_peer {
public:
  igraph_peer(std::uint32_t concepts, const peer_link* links, std::size_t count) {
    igraph_set_error_handler(igraph_error_handler_ignore);
    igraph_set_warning_handler(igraph_warning_handler_ignore); // "Couldn't reach some vertices"
    igraph_vector_int_t ends;
    check(igraph_vector_int_init(&ends, static_cast<igraph_integer_t>(2 * count)));
    check(igraph_vector_init(&weights_, static_cast<igraph_integer_t>(count)));
    for (std::size_t i = 0; i < count; ++i) {
      const auto at = static_cast<igraph_integer_t>(i);
      VECTOR(ends)[2 * at] = links[i].source;
      VECTOR(ends)[2 * at + 1] = links[i].target;
      VECTOR(weights_)[at] = -std::log2(static_cast<double>(links[i].confidence));
    }
    check(igraph_create(&graph_, &ends, concepts, IGRAPH_DIRECTED));
    igraph_vector_int_destroy(&ends);
    check(igraph_vector_int_init(&edges_, 0));
  }
  ~igraph_peer() override {
    igraph_vector_int_destroy(&edges_);
    igraph_vector_destroy(&weights_);
    igraph_destroy(&graph_);
  }
  igraph_peer(const igraph_peer&) = delete;
  igraph_peer& operator=(const igraph_peer&) = delete;

  [[nodiscard]] std::string name() const override {
    const char* version = nullptr;
    igraph_version(&version, nullptr, nullptr, nullptr);
    return std::string("igraph ") + version;
  }
  [[nodiscard]] peer_path fewest_hops(std::uint32_t source, std::uint32_t target) override {
    check(igraph_get_shortest_path(&graph_, nullptr, &edges_, source, target, IGRAPH_OUT));
    return found(source != target);
  }
  [[nodiscard]] peer_path most_confident(std::uint32_t source, std::uint32_t target) override {
    check(igraph_get_shortest_path_dijkstra(&graph_, nullptr, &edges_, source, target, &weights_,
                                            IGRAPH_OUT));
    return found(source != target);
  }

private:
  // Without edges there is no path, or none is needed.
  [[nodiscard]] peer_path found(bool needs_edges) const {
    peer_path p;
    const igraph_integer_t hops = igraph_vector_int_size(&edges_);
    double cost = 0;
    for (igraph_integer_t i = 0; i < hops; ++i)
      cost += VECTOR(weights_)[VECTOR(edges_)[i]];
    p.hops = static_cast<std::size_t>(hops);
    p.confidence = std::exp2(-cost);
    p.found = hops > 0 || !needs_edges;
    return p;
  }

  igraph_t graph_;
  igraph_vector_t weights_;
  igraph_vector_int_t edges_;
};

} // namespace

} // namespace cmem::bench

cmem::bench::path_peer* cmem_bench_make_path_peer(std::uint32_t concepts,
                                                  const cmem::bench::peer_link* links,
                                                  std::size_t count) {
  return new cmem::bench::igraph_peer(concepts, links, count);
}
