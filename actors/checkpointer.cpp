#include "actors/checkpointer.hpp"

#include <exception>
#include <string>
#include <utility>

namespace cmem {

checkpointer_actor::behavior_type make_checkpointer(
  checkpointer_actor::stateful_pointer<checkpointer_state> self,
  std::shared_ptr<memory_core> core) {
  cafx::state(self).core = std::move(core);
  if (cafx::state(self).core->flush_due()) // a predecessor left it
    cafx::send(self, checkpointer_actor(self), msg::flush_now{});
  return {
    [self](const msg::flush_now&) {
      auto& state = cafx::state(self);
      try {
        state.core->make_log_ready();
        while (state.core->flush()) {}
      } catch (const std::exception& e) { // it is kept, and tried again with the next one
        state.core->log(log_level::error, std::string("a flush failed: ") + e.what());
      }
    },
  };
}

} // namespace cmem
