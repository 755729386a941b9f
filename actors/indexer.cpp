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

void rest(indexer_pointer self) {
  constexpr std::chrono::seconds pause(1);
  const auto until = self->system().clock().now() + pause;
  cafx::state(self).rests_until = until;
  cafx::send_at(self, until, indexer_actor(self), msg::index_now{});
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
      if (self->system().clock().now() < state.rests_until)
        return; // it is told again then
      try {
        if (state.core->index())
          cafx::send(self, indexer_actor(self), msg::index_now{});
        state.failing = false;
      } catch (const std::exception& e) {
        if (!std::exchange(state.failing, true))
          state.core->log(log_level::error, std::string("an index could not be made: ") + e.what());
        rest(self);
      }
    },
  };
}

} // namespace cmem
