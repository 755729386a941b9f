#include "bench/durable_peer.hpp"

#include <dlfcn.h>

namespace cmem::bench {

std::unique_ptr<durable_peer> open_peer(const std::string& name, const std::string& directory) {
  // Never unloaded: its library may have threads that end with the process.
  void* const module =
    ::dlopen((CMEM_PEERS "/cmem_peer_" + name + ".so").c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr)
    return nullptr;
  const auto open =
    reinterpret_cast<decltype(&cmem_bench_open_peer)>(::dlsym(module, "cmem_bench_open_peer"));
  return open == nullptr ? nullptr : std::unique_ptr<durable_peer>(open(directory.c_str()));
}

} // namespace cmem::bench
