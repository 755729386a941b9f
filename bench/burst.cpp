#include "bench/benches.hpp"
#include "tools/dataset.hpp"
#include "tools/peer_targets.hpp"
#include "tools/runner.hpp"
#include "tools/scenario_places.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

namespace cmem::bench {
namespace {

using tools::target_kind;

template <class T>
T or_throw(result<T> r) {
  if (!r)
    throw std::runtime_error(to_string(r.error()));
  return std::move(*r);
}

/// Learning and asking at once: of all phases the one with the most reads.
std::size_t busiest(const std::vector<tools::phase>& phases) {
  const auto fewer = [](const tools::phase& a, const tools::phase& b) {
    return a.reads.per_second < b.reads.per_second;
  };
  return static_cast<std::size_t>(std::max_element(phases.begin(), phases.end(), fewer)
                                  - phases.begin());
}

double held(const tools::rate_report& r) {
  return r.due == 0 ? 1.0 : static_cast<double>(r.done) / static_cast<double>(r.due);
}

/// Empty for a target that came to none before the phase was over.
const tools::operation_report& paths_of(const tools::phase_report& p) {
  static const tools::operation_report none;
  const auto name = tools::query_names[static_cast<std::size_t>(tools::query_kind::find_path)];
  for (const auto& q : p.queries)
    if (q.name == name)
      return q;
  return none;
}

/// Nothing was measured: NaN, which meets no bar.
double ns(const tools::latency_summary& of, std::int64_t tools::latency_summary::*quantile) {
  return of.count == 0 ? std::nan("") : static_cast<double>(of.*quantile);
}
constexpr auto p50 = &tools::latency_summary::p50;
constexpr auto p99 = &tools::latency_summary::p99;

class bursts {
public:
  explicit bursts(const options& o)
    : options_(o),
      learning_(or_throw(tools::read_scenario(
        or_throw(tools::find_scenario("mixed_burst", tools::scenario_folders()))))) {
    learning_.data.concepts = o.scaled(learning_.data.concepts);
    data_ = or_throw(tools::load_dataset(learning_.data, ""));
    learning_.phases.resize(busiest(learning_.phases) + 1);
    hooks_.time_scale = o.scale;
    known_ = learning_;
    known_.preload = 1;
    known_.phases = {learning_.phases.back()};
    for (const auto kind :
         {tools::write_kind::forget_concept, tools::write_kind::forget_association})
      known_.phases[0].write_weights[static_cast<std::size_t>(kind)] = 0;
  }

  /// The busiest phase of the scenario as it stands, behind those before it.
  tools::phase_report while_learning(target_kind kind, outcome& o) const {
    const auto report = run(learning_, kind, ", learning");
    if (!report.settings.empty())
      o.notes.push_back(report.settings);
    return report.phases.back();
  }
  /// Its load on a graph that stays as it is: all is known, what is learned is learned again,
  /// nothing is forgotten.
  tools::phase_report while_updating(target_kind kind) const {
    return run(known_, kind, ", updating").phases.back();
  }
  /// That between two phases without its writes.
  std::vector<tools::phase_report> beside_silence() const {
    tools::scenario s = known_;
    tools::phase silent = s.phases[0];
    silent.writes = {};
    s.phases = {silent, s.phases[0], silent};
    return run(s, target_kind::memory, ", updating or not").phases;
  }

private:
  std::unique_ptr<tools::scenario_target> make(target_kind kind) const {
    if (kind == target_kind::memory)
      return or_throw(tools::make_memory_target(learning_.memory, data_.vector_dimension));
    if (kind == target_kind::mutex_map)
      return tools::make_mutex_map_target(data_.concepts.size());
    tools::peer_options peers;
    peers.parent = options_.directory;
    return or_throw(tools::make_peer_target(kind, peers));
  }
  tools::run_report run(const tools::scenario& s, target_kind kind, const char* what) const {
    options_.on_progress(std::string(tools::target_names[static_cast<std::size_t>(kind)]) + what);
    const auto target = make(kind);
    auto report = or_throw(tools::run_scenario(s, data_, *target, hooks_));
    if (!report.missed.empty())
      throw std::runtime_error(report.target + ": " + report.missed.front());
    return report;
  }

  const options& options_;
  tools::scenario learning_;
  tools::scenario known_;
  tools::dataset data_;
  tools::run_hooks hooks_;
};

void compare(const std::string& when, const tools::phase_report& ours,
             const tools::phase_report& theirs, const std::string& name, outcome& o,
             std::vector<row>& more) {
  const auto& path = paths_of(ours);
  const auto& other = paths_of(theirs);
  const std::string against = " while " + when + ", against " + name;
  o.rows.push_back({"find_path p99" + against, ns(path.service, p99), "ns", name,
                    ns(other.service, p99), ratio_at_most(1)});
  more.push_back({"find_path p99 since due" + against, ns(path.latency, p99), "ns", name,
                  ns(other.latency, p99)});
  more.push_back(
    {"find_path p50" + against, ns(path.service, p50), "ns", name, ns(other.service, p50)});
  more.push_back({"writes held by " + name + " while " + when, held(theirs.writes), "of the rate"});
  more.push_back({"reads held by " + name + " while " + when, held(theirs.reads), "of the rate"});
}

} // namespace

outcome burst(const options& options) {
  outcome o;
  const bursts all(options);
  const auto learning = all.while_learning(target_kind::memory, o);
  const auto phases = all.beside_silence();
  const auto& updating = phases[1];
  std::vector<row> more = {{"writes held while learning", held(learning.writes), "of the rate"},
                           {"reads held while learning", held(learning.reads), "of the rate"},
                           {"writes held while updating", held(updating.writes), "of the rate"},
                           {"reads held while updating", held(updating.reads), "of the rate"}};
  for (std::size_t i = 1; i != tools::target_kinds; ++i) {
    const auto kind = static_cast<target_kind>(i);
    if (const auto here = tools::target_available(kind); !here) {
      o.notes.push_back("left out: " + here.error().detail);
      continue;
    }
    const std::string name(tools::target_names[i]);
    compare("learning", learning, all.while_learning(kind, o), name, o, more);
    compare("updating", updating, all.while_updating(kind), name, o, more);
  }
  const auto quiet = [&](std::int64_t tools::latency_summary::*quantile) {
    return (ns(paths_of(phases.front()).service, quantile)
            + ns(paths_of(phases.back()).service, quantile))
           / 2;
  };
  const auto& path = paths_of(updating);
  o.rows.push_back({"find_path p99 while updating", ns(path.service, p99), "ns", "without writes",
                    quiet(p99), ratio_at_most(1.25)});
  more.push_back(
    {"find_path p50 while updating", ns(path.service, p50), "ns", "without writes", quiet(p50)});
  o.rows.insert(o.rows.end(), more.begin(), more.end());
  o.notes.push_back("mixed_burst up to its phase `" + learning.name
                    + "`, which is measured, in real time, one target after the other; kept "
                      "nowhere, so peers sync nothing; a p99 is of "
                    + std::to_string(path.service.count) + " paths");
  o.notes.emplace_back("updating: the same load with all data known before, and nothing forgotten; "
                       "without writes: the mean of such a phase before and one after");
  o.notes.emplace_back("times are of the call");
  return o;
}

} // namespace cmem::bench
