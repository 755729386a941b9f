#include "bench/benches.hpp"
#include "bench/workbench.hpp"

#include <absl/container/flat_hash_map.h>

namespace cmem::bench {
namespace {

struct id_hash {
  std::size_t operator()(const concept_id& id) const noexcept { return hash_value(id); }
};
struct record {
  float strength = 1;
  char rest[60] = {};
};
static_assert(sizeof(record) == 64);

void at_size(const std::string& name, std::uint64_t n, outcome& o) {
  const auto memory = make_engine();
  learn_concepts(*memory, n, 0);
  absl::flat_hash_map<concept_id, record, id_hash> map;
  map.reserve(n);
  for (std::uint64_t i = 0; i < n; ++i)
    map.try_emplace(id_of(i));
  constexpr std::size_t asked = 1'000'000;
  std::vector<concept_id> ids(asked);
  tools::random_numbers random(3);
  for (auto& id : ids)
    id = id_of(random.below(n));

  const auto snapshot = memory->share();
  double sum = 0; // used below, so that nothing is optimized away
  const auto ours = [&] {
    stopwatch watch;
    for (const auto& id : ids)
      if (const auto c = snapshot->find(id))
        sum += c->strength();
    return watch.seconds() * 1e9 / asked;
  };
  const auto theirs = [&] {
    stopwatch watch;
    for (const auto& id : ids)
      if (const auto it = map.find(id); it != map.end())
        sum += it->second.strength;
    return watch.seconds() * 1e9 / asked;
  };
  (void) ours();
  (void) theirs();
  const comparison c = compare(ours, theirs, o);
  if (sum < 12.0 * asked) // each of the twelve runs found every id
    throw std::logic_error("lookups found nothing");
  o.rows.push_back({name, c.subject, "ns", "absl::flat_hash_map id -> 64-byte record", c.baseline,
                    ratio_at_most(2)});
}

} // namespace

outcome lookup(const options& options) {
  outcome o;
  at_size("1M concepts", options.scaled(1'000'000), o);
  at_size("10M concepts", options.scaled(10'000'000), o);
  return o;
}

} // namespace cmem::bench
