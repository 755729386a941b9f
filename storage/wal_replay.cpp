#include "storage/wal_replay.hpp"

#include "storage/entry_maker.hpp"
#include "storage/seeded_bug.hpp"
#include "storage/validate.hpp"

namespace cmem {

namespace {

failure corrupt(const std::string& what) { return {errc::corrupt, what}; }

result<void> register_kinds(wal_batch_decoder& from, kind_registry& kinds) {
  for (named_kind k;;) {
    const auto more = from.next(k);
    if (!more)
      return more.error();
    if (!*more)
      return {};
    const auto known = kinds.find(k.name);
    if (const std::size_t id = known ? *known : kinds.size(); id != k.id)
      return corrupt("kind `" + std::string(k.name) + "` is number " + std::to_string(id)
                     + " here, and number " + std::to_string(k.id) + " in the record");
    if (const auto added = kinds.add(k.name); !added)
      return corrupt("a kind that cannot be registered: " + added.error().detail);
  }
}

} // namespace

result<replayed_batch> replay_batch(const_bytes payload, kind_registry& kinds,
                                    std::uint32_t vector_dimension, payload_pool& pool,
                                    drained_batch& out) {
  auto from = wal_batch_decoder::open(payload);
  if (!from)
    return from.error();
  if (auto done = register_kinds(*from, kinds); !done)
    return done.error();
  handle last = 0; // of the batch being read
  for (wal_batch_decoder::entry e{op::record_access{concept_id{}}};;) {
    const auto more = from->next(e);
    if (!more)
      return more.error();
    if (!*more && out.entries.size() > 1 && seeded("replayed_out_of_order"))
      std::swap(out.entries.front(), out.entries.back());
    if (!*more)
      return replayed_batch{from->head().time, from->head().entries};
    if (auto valid = validate(e.op, {kinds, vector_dimension}); !valid)
      return corrupt("an entry that was never valid: " + valid.error().detail);
    const handle h = make_entry(pool, e.op, {0, 0, e.time});
    if (h == 0)
      return failure{errc::out_of_memory,
                     "the arena is used up by what the store holds: raise arena_bytes"};
    auto& made = *reinterpret_cast<write_entry*>(pool.data(h));
    if (e.count != 0) {
      made.batch_count = e.count;
      try {
        out.entries.push_back(h);
      } catch (...) {
        for_each_block(pool, h, [&](handle b) { pool.release(b); });
        throw;
      }
    } else {
      reinterpret_cast<write_entry*>(pool.data(last))->next = h;
    }
    last = h;
    ++out.entry_count;
  }
}

} // namespace cmem
