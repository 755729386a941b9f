#include "storage/real_sync.hpp"

#if defined(__linux__)
#  include <linux/membarrier.h>
#  include <sys/syscall.h>
#  include <unistd.h>
#endif

namespace cmem {

#if defined(__linux__)

bool real_sync::enable_asymmetric_fences() noexcept {
  return ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

bool real_sync::heavy_fence(bool asymmetric) noexcept {
  if (asymmetric)
    return ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
  full_fence();
  return true;
}

#else

bool real_sync::enable_asymmetric_fences() noexcept { return false; }

bool real_sync::heavy_fence(bool) noexcept {
  full_fence();
  return true;
}

#endif

} // namespace cmem
