#include "bench/benches.hpp"
#include "bench/bursts.hpp"
#include "bench/scratch_directory.hpp"

namespace cmem::bench {

outcome burst_durable(const options& options) {
  outcome o;
  std::string where;
  for (const durability level : {durability::interval, durability::sync}) {
    const scratch_directory scratch(options); // of one level: what a burst wrote goes with it
    where = scratch.file_system();
    config settings;
    settings.durability = level;
    const std::string name = level == durability::sync ? "sync" : "interval";
    settings.storage_path = scratch.at(name);
    measure_append(options, settings, name + ", append: ", o);
    settings.storage_path = scratch.at(name + "-interference");
    measure_interference(options, settings, name + ", ", beside::nothing, o);
  }
  o.notes.insert(o.notes.begin(),
                 {"as `append` and `interference` measure it, the memory stored on " + where,
                  "its reconciler and flusher share the writer's core in `interference`, and a "
                  "core of their own in `append`"});
  return o;
}

} // namespace cmem::bench
