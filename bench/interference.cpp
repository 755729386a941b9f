#include "actors/concurrent_memory.hpp"
#include "bench/benches.hpp"
#include "bench/bursts.hpp"
#include "bench/paced_writer.hpp"
#include "bench/workbench.hpp"
#include "tools/mutable_graph.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>

namespace cmem::bench {
namespace {

constexpr double writes_per_second = 200'000;
constexpr std::size_t reads_per_window = 5'000;
constexpr std::uint32_t path_depth = 4;

struct p99s {
  std::array<double, 3> ns{}; // lookup, neighbors, find_path
};
constexpr std::array<const char*, 3> queries = {"lookup", "neighbors", "find_path"};

double p99_of(std::vector<std::int64_t>& ns) {
  const auto at = ns.begin() + static_cast<std::ptrdiff_t>(ns.size() * 99 / 100);
  std::nth_element(ns.begin(), at, ns.end());
  return static_cast<double>(*at);
}

/// Asks the three queries in turn, `reads_per_window` of each (find_path a tenth), each timed by
/// itself.
template <class Lookup, class Neighbors, class Path>
p99s ask(tools::random_numbers& random, std::uint64_t concepts, Lookup&& look, Neighbors&& near,
         Path&& path) {
  std::array<std::vector<std::int64_t>, 3> ns;
  const auto time = [](std::vector<std::int64_t>& into, auto&& f) {
    const std::int64_t start = tools::monotonic_ns();
    f();
    into.push_back(tools::monotonic_ns() - start);
  };
  for (std::size_t i = 0; i < reads_per_window; ++i) {
    const concept_id a = id_of(random.below(concepts));
    const concept_id b = id_of(random.below(concepts));
    time(ns[0], [&] { look(a); });
    time(ns[1], [&] { near(b); });
    if (i % 10 == 0)
      time(ns[2], [&] { path(a, b); });
  }
  return {{p99_of(ns[0]), p99_of(ns[1]), p99_of(ns[2])}};
}

/// What is written while reads are measured: strength of random concepts, new weights of known
/// associations, content.
write_op write_number(std::uint64_t i, const std::vector<edge_pair>& edges,
                      const std::string& content) {
  const edge_pair& e = edges[(i * 7919) % edges.size()];
  switch (i % 3) {
    case 0: return op::learn_concept{.id = id_of(e.source), .content = content};
    case 1: return op::strengthen{.id = id_of(e.target), .delta = 0.25F};
    default:
      return op::learn_association{
        .source = id_of(e.source), .target = id_of(e.target), .confidence = 0.75F};
  }
}

struct mutex_map {
  std::shared_mutex mutex;
  tools::mutable_graph graph;
};

} // namespace

void measure_interference(const options& options, const config& base, const std::string& label,
                          beside compared, outcome& o) {
  const auto n = static_cast<std::uint32_t>(options.scaled(200'000));
  const auto edges = random_edges(n, std::size_t{n} * 5, 21);
  const std::string content(100, 'c');
  const core_pin others(0); // the memory's threads inherit it
  config settings = base;
  settings.overflow = overflow_policy::reject;
  concurrent_memory memory(settings);
  mutex_map map{{}, tools::mutable_graph(n)};
  const auto learn = [&](const write_op& w) {
    auto t = memory.write(w);
    while (!t && t.error().code == errc::overloaded) {
      std::this_thread::yield();
      t = memory.write(w);
    }
    (void) or_throw(std::move(t));
    if (compared == beside::mutex_map)
      std::visit([&](const auto& x) { (void) map.graph.apply(x, 1); }, w);
  };
  for (std::uint32_t i = 0; i < n; ++i)
    learn(op::learn_concept{.id = id_of(i), .content = content});
  for (const edge_pair& e : edges)
    learn(op::learn_association{
      .source = id_of(e.source), .target = id_of(e.target), .confidence = 0.5F});
  while (memory.stats().write_log.pending != 0 || memory.stats().storage.waiting_bytes != 0)
    std::this_thread::yield();

  const core_pin reader(1);
  tools::random_numbers random(2);
  path_scratch scratch;
  tools::mutable_graph_paths paths;
  std::uint64_t seen = 0;
  const auto read_memory = [&] {
    return ask(
      random, n, [&](const concept_id& id) { seen += memory.snapshot()->find(id).has_value(); },
      [&](const concept_id& id) {
        const auto s = memory.snapshot();
        seen += or_throw(neighbors(*s, id)).size();
      },
      [&](const concept_id& a, const concept_id& b) {
        const auto s = memory.snapshot();
        seen += or_throw(find_path(*s, a, b, path_depth, scratch)).has_value();
      });
  };
  const auto read_map = [&] {
    return ask(
      random, n,
      [&](const concept_id& id) {
        const std::shared_lock lock(map.mutex);
        seen += map.graph.find(id) != nullptr;
      },
      [&](const concept_id& id) {
        const std::shared_lock lock(map.mutex);
        const auto* node = map.graph.find(id);
        auto copy = node->out; // as the memory does: copied out, best first
        std::ranges::sort(copy,
                          [](const auto& x, const auto& y) { return x.confidence > y.confidence; });
        seen += copy.size();
      },
      [&](const concept_id& a, const concept_id& b) {
        const std::shared_lock lock(map.mutex);
        seen += paths
                  .hops(map.graph, map.graph.index_of(*map.graph.find(a)),
                        map.graph.index_of(*map.graph.find(b)), path_depth)
                  .has_value();
      });
  };
  std::array<std::vector<double>, 3> calm_ns, busy_ns, map_calm_ns, map_busy_ns;
  const auto measure = [&](auto&& read, auto& into) {
    p99s got;
    (void) calm(
      [&] {
        got = read();
        return 0.0;
      },
      o);
    for (std::size_t q = 0; q < 3; ++q)
      into[q].push_back(got.ns[q]);
  };
  (void) read_memory();
  if (compared == beside::mutex_map)
    (void) read_map();
  for (int round = 0; round < 15; ++round) {
    measure(read_memory, calm_ns);
    {
      const paced_writer writer(writes_per_second, 0, [&](std::uint64_t i) {
        (void) memory.write(
          write_number(i, edges, content)); // refused when overloaded: counted below
      });
      measure(read_memory, busy_ns);
    }
    if (compared == beside::nothing)
      continue;
    measure(read_map, map_calm_ns);
    {
      const paced_writer writer(writes_per_second, 0, [&](std::uint64_t i) {
        const write_op w = write_number(i, edges, content);
        const std::unique_lock lock(map.mutex);
        std::visit([&](const auto& x) { (void) map.graph.apply(x, 1); }, w);
      });
      measure(read_map, map_busy_ns);
    }
  }
  for (std::size_t q = 0; q < 3; ++q)
    o.rows.push_back({label + queries[q] + " p99 under writes", median(busy_ns[q]), "ns",
                      "without writes", median(calm_ns[q]), ratio_at_most(1.25)});
  for (std::size_t q = 0; q < 3 && compared == beside::mutex_map; ++q)
    o.rows.push_back({label + "mutex map: " + queries[q] + " p99 under writes",
                      median(map_busy_ns[q]), "ns", "without writes", median(map_calm_ns[q])});
  o.rows.push_back(
    {label + "writes refused", static_cast<double>(memory.stats().write_log.rejected), "entries"});
  o.notes.push_back(label + "answers seen: " + std::to_string(seen));
}

outcome interference(const options& options) {
  outcome o;
  measure_interference(options, {}, "", beside::mutex_map, o);
  o.notes.insert(
    o.notes.begin(),
    {"reader on a core of its own, 200,000 writes/s and the reconciler on another; 200,000 "
     "concepts x 5",
     "the mutex map is a std::shared_mutex around the mutable map of the same operations"});
  return o;
}

} // namespace cmem::bench
