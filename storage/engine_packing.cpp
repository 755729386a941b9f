// Packs what has not changed for a while, a little in each step that has nothing else to do.

#include "storage/engine_impl.hpp"

#include <new>

namespace cmem {

namespace {

/// What was not changed since the version of so long ago has settled.
constexpr timestamp_us settles_in = 1'000'000;
/// Associations that a step packs: about a millisecond.
constexpr std::uint32_t packed_once = 8'192;

} // namespace

/// True if the pass goes on. What a pass packs is looked at once more by the next one, and then no
/// more: a memory that nobody writes to comes to rest.
bool engine::impl::pack_some() {
  if (!options.pack_associations || closed.load(std::memory_order_relaxed))
    return false;
  const timestamp_us at = now();
  if (pack_pass.next == 0) {
    if (at - pack_pass.since < settles_in && at >= pack_pass.since)
      return false;
    pack_pass.settled = pack_pass.version;
    pack_pass.version = core->builder.newest().version();
    pack_pass.since = at;
    if (pack_pass.settled <= pack_pass.looked_at)
      return false;
  }
  graph_builder::packed_some done;
  try {
    done = core->builder.pack_settled(pack_pass.next, pack_pass.looked_at, pack_pass.settled,
                                      packed_once);
  } catch (const std::bad_alloc&) {
    core->builder.discard(); // no loss: all of it stays as it is
    pack_pass.looked_at = pack_pass.settled;
    pack_pass.next = 0;
    return false;
  }
  if (done.lists != 0) {
    publish({});
    reclaim();
  }
  pack_pass.next = done.next;
  if (done.next < core->builder.newest().index_count())
    return true;
  pack_pass.looked_at = pack_pass.settled;
  pack_pass.next = 0;
  return false;
}

} // namespace cmem
