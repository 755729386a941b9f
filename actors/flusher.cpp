#include "actors/flusher.hpp"

#include <chrono>
#include <exception>
#include <string>
#include <utility>

namespace cmem {

namespace {

using flusher_pointer = flusher_actor::stateful_pointer<flusher_state>;

void commit(flusher_pointer self) {
  auto& core = *cafx::state(self).core;
  try {
    if (core.commit_wanted())
      core.commit();
  } catch (const std::exception& e) {
    core.log(log_level::error, std::string("a commit failed: ") + e.what());
  }
}

std::chrono::milliseconds interval_of(const memory_core& core) {
  return std::chrono::milliseconds(core.settings().commit_interval_ms);
}

void schedule_tick(flusher_pointer self) {
  auto& state = cafx::state(self);
  const auto interval = interval_of(*state.core);
  const auto now = self->system().clock().now();
  state.due += interval;
  if (state.due <= now)
    state.due += interval * ((now - state.due) / interval + 1); // missed ticks are skipped
  cafx::send_at(self, state.due, flusher_actor(self), msg::tick{});
}

void start_pacemaker(flusher_pointer self) {
  auto& state = cafx::state(self);
  state.ticking = std::make_shared<std::atomic<bool>>(false);
  auto beat = [core = state.core, ticking = state.ticking, h = flusher_actor(self)] {
    // Relaxed: it only keeps ticks from piling up; the mailbox orders everything else.
    if (core->commit_wanted() && !ticking->exchange(true, std::memory_order_relaxed))
      cafx::post(h, msg::tick{});
  };
  state.pace = std::make_unique<pacemaker>(interval_of(*state.core), std::move(beat));
}

} // namespace

flusher_actor::behavior_type make_flusher(flusher_pointer self, std::shared_ptr<memory_core> core) {
  auto& state = cafx::state(self);
  state.core = std::move(core);
  state.due = self->system().clock().now();
  if (state.core->settings().reconciler_detached)
    start_pacemaker(self);
  else
    schedule_tick(self);
  return {
    [self](const msg::tick&) {
      auto& st = cafx::state(self);
      if (st.ticking)
        st.ticking->store(false, std::memory_order_relaxed);
      else
        schedule_tick(self);
      commit(self);
    },
    [self](const msg::commit_now&) { commit(self); },
  };
}

} // namespace cmem
