// Any bytes as the payload of a log record: refused, or entries that are valid, and that say the
// same when they are written and read again.

#include "storage/wal_replay.hpp"
#include "tests/fuzz/input.hpp"

#include <span>
#include <vector>

using namespace cmem;
using cmem::fuzz::require;

namespace {

constexpr std::uint32_t dimension = 2;

struct reader {
  kind_registry kinds;
  drained_batch batch;
  result<replayed_batch> done;

  reader(const_bytes payload, payload_pool& pool)
    : done(replay_batch(payload, kinds, dimension, pool, batch)) {}
};

std::vector<std::byte> encode(const write_log& log, const payload_pool& pool, const reader& r) {
  wal_batch_encoder to(pool, r.done->time, {});
  for (std::size_t k = kinds::compositional + 1; k != r.kinds.size(); ++k)
    to.add({static_cast<kind_id>(k), r.kinds.name_of(static_cast<kind_id>(k))});
  for (const handle h : r.batch.entries)
    to.add(log.entry(h));
  to.skip(r.done->entries - static_cast<std::uint32_t>(r.batch.entry_count));
  return std::move(to).finish();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static arena memory(std::size_t{256} << 20);
  static payload_pool pool(memory);
  static write_log log(pool, {.capacity = 1});
  const std::size_t before = pool.bytes_in_use();
  reader first(std::as_bytes(std::span(data, size)), pool);
  if (first.done) {
    require(first.batch.entry_count <= first.done->entries, "each entry has a number");
    const auto bytes = encode(log, pool, first);
    reader second(bytes, pool);
    require(second.done.has_value(), "what was written can be read");
    require(second.done->time == first.done->time, "the time is the same");
    require(encode(log, pool, second) == bytes, "the entries are the same");
    log.release(second.batch);
  } else {
    require(first.done.error().code == errc::corrupt, "bytes are corrupt or not");
  }
  require(first.batch.entry_count <= size / 17, "entries have bytes of their own");
  log.release(first.batch);
  require(pool.bytes_in_use() == before, "nothing is left behind");
  return 0;
}
