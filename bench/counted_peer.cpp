#include "bench/counted_peer.hpp"

#include "bench/peer_module.hpp"

namespace cmem::bench {

std::unique_ptr<counted_peer> open_counted_peer(const std::string& directory, bool compressed) {
  const auto open = reinterpret_cast<decltype(&cmem_bench_open_counted_peer)>(
    peer_symbol("rocksdb", "cmem_bench_open_counted_peer"));
  return open == nullptr ? nullptr
                         : std::unique_ptr<counted_peer>(open(directory.c_str(), compressed));
}

} // namespace cmem::bench
