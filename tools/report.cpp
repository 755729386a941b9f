#include "tools/report.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace cmem::tools {
namespace {

using nlohmann::json;

json duration_json(const latency_summary& s) {
  return {{"count", s.count},
          {"p50_ns", s.p50},
          {"p99_ns", s.p99},
          {"p999_ns", s.p999},
          {"max_ns", s.max}};
}

json rate_json(const rate_report& r) {
  return {{"wanted_per_s", r.wanted.unpaced ? json("max") : json(r.wanted.per_second)},
          {"achieved_per_s", r.per_second},
          {"due", r.due},
          {"done", r.done},
          {"threads", r.threads}};
}

json operations_json(const std::vector<operation_report>& operations, const char* service,
                     bool with_found) {
  json all = json::object();
  for (const auto& o : operations) {
    auto& j = all[o.name];
    j[service] = duration_json(o.service);
    j["since_due"] = duration_json(o.latency);
    if (with_found)
      j["found"] = o.found;
  }
  return all;
}

json phase_json(const phase_report& p) {
  return {{"name", p.name},
          {"start_s", p.start_seconds},
          {"seconds", p.seconds},
          {"writes", rate_json(p.writes)},
          {"reads", rate_json(p.reads)},
          {"write_operations", operations_json(p.write_operations, "append", false)},
          {"queries", operations_json(p.queries, "call", true)},
          {"staleness", duration_json(p.staleness)},
          {"pending_max", p.pending_max},
          {"dropped", p.dropped},
          {"rejected", p.rejected},
          {"resident_bytes_max", p.resident_bytes_max}};
}

json accounting_json(const accounting_report& a) {
  return {{"attempts", a.attempts},      {"accepted", a.accepted},
          {"rejected", a.rejected},      {"refused", a.refused},
          {"written", a.target.written}, {"applied", a.target.applied},
          {"failed", a.target.failed},   {"dropped", a.target.dropped},
          {"pending", a.target.pending}, {"adds_up", a.difference().empty()}};
}

json timeline_json(const run_report& r) {
  json points = json::array();
  for (const auto& t : r.timeline) {
    json queries = json::object();
    for (std::size_t k = 0; k < query_kinds; ++k)
      if (t.queries[k].count != 0)
        queries[std::string(query_names[k])] = {{"p50_ns", t.queries[k].p50},
                                                {"p99_ns", t.queries[k].p99}};
    points.push_back({{"phase", t.phase},
                      {"start_s", t.start_seconds},
                      {"seconds", t.seconds},
                      {"writes", t.writes},
                      {"reads", t.reads},
                      {"queries", std::move(queries)},
                      {"staleness_p50_ns", t.staleness.p50},
                      {"staleness_p99_ns", t.staleness.p99},
                      {"pending", t.pending}});
  }
  return points;
}

json run_json(const run_report& r) {
  json phases = json::array();
  for (const auto& p : r.phases)
    phases.push_back(phase_json(p));
  json store; // null without one
  if (!r.store.directory.empty())
    store = {
      {"directory", r.store.directory},       {"durability", show_durability(r.store.level)},
      {"concepts_before", r.store.concepts},  {"associations_before", r.store.associations},
      {"open_seconds", r.store.open_seconds}, {"not_durable", r.accounting.target.not_durable}};
  return {{"target", r.target},
          {"settings", r.settings.empty() ? json() : json(r.settings)},
          {"store", std::move(store)},
          {"interrupted", r.interrupted},
          {"preload", {{"writes", r.preloaded}, {"seconds", r.preload_seconds}}},
          {"resident_bytes_before", r.resident_bytes_before},
          {"phases", std::move(phases)},
          {"write_operations", operations_json(r.write_operations, "append", false)},
          {"end",
           {{"concepts", r.accounting.target.concepts},
            {"associations", r.accounting.target.associations},
            {"snapshots", r.accounting.target.snapshots}}},
          {"accounting", accounting_json(r.accounting)},
          {"missed", r.missed},
          {"timeline", timeline_json(r)}};
}

/// Collects expectations that do not hold.
class verdict {
public:
  template <class T>
  void at_most(const std::string& what, T value, T most, const std::string& unit) {
    if (value > most)
      add(what, value, unit, "at most", most);
  }
  template <class T>
  void at_least(const std::string& what, T value, T least, const std::string& unit) {
    if (value < least)
      add(what, value, unit, "at least", least);
  }
  std::vector<std::string> missed;

private:
  template <class T>
  void add(const std::string& what, T value, const std::string& unit, const char* bound, T limit) {
    std::ostringstream text;
    text << what << " is " << value << unit << ", expected " << bound << ' ' << limit << unit;
    missed.push_back(text.str());
  }
};

void check_rate(verdict& v, const std::string& what, const rate_report& r, double held_min) {
  if (r.due != 0)
    v.at_least(what, static_cast<double>(r.done) / static_cast<double>(r.due), held_min,
               " of the rate");
}

} // namespace

std::string_view show_durability(durability d) noexcept {
  switch (d) {
    case durability::none: return "none";
    case durability::interval: return "interval";
    case durability::sync: return "sync";
  }
  return "?";
}

std::string accounting_report::difference() const {
  std::string all;
  const auto same = [&all](const char* what, std::uint64_t a, const char* with, std::uint64_t b) {
    if (a != b)
      all += std::string(all.empty() ? "" : "; ") + what + " " + show_count(a) + ", but " + with
             + " " + show_count(b);
  };
  same("attempts", attempts, "accepted + rejected + refused", accepted + rejected + refused);
  same("accepted by the call", accepted, "written", target.written);
  same("rejected at the call", rejected, "counted as rejected", target.rejected);
  same("written", target.written, "applied + failed + dropped",
       target.applied + target.failed + target.dropped);
  same("pending at the end", target.pending, "nothing should be:", 0);
  return all;
}

bool scenario_report::interrupted() const noexcept {
  return std::any_of(runs.begin(), runs.end(), [](const auto& r) { return r.interrupted; });
}

bool scenario_report::ok() const noexcept {
  return std::all_of(runs.begin(), runs.end(),
                     [](const auto& r) { return r.missed.empty() && !r.interrupted; });
}

std::vector<std::string> missed_expectations(const run_report& run, const expectations& expect) {
  verdict v;
  const std::uint64_t dropped = run.accounting.target.dropped;
  if (expect.dropped_min)
    v.at_least("dropped", dropped, *expect.dropped_min, "");
  if (expect.dropped_max)
    v.at_most("dropped", dropped, *expect.dropped_max, "");
  if (expect.append_p999_us_max)
    for (const auto& o : run.write_operations)
      if (o.name.starts_with("learn_"))
        v.at_most("p99.9 of the " + o.name + " call", static_cast<double>(o.service.p999) * 1e-3,
                  *expect.append_p999_us_max, " us");
  for (const auto& p : run.phases) {
    const std::string in = p.name + ": ";
    if (expect.rate_held_min) {
      check_rate(v, in + "writes", p.writes, *expect.rate_held_min);
      check_rate(v, in + "reads", p.reads, *expect.rate_held_min);
    }
    if (expect.staleness_p99_ms_max)
      v.at_most(in + "p99 of staleness", static_cast<double>(p.staleness.p99) * 1e-6,
                *expect.staleness_p99_ms_max, " ms");
  }
  return v.missed;
}

json to_json(const scenario_report& report) {
  json runs = json::array();
  for (const auto& r : report.runs)
    runs.push_back(run_json(r));
  return {{"scenario", report.scenario},
          {"description", report.description},
          {"data",
           {{"source", report.data},
            {"concepts", report.data_concepts},
            {"associations", report.data_associations}}},
          {"time_scale", report.time_scale},
          {"interrupted", report.interrupted()},
          {"ok", report.ok()},
          {"runs", std::move(runs)}};
}

} // namespace cmem::tools
