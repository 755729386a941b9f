// Packs what has not changed for a while, a little in each step that has nothing else to do.

#include "storage/engine_impl.hpp"

#include <algorithm>
#include <new>

namespace cmem {

namespace {

/// What was not changed since the version of so long ago has settled.
constexpr timestamp_us settles_in = 1'000'000;
/// Associations that a step packs, and one list beyond it: about a millisecond.
constexpr std::uint32_t packed_once = 8'192;
/// What a step replaces, at most: short lists take the most an association, about so many bytes.
constexpr std::uint64_t replaced_bytes_max =
  std::uint64_t{96} * (packed_once + graph_builder::pack_degree_max);

} // namespace

/// What is replaced comes back at once where nobody holds a snapshot. Where somebody does, both
/// stay, and a packed list that is written to takes its plain bytes again: so no more is replaced
/// than half of what the budget leaves, and the other half is the writers'.
bool engine::impl::packing_is_affordable() {
  if (options.memory_budget_bytes == 0)
    return true;
  const std::uint64_t used = core->builder.bytes_in_use();
  const std::uint64_t left =
    options.memory_budget_bytes - std::min(options.memory_budget_bytes, used);
  if (2 * (core->builder.retired_bytes() + replaced_bytes_max) <= left)
    return true;
  if (core->builder.live().size() == 1) { // whether the newest is held shows when it is replaced
    publish({});
    reclaim();
  }
  return core->builder.live().size() == 1;
}

/// True if the pass goes on. What a pass packs is looked at once more by the next one, and then no
/// more: a memory that nobody writes to comes to rest.
bool engine::impl::pack_some() {
  if (!options.pack_associations || closed.load(std::memory_order_relaxed))
    return false;
  if (pack_pass.next == 0) {
    const timestamp_us at = now();
    if (at - pack_pass.since < settles_in && at >= pack_pass.since)
      return false;
    pack_pass.settled = pack_pass.version;
    pack_pass.version = core->builder.newest().version();
    pack_pass.since = at;
    if (pack_pass.settled <= pack_pass.looked_at)
      return false;
  }
  if (!packing_is_affordable())
    return false; // a later step goes on
  graph_builder::packed_some done;
  try {
    done = core->builder.pack_settled(pack_pass.next, pack_pass.looked_at, pack_pass.settled,
                                      packed_once);
  } catch (const std::bad_alloc&) {
    // Costs what the graph does: not to be tried again every second. What this pass has not come to
    // stays plain until it changes.
    core->builder.discard();
    pack_pass.looked_at = pack_pass.settled;
    pack_pass.next = 0;
    return false;
  }
  if (done.lists != 0) {
    publish_own();
    lists_packed.fetch_add(done.lists, std::memory_order_relaxed);
  }
  pack_pass.next = done.next;
  if (done.next != 0)
    return true;
  pack_pass.looked_at = pack_pass.settled;
  return false;
}

} // namespace cmem
