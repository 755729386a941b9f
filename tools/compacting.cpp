#include "tools/compacting.hpp"

#include "tools/shown.hpp"
#include "tools/status_line.hpp"

#include <future>

namespace cmem::tools {

result<void> compact_all(concurrent_memory& memory, const console& c) {
  auto done = std::async(std::launch::async, [&] { return memory.compact(); });
  status_line status(c);
  const auto begin = std::chrono::steady_clock::now();
  while (done.wait_for(std::chrono::milliseconds(100)) != std::future_status::ready)
    if (status.due())
      status.show("merging " + show_count(memory.stats().storage.segment_bytes)
                  + " bytes of segments, "
                  + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(
                                     std::chrono::steady_clock::now() - begin)
                                     .count())
                  + " s");
  return done.get();
}

} // namespace cmem::tools
