#include "bench/peer_module.hpp"

#include <dlfcn.h>

namespace cmem::bench {

void* peer_symbol(const std::string& name, const char* symbol) {
  void* const module =
    ::dlopen((CMEM_PEERS "/cmem_peer_" + name + ".so").c_str(), RTLD_NOW | RTLD_LOCAL);
  return module == nullptr ? nullptr : ::dlsym(module, symbol);
}

} // namespace cmem::bench
