#include "actors/io_system.hpp"

#include "messages/interfaces.hpp"

#include <caf/io/middleman.hpp>

#include <algorithm>
#include <thread>

namespace cmem {

io_system::io_system(std::int64_t threads) : system_(configured(settings_, threads)) {}

caf::actor_system_config& io_system::configured(caf::actor_system_config& c, std::int64_t threads) {
  init_types();
  cafx::load_io<caf::io::middleman>(c);
  // A read that finds nothing costs as much as one that does; what is left is read in the next
  // round.
  c.set(cafx::setting("middleman.max-consecutive-reads"), std::int64_t{1});
  c.set(cafx::setting("scheduler.policy"), cafx::policy("sharing"));
  c.set(cafx::setting("scheduler.max-threads"),
        threads != 0 ? threads : std::max<std::int64_t>(1, std::thread::hardware_concurrency()));
  return c;
}

} // namespace cmem
