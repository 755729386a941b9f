#include "actors/reconciler.hpp"

#include <chrono>
#include <exception>
#include <string>
#include <utility>

namespace cmem {

namespace {

using reconciler_pointer = reconciler_actor::stateful_pointer<reconciler_state>;

constexpr std::chrono::seconds watch_every{1};
// An idle memory still frees what readers let go of, but not at every beat: a tick takes two
// switches of threads.
constexpr unsigned idle_beats = 50;

void step(reconciler_pointer self) {
  auto& state = cafx::state(self);
  try {
    if (state.core->reconcile().more_pending && !state.going_on) {
      state.going_on = true;
      cafx::send(self, reconciler_actor(self), msg::go_on{});
    }
  } catch (const std::exception& e) {
    // The batch is the engine's, which keeps it: the next tick tries again.
    state.core->log(log_level::error, std::string("a reconcile step failed: ") + e.what());
  }
}

void watch(reconciler_pointer self) {
  auto& state = cafx::state(self);
  const auto now = self->system().clock().now();
  if (now < state.watch_due)
    return;
  state.watch_due = now + watch_every;
  state.core->watch_health();
}

std::chrono::milliseconds interval_of(const memory_core& core) {
  return std::chrono::milliseconds(core.settings().reconcile_interval_ms);
}

void schedule_tick(reconciler_pointer self) {
  auto& state = cafx::state(self);
  const auto interval = interval_of(*state.core);
  const auto now = self->system().clock().now();
  state.due += interval;
  if (state.due <= now)
    state.due += interval * ((now - state.due) / interval + 1); // missed ticks are skipped
  cafx::send_at(self, state.due, reconciler_actor(self), msg::tick{});
}

void start_pacemaker(reconciler_pointer self) {
  auto& state = cafx::state(self);
  state.ticking = std::make_shared<std::atomic<bool>>(false);
  // Nothing of the actor but its handle: the state is not this thread's.
  auto beat = [core = state.core, ticking = state.ticking, h = reconciler_actor(self),
               quiet = 0U]() mutable {
    if (!core->has_work() && ++quiet < idle_beats)
      return;
    quiet = 0;
    // Relaxed: it only keeps ticks from piling up; the mailbox orders everything else.
    if (!ticking->exchange(true, std::memory_order_relaxed))
      cafx::post(h, msg::tick{});
  };
  state.pace = std::make_unique<pacemaker>(interval_of(*state.core), std::move(beat));
}

} // namespace

reconciler_actor::behavior_type make_reconciler(reconciler_pointer self,
                                                std::shared_ptr<memory_core> core) {
  auto& state = cafx::state(self);
  state.core = std::move(core);
  state.due = self->system().clock().now();
  const auto down = [self](const caf::actor_addr& who, const caf::error&) {
    cafx::state(self).core->unsubscribe(who);
  };
  cafx::on_down(self, down);
  // What a predecessor left.
  for (const auto& who : state.core->subscribers())
    cafx::monitor(self, who, down);
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
      if (!st.going_on)
        step(self);
      watch(self);
    },
    [self](const msg::reconcile_now&) { step(self); },
    [self](const msg::go_on&) {
      cafx::state(self).going_on = false;
      step(self);
    },
    [self, down](const msg::subscribe& m) {
      cafx::state(self).core->subscribe(m.reader);
      cafx::monitor(self, m.reader, down);
    },
  };
}

} // namespace cmem
