#include "actors/checkpointer.hpp"

#include <chrono>
#include <exception>
#include <string>
#include <utility>

namespace cmem {

namespace {

using checkpointer_pointer = checkpointer_actor::stateful_pointer<checkpointer_state>;

void compact_after(checkpointer_pointer self, std::chrono::nanoseconds pause) {
  auto& state = cafx::state(self);
  if (state.compacting)
    return;
  state.compacting = true;
  if (pause.count() == 0)
    cafx::send(self, checkpointer_actor(self), msg::compact_some{});
  else
    cafx::send_at(self,
                  self->system().clock().now()
                    + std::chrono::duration_cast<caf::actor_clock::time_point::duration>(pause),
                  checkpointer_actor(self), msg::compact_some{});
}

} // namespace

checkpointer_actor::behavior_type make_checkpointer(checkpointer_pointer self,
                                                    std::shared_ptr<memory_core> core) {
  cafx::state(self).core = std::move(core);
  cafx::send(self, checkpointer_actor(self), msg::flush_now{}); // what a predecessor left
  return {
    [self](const msg::flush_now&) {
      auto& state = cafx::state(self);
      try {
        state.core->make_log_ready();
        while (state.core->flush()) {}
        compact_after(self, {});
      } catch (const std::exception& e) { // it is kept, and tried again with the next one
        state.core->log(log_level::error, std::string("a flush failed: ") + e.what());
      }
    },
    [self](const msg::compact_some&) {
      auto& state = cafx::state(self);
      state.compacting = false;
      try {
        if (const auto pause = state.core->compact())
          compact_after(self, *pause);
      } catch (const std::exception& e) { // begun anew after the next flush
        state.core->log(log_level::error, std::string("a compaction failed: ") + e.what());
      }
    },
  };
}

} // namespace cmem
