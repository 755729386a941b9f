#include "bench/benches.hpp"
#include "tools/dataset.hpp"
#include "tools/histogram.hpp"
#include "tools/pacer.hpp"
#include "tools/runner.hpp"
#include "tools/scenario_places.hpp"

#include <boost/lockfree/queue.hpp>
#include <cmath>
#include <map>
#include <stdexcept>
#include <vector>

namespace cmem::bench {
namespace {

template <class T>
T or_throw(result<T> r) {
  if (!r)
    throw std::runtime_error(to_string(r.error()));
  return std::move(*r);
}

double held(const tools::rate_report& r) {
  return r.due == 0 ? 1.0 : static_cast<double>(r.done) / static_cast<double>(r.due);
}

/// The phase with more reads than writes is the one of reasoning.
bool reasons(const tools::phase_report& p) {
  return p.reads.wanted.per_second > p.writes.wanted.per_second;
}

void add_phase(outcome& o, const tools::phase_report& p) {
  o.rows.push_back(
    {p.name + ": writes held", held(p.writes), "of the rate", "", 0, at_least(0.999)});
  o.rows.push_back({p.name + ": reads held", held(p.reads), "of the rate", "", 0, at_least(0.999)});
  for (const auto& w : p.write_operations)
    if (w.name.starts_with("learn_"))
      o.rows.push_back(
        {p.name + ": " + w.name + " p99.9", static_cast<double>(w.service.p999), "ns"});
  o.rows.push_back({p.name + ": staleness p99", static_cast<double>(p.staleness.p99) * 1e-6, "ms",
                    "", 0, at_most(13)});
}

/// p99.9 of what an append can't do without, at the same pace: a push of a pointer. At 2,000 a
/// second a core has forgotten much between two calls, whatever they call.
double bare_push_p999(double per_second, double seconds) {
  boost::lockfree::queue<void*> queue(1'000);
  tools::histogram ns;
  tools::wake_precisely();
  const tools::pacer due(tools::monotonic_ns(), per_second, 1, 0);
  for (std::uint64_t i = 0; i < tools::operations_due(per_second, seconds); ++i) {
    tools::wait_until(due.due(i));
    const std::int64_t before = tools::monotonic_ns();
    (void) queue.bounded_push(&queue);
    ns.record(tools::monotonic_ns() - before);
    void* out = nullptr;
    (void) queue.pop(out);
  }
  return static_cast<double>(ns.summary().p999);
}

/// The phases that learn, with the writes left out: what their reads cost at the same rate.
std::map<std::string, tools::phase_report> without_writes(const tools::scenario& s,
                                                          const tools::dataset& data,
                                                          const tools::run_hooks& hooks) {
  tools::scenario silent = s;
  std::erase_if(silent.phases,
                [](const tools::phase& p) { return p.reads.per_second > p.writes.per_second; });
  for (auto& p : silent.phases)
    p.writes = {};
  const auto memory = or_throw(tools::make_memory_target(s.memory, data.vector_dimension));
  const auto report = or_throw(tools::run_scenario(silent, data, *memory, hooks));
  std::map<std::string, tools::phase_report> phases;
  for (const auto& p : report.phases)
    phases.emplace(p.name, p);
  return phases;
}

void add_queries(outcome& o, const tools::phase_report& p, const tools::phase_report& reasoning,
                 const tools::phase_report& silent) {
  for (std::size_t i = 0; i < p.queries.size(); ++i) {
    for (const auto& alone : silent.queries)
      if (alone.name == p.queries[i].name)
        o.rows.push_back({p.name + ": " + alone.name + " p50, writes on",
                          static_cast<double>(p.queries[i].service.p50), "ns",
                          "the same phase without its writes",
                          static_cast<double>(alone.service.p50)});
    for (const auto& calm : reasoning.queries)
      if (calm.name == p.queries[i].name) {
        const auto& here = p.queries[i].service;
        o.rows.push_back({p.name + ": " + calm.name + " p50", static_cast<double>(here.p50), "ns",
                          "the same while reasoning", static_cast<double>(calm.service.p50),
                          ratio_at_most(1.25)});
        o.rows.push_back({p.name + ": " + calm.name + " p99", static_cast<double>(here.p99), "ns",
                          "the same while reasoning", static_cast<double>(calm.service.p99)});
      }
  }
}

} // namespace

outcome headline(const options& options) {
  const auto file = or_throw(tools::find_scenario("learn_reason_learn", tools::scenario_folders()));
  const auto s = or_throw(tools::read_scenario(file));
  const auto data = or_throw(tools::load_dataset(s.data, ""));
  const auto memory = or_throw(tools::make_memory_target(s.memory, data.vector_dimension));
  tools::run_hooks hooks;
  hooks.time_scale = options.scale;
  const auto report = or_throw(tools::run_scenario(s, data, *memory, hooks));

  outcome o;
  const tools::phase_report* reasoning = nullptr;
  for (const auto& p : report.phases) {
    add_phase(o, p);
    if (reasons(p))
      reasoning = &p;
  }
  // Over the whole run: the p99.9 of the hundred writes of a phase is just their maximum.
  const double bare = bare_push_p999(2'000, 10 * options.scale);
  for (const auto& w : report.write_operations)
    if (w.name.starts_with("learn_"))
      o.rows.push_back({"all phases: " + w.name + " p99.9", static_cast<double>(w.service.p999),
                        "ns", "bare bounded_push, 2,000 a second", bare, at_most(1000)});
  if (reasoning == nullptr)
    throw std::runtime_error(file + ": has no phase with more reads than writes");
  const auto silent = without_writes(s, data, hooks);
  for (const auto& p : report.phases)
    if (!reasons(p))
      add_queries(o, p, *reasoning, silent.at(p.name));
  o.rows.push_back({"dropped", static_cast<double>(report.accounting.target.dropped), "entries", "",
                    0, at_most(0)});
  for (const auto& m : report.missed)
    o.notes.push_back(m);
  o.rows.push_back({"accounting and refusals missed", static_cast<double>(report.missed.size()),
                    "sums", "", 0, at_most(0)});
  o.notes.push_back(
    "one run in real time, no windows: nothing is repeated. Times of queries and of learn_* are "
    "of the call; since_due is in `cmem run learn_reason_learn --json`.");
  return o;
}

} // namespace cmem::bench
