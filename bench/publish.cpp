#include "bench/benches.hpp"
#include "bench/workbench.hpp"

#include <absl/container/flat_hash_map.h>

#include <cstring>
#include <string>

namespace cmem::bench {
namespace {

constexpr std::size_t batch_entries = 10'000;

struct id_hash {
  std::size_t operator()(const concept_id& id) const noexcept { return hash_value(id); }
};

/// What a program without snapshots would do: a reserved flat hash table of records, changed in
/// place, content from the same pool, moved in, the replaced one freed.
class mutable_map {
public:
  struct record {
    timestamp_us created;
    timestamp_us last_accessed;
    float strength;
    float confidence;
    std::uint32_t access_count;
    handle content;
    handle vector;
    handle extras;
    std::uint64_t reserved;
  };

  mutable_map(payload_pool& pool, std::size_t n) : pool_(pool) { records_.reserve(n); }

  void upsert(const concept_id& id, handle content, timestamp_us now) {
    const auto [it, fresh] = records_.try_emplace(id);
    record& r = it->second;
    if (fresh)
      r = {now, now, 0, 0, 0, 0, 0, 0, 0};
    pool_.release(r.content);
    r.content = content;
    r.strength = 1;
    r.confidence = 1;
  }
  /// A second map with contents of its own: what a program without shared structure hands to its
  /// readers.
  void copy_to(mutable_map& other) const {
    other.records_ = records_;
    for (auto& [id, r] : other.records_) {
      const handle h = other.pool_.allocate(pool_.size(r.content));
      std::memcpy(other.pool_.data(h), pool_.data(r.content), pool_.size(r.content));
      r.content = h;
    }
  }
  void clear() {
    for (auto& [id, r] : records_)
      pool_.release(r.content);
    records_.clear();
  }

private:
  payload_pool& pool_;
  absl::flat_hash_map<concept_id, record, id_hash> records_;
};

/// Fresh cache for both: writes over more than the second-level cache holds.
void flush_caches() {
  static std::vector<char> large(std::size_t{8} << 20);
  for (std::size_t i = 0; i < large.size(); i += 64)
    ++large[i];
}

void at_size(const std::string& name, std::uint64_t n, double bar, bool with_copy, outcome& o) {
  const std::string content(100, 'c');
  builder_rig rig;
  arena map_memory;
  payload_pool map_pool(map_memory);
  mutable_map map(map_pool, n);
  tools::random_numbers random(7);

  const auto append = [&](std::uint64_t i) {
    (void) or_throw(rig.log().append(op::learn_concept{.id = id_of(i), .content = content}, 1));
  };
  const auto content_for_map = [&] {
    const handle h = map_pool.allocate(content.size());
    std::memcpy(map_pool.data(h), content.data(), content.size());
    return h;
  };
  for (std::uint64_t i = 0; i < n; ++i) {
    append(i);
    map.upsert(id_of(i), content_for_map(), 1);
    if (i % batch_entries == batch_entries - 1 || i + 1 == n) {
      rig.drain(batch_entries);
      rig.publish();
      rig.release();
    }
  }
  rig.hold();

  const auto ours = [&] {
    for (std::size_t i = 0; i < batch_entries; ++i)
      append(random.below(n));
    rig.drain(batch_entries);
    flush_caches();
    stopwatch watch;
    rig.publish();
    const double ms = watch.seconds() * 1e3;
    rig.release();
    return ms;
  };
  const auto theirs = [&] {
    std::vector<std::pair<concept_id, handle>> batch;
    for (std::size_t i = 0; i < batch_entries; ++i)
      batch.emplace_back(id_of(random.below(n)), content_for_map());
    map_pool.provision();
    flush_caches();
    stopwatch watch;
    for (const auto& [id, h] : batch)
      map.upsert(id, h, 2);
    return watch.seconds() * 1e3;
  };
  for (int i = 0; i < 20; ++i) {
    (void) ours();
    (void) theirs();
  }
  const auto batches = [](const window& w) {
    return [w] {
      std::vector<double> ms;
      for (int i = 0; i < 15; ++i)
        ms.push_back(w());
      return median(ms);
    };
  };
  const comparison c = compare(batches(ours), batches(theirs), o);
  o.rows.push_back(
    {name, c.subject, "ms", "mutable map, replaced content freed", c.baseline, ratio_at_most(bar)});
  if (with_copy) {
    const window full_copy = [&] {
      mutable_map other(map_pool, 0);
      stopwatch watch;
      map.copy_to(other);
      const double ms = watch.seconds() * 1e3;
      other.clear();
      return ms;
    };
    (void) full_copy(); // its blocks are there from now on
    const double copy_ms = median_of(full_copy, o);
    o.rows.push_back({name + " against a full copy", c.subject, "ms", "full copy of that map",
                      copy_ms, ratio_at_most(1.0 / 60)});
  }
}

} // namespace

outcome publish(const options& options) {
  outcome o;
  at_size("100,000 concepts", options.scaled(100'000), 1.0, false, o);
  at_size("1M concepts", options.scaled(1'000'000), 1.0, true, o);
  at_size("10M concepts", options.scaled(10'000'000), 1.25, false, o);
  o.notes = {
    "one batch of 10,000 random upserts with 100 bytes of content, an old snapshot held: merge, "
    "publish, free",
    "baseline: reserved absl::flat_hash_map id -> 64-byte record, content from the same pool"};
  return o;
}

} // namespace cmem::bench
