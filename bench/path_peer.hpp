#pragma once
// A library of others that finds paths in a graph of its own.

#include <cstddef>
#include <cstdint>
#include <string>

namespace cmem::bench {

struct peer_link {
  std::uint32_t source;
  std::uint32_t target;
  float confidence;
};
struct peer_path {
  std::size_t hops = 0;
  double confidence = 0;
  bool found = false;
};

/// A module of bench/peers has it. Calls throw std::runtime_error. Threads: one at a time.
class path_peer {
public:
  virtual ~path_peer() = default;
  [[nodiscard]] virtual std::string name() const = 0; ///< with its version
  /// By its breadth-first search.
  [[nodiscard]] virtual peer_path fewest_hops(std::uint32_t source, std::uint32_t target) = 0;
  /// By its Dijkstra, on -log2 of the confidences.
  [[nodiscard]] virtual peer_path most_confident(std::uint32_t source, std::uint32_t target) = 0;
};

} // namespace cmem::bench

/// What the module defines. The caller owns the answer.
extern "C" cmem::bench::path_peer* cmem_bench_make_path_peer(std::uint32_t concepts,
                                                             const cmem::bench::peer_link* links,
                                                             std::size_t count);
