#include "actors/handles.hpp"
#include "bench/benches.hpp"
#include "bench/round_trips.hpp"
#include "bench/served_memory.hpp"
#include "bench/workbench.hpp"

namespace cmem::bench {
namespace {

constexpr std::uint32_t degree = 8;

} // namespace

outcome local_actors(const options& options) {
  outcome o;
  const auto concepts = static_cast<std::uint32_t>(options.scaled(10'000));
  io_system system;
  const auto memory = or_throw(concurrent_memory::open(system.get(), {}));
  learn_random_graph(*memory, concepts, degree);
  std::vector<concept_id> ids;
  for (std::uint32_t i = 0; i < concepts; ++i)
    ids.push_back(concept_id::from_name(name_of(i)));
  const auto trips = static_cast<std::size_t>(std::max<std::uint64_t>(options.scaled(5'000), 50));
  {
    tools::random_numbers random(5);
    caf::scoped_actor self(system.get());
    const auto pool = memory->actors().reader_pool;
    // Requests of that size travel as pointers: what an echo carries does not matter here.
    echo bare(system.get(), sizeof(msg::find_path), sizeof(msg::path_answer));
    bool direct_first = false;
    const auto ours = [&] {
      const concept_id a = ids[random.below(concepts)];
      const concept_id b = ids[random.below(concepts)];
      direct_first = !direct_first;
      return added(
        [&] {
          (void) ask_and_wait<msg::path_answer>(self, pool, msg::find_path{a, b});
        },
        [&] { (void) or_throw(memory->find_path(a, b)); }, direct_first);
    };
    const auto found = [&] {
      const concept_id a = ids[random.below(concepts)];
      direct_first = !direct_first;
      return added([&] { (void) ask_and_wait<concept_record>(self, pool, msg::find{a}); },
                   [&] { (void) or_throw(memory->query_concept(a)); }, direct_first);
    };
    const compared_latency c = compare_trips(
      ours, [&] { return bare.ask(); }, trips);
    o.rows.push_back({"path asked of the pool, p50 added", c.subject.p50, "ns", "CAF request",
                      c.baseline.p50, ratio_at_most(1.3)});
    o.rows.push_back(
      {"path asked of the pool, p99 added", c.subject.p99, "ns", "CAF request", c.baseline.p99});
    const compared_latency f = compare_trips(
      found, [&] { return bare.ask(); }, trips);
    o.rows.push_back(
      {"find asked of the pool, p50 added", f.subject.p50, "ns", "CAF request", f.baseline.p50});
  }
  memory->close();
  o.notes.push_back(std::to_string(concepts) + " concepts, " + std::to_string(degree)
                    + " associations of each; what the same call takes on the memory itself, right "
                      "before or behind, in turns, is taken off");
  o.notes.emplace_back(
    "CAF request: a scoped_actor asks an event-based actor of the same system for a string");
  return o;
}

} // namespace cmem::bench
