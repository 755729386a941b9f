#include "bench/durable_peer.hpp"

#include "bench/peer_module.hpp"

namespace cmem::bench {

std::unique_ptr<durable_peer> open_peer(const std::string& name, const std::string& directory) {
  const auto open =
    reinterpret_cast<decltype(&cmem_bench_open_peer)>(peer_symbol(name, "cmem_bench_open_peer"));
  return open == nullptr ? nullptr : std::unique_ptr<durable_peer>(open(directory.c_str()));
}

} // namespace cmem::bench
