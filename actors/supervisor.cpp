#include "actors/supervisor.hpp"

#include "actors/checkpointer.hpp"
#include "actors/flusher.hpp"
#include "actors/indexer.hpp"
#include "actors/reader.hpp"
#include "actors/reconciler.hpp"
#include "actors/writer.hpp"

#include <caf/deep_to_string.hpp>

#include <exception>
#include <string>
#include <utility>

namespace cmem {

namespace {

using supervisor_pointer = supervisor_actor::stateful_pointer<supervisor_state>;
using core_pointer = std::shared_ptr<memory_core>;

writer_actor spawn_writer(caf::actor_system& system, const core_pointer& core) {
  auto h = system.spawn<caf::hidden>(make_writer, core);
  core->actors().set(h);
  return h;
}

reader_pool_actor spawn_reader_pool(caf::actor_system& system, const core_pointer& core) {
  auto h = system.spawn<caf::hidden>(make_reader_pool, core);
  core->actors().set(h);
  return h;
}

reconciler_actor spawn_reconciler(caf::actor_system& system, const core_pointer& core) {
  reconciler_actor h;
  if (core->settings().reconciler_detached)
    h = system.spawn<caf::detached + caf::hidden>(make_reconciler, core);
  else
    h = system.spawn<caf::hidden>(make_reconciler, core);
  core->actors().set(h);
  return h;
}

flusher_actor spawn_flusher(caf::actor_system& system, const core_pointer& core) {
  flusher_actor h;
  if (core->settings().reconciler_detached)
    h = system.spawn<caf::detached + caf::hidden>(make_flusher, core);
  else
    h = system.spawn<caf::hidden>(make_flusher, core);
  core->actors().set(h);
  return h;
}

checkpointer_actor spawn_checkpointer(caf::actor_system& system, const core_pointer& core) {
  checkpointer_actor h;
  if (core->settings().reconciler_detached)
    h = system.spawn<caf::detached + caf::hidden>(make_checkpointer, core);
  else
    h = system.spawn<caf::hidden>(make_checkpointer, core);
  core->actors().set(h);
  return h;
}

indexer_actor spawn_indexer(caf::actor_system& system, const core_pointer& core) {
  indexer_actor h;
  if (core->settings().reconciler_detached)
    h = system.spawn<caf::detached + caf::hidden>(make_indexer, core);
  else
    h = system.spawn<caf::hidden>(make_indexer, core);
  core->actors().set(h);
  return h;
}

reader_actor spawn_reader(caf::actor_system& system, const core_pointer& core, std::size_t place) {
  auto h = system.spawn<caf::hidden>(make_reader, core);
  core->actors().set(place, h);
  return h;
}

/// What happens when a watched actor ends.
struct respawn {
  supervisor_pointer self;

  void operator()(const caf::actor_addr& who, const caf::error& why) const {
    auto& state = cafx::state(self);
    const auto found = state.watched.find(who.id());
    if (found == state.watched.end())
      return;
    const auto again = std::move(found->second);
    state.watched.erase(found);
    if (state.core->storage().closed())
      return;
    state.core->count_respawn();
    state.core->log(log_level::warning, "an actor ended (" + caf::deep_to_string(why)
                                          + ") and is spawned again; nothing is lost");
    again();
  }
};

/// Watches `h`; when it ends, `spawn` makes the next one, which is watched in turn.
template <class Handle, class Spawn>
void watch(supervisor_pointer self, const Handle& h, Spawn spawn) {
  cafx::state(self).watched[h.id()] = [self, spawn] {
    watch(self, spawn(self->system(), cafx::state(self).core), spawn);
  };
  cafx::monitor(self, h, respawn{self});
}

} // namespace

supervisor_actor::behavior_type make_supervisor(supervisor_pointer self, core_pointer core) {
  auto& state = cafx::state(self);
  state.core = std::move(core);
  cafx::on_down(self, respawn{self});
  const auto& actors = state.core->actors();
  if (const auto h = actors.writer())
    watch(self, h, spawn_writer);
  if (const auto h = actors.reader_pool())
    watch(self, h, spawn_reader_pool);
  if (const auto h = actors.reconciler())
    watch(self, h, spawn_reconciler);
  if (const auto h = actors.flusher())
    watch(self, h, spawn_flusher);
  if (const auto h = actors.checkpointer())
    watch(self, h, spawn_checkpointer);
  if (const auto h = actors.indexer())
    watch(self, h, spawn_indexer);
  const auto readers = actors.readers();
  for (std::size_t place = 0; place < readers.size(); ++place)
    watch(self, readers[place], [place](caf::actor_system& system, const core_pointer& c) {
      return spawn_reader(system, c, place);
    });
  return {
    [self](const msg::count_respawns&) { return cafx::state(self).core->respawns(); },
  };
}

namespace {

/// Nobody watches by message whoever watches all: its end spawns the next one. The core is not
/// owned here, for the actor owns it.
void spawn_supervisor(caf::actor_system& system, const core_pointer& core) {
  const auto h = system.spawn<caf::hidden>(make_supervisor, core);
  core->actors().set(h);
  cafx::on_end(h, [&system, weak = std::weak_ptr(core)](const caf::error& why) {
    const auto again = weak.lock();
    if (!again || again->storage().closed())
      return;
    try { // nobody up from here catches
      spawn_supervisor(system, again);
      again->count_respawn();
      again->log(log_level::warning, "the supervisor ended (" + caf::deep_to_string(why)
                                       + ") and is spawned again; nothing is lost");
    } catch (const std::exception& e) {
      again->log(
        log_level::error,
        std::string("the supervisor ended and cannot be spawned again, so that nobody else "
                    "will be: ")
          + e.what());
    }
  });
}

} // namespace

void spawn_crew(caf::actor_system& system, const core_pointer& core) {
  if (!core->settings().storage_path.empty() && !core->settings().read_only) {
    spawn_flusher(system, core);
    spawn_checkpointer(system, core);
  }
  if (core->storage().indexes())
    spawn_indexer(system, core);
  spawn_reconciler(system, core); // before the readers, who subscribe at it
  for (std::size_t place = 0; place < core->settings().reader_actors; ++place)
    spawn_reader(system, core, place);
  spawn_reader_pool(system, core);
  spawn_writer(system, core);
  spawn_supervisor(system, core);
}

} // namespace cmem
