#include "actors/indexer.hpp"

#include <exception>
#include <string>
#include <utility>

#include <sys/resource.h>
#include <unistd.h>

namespace cmem {

namespace {

using indexer_pointer = indexer_actor::stateful_pointer<indexer_state>;

/// On Linux each thread has a niceness of its own. One that cannot be set does no harm.
void yield_to_others() noexcept {
  constexpr int niceness = 5;
  (void) ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), niceness);
}

} // namespace

indexer_actor::behavior_type make_indexer(indexer_pointer self, std::shared_ptr<memory_core> core) {
  cafx::state(self).core = std::move(core);
  cafx::send(self, indexer_actor(self), msg::index_now{}); // what a predecessor left
  return {
    [self](const msg::index_now&) {
      auto& state = cafx::state(self);
      if (!state.yielding && state.core->settings().reconciler_detached)
        yield_to_others();
      state.yielding = true;
      try {
        if (state.core->index())
          cafx::send(self, indexer_actor(self), msg::index_now{});
      } catch (const std::exception& e) { // tried again when something changes
        state.core->log(log_level::error, std::string("an index could not be made: ") + e.what());
      }
    },
  };
}

} // namespace cmem
