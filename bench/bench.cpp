#include "bench/bench.hpp"

#include "bench/benches.hpp"
#include "tools/status_line.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <sstream>
#include <string_view>
#include <sys/resource.h>

namespace cmem::bench {
namespace {

using nlohmann::json;

struct entry {
  std::string_view name;
  outcome (*run)(const options&);
};

constexpr std::array all = {
  entry{"append", append},
  entry{"ingest", ingest},
  entry{"merge2", merge2},
  entry{"publish", publish},
  entry{"load", load},
  entry{"lookup", lookup},
  entry{"neighbors", neighbors},
  entry{"bfs", bfs},
  entry{"interference", interference},
  entry{"staleness", staleness},
  entry{"headline", headline},
  entry{"burst", burst},
  entry{"memory", memory},
  entry{"compressed", compressed},
  entry{"held", held},
  entry{"idle", idle},
  entry{"durable", durable},
  entry{"burst_durable", burst_durable},
  entry{"recover", recover},
  entry{"flush", flush},
  entry{"backup", backup},
  entry{"soak", soak},
  entry{"write_amp", write_amp},
  entry{"mapped", mapped},
  entry{"cold", cold},
  entry{"path", path},
  entry{"weighted", weighted},
  entry{"vectors_small", vectors_small},
  entry{"vectors", vectors},
  entry{"filtered", filtered},
  entry{"text", text},
  entry{"pq", pq},
  entry{"codes", codes},
  entry{"stored_index", stored_index},
  entry{"remote", remote},
  entry{"remote_read", remote_read},
  entry{"local_actors", local_actors},
  entry{"crowd", crowd},
};

std::uint64_t involuntary_switches() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return static_cast<std::uint64_t>(usage.ru_nivcsw);
}

/// Ticks stolen from all cores, 0 where the kernel does not say.
std::uint64_t stolen_ticks() {
  std::ifstream stat("/proc/stat");
  std::string cpu;
  std::array<std::uint64_t, 8> ticks{}; // user nice system idle iowait irq softirq steal
  stat >> cpu;
  for (auto& t : ticks)
    stat >> t;
  return stat ? ticks[7] : 0;
}

std::string text_of(const json& v) {
  if (v.is_null())
    return "";
  if (v.is_boolean())
    return v.get<bool>() ? "yes" : "NO";
  if (v.is_string())
    return v.get<std::string>();
  std::ostringstream text;
  const double x = v.get<double>();
  if (std::abs(x) >= 1e5 && std::abs(x) < 1e15)
    return (x < 0 ? "-" : "")
           + tools::show_count(static_cast<std::uint64_t>(std::llround(std::abs(x))));
  text.precision(4);
  text << x;
  return text.str();
}

} // namespace

std::optional<double> row::ratio() const noexcept {
  return baseline.empty() || baseline_value == 0 ? std::nullopt
                                                 : std::optional(value / baseline_value);
}

std::optional<bool> row::meets() const noexcept {
  if (!bar)
    return std::nullopt;
  const auto figure = bar->what == target::of::value ? std::optional(value) : ratio();
  if (!figure || std::isnan(*figure))
    return false;
  return bar->bound == target::side::at_most ? *figure <= bar->limit : *figure >= bar->limit;
}

std::string row::target_text() const {
  if (!bar)
    return {};
  std::ostringstream text;
  text.precision(12);
  text << (bar->bound == target::side::at_most ? "<= " : ">= ") << bar->limit << ' '
       << (bar->what == target::of::ratio ? "x baseline" : unit);
  return text.str();
}

std::uint64_t options::scaled(std::uint64_t n) const noexcept {
  return std::max<std::uint64_t>(
    1, static_cast<std::uint64_t>(std::llround(static_cast<double>(n) * scale)));
}

void preemption_watch::start() {
  stolen_ = stolen_ticks();
  switches_ = involuntary_switches();
}

bool preemption_watch::disturbed() const {
  return involuntary_switches() != switches_ || stolen_ticks() != stolen_;
}

double calm(const window& w, outcome& o) {
  constexpr int tries_max = 20;
  // A window that is long is hardly ever left alone, and moved little by what disturbs it.
  constexpr std::chrono::seconds tries_in{2};
  const auto begin = std::chrono::steady_clock::now();
  preemption_watch watch;
  for (int i = 1;; ++i) {
    watch.start();
    const double value = w();
    if (!watch.disturbed())
      return value;
    if (i == tries_max || std::chrono::steady_clock::now() - begin > tries_in) {
      ++o.disturbed;
      return value;
    }
    ++o.repeats;
  }
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

comparison compare(const window& subject, const window& baseline, outcome& o, int rounds) {
  std::vector<double> subjects, baselines;
  for (int i = 0; i < rounds; ++i) {
    baselines.push_back(calm(baseline, o));
    subjects.push_back(calm(subject, o));
  }
  return {median(std::move(subjects)), median(std::move(baselines))};
}

double median_of(const window& w, outcome& o, int rounds) {
  std::vector<double> values;
  for (int i = 0; i < rounds; ++i)
    values.push_back(calm(w, o));
  return median(std::move(values));
}

std::vector<std::string> names() {
  std::vector<std::string> known;
  for (const auto& e : all)
    known.emplace_back(e.name);
  return known;
}

int run(const std::string& name, const options& o, json& out, std::ostream& errors) {
  const auto found =
    std::find_if(all.begin(), all.end(), [&](const entry& e) { return e.name == name; });
  if (found == all.end()) {
    errors << "cmem: no benchmark `" << name << "`; there are:";
    for (const auto& e : all)
      errors << ' ' << e.name;
    errors << '\n';
    return tools::exit_usage;
  }
  try {
    out = to_json(name, found->run(o));
  } catch (const std::exception& e) {
    errors << "cmem: " << name << ": " << e.what() << '\n';
    return tools::exit_missed;
  }
  const auto missed = [](const json& r) { return r["meets"] == false; };
  const auto& rows = out["rows"];
  return std::any_of(rows.begin(), rows.end(), missed) ? tools::exit_missed : tools::exit_ok;
}

json to_json(const std::string& name, const outcome& o) {
  json rows = json::array();
  for (const auto& r : o.rows) {
    const bool compared = !r.baseline.empty();
    const auto ratio = r.ratio();
    const auto meets = r.meets();
    rows.push_back({{"name", r.name},
                    {"value", r.value},
                    {"unit", r.unit},
                    {"baseline", compared ? json(r.baseline) : json()},
                    {"baseline_value", compared ? json(r.baseline_value) : json()},
                    {"ratio", ratio ? json(*ratio) : json()},
                    {"target", r.bar ? json(r.target_text()) : json()},
                    {"meets", meets ? json(*meets) : json()}});
  }
  return {{"bench", name},
          {"rows", std::move(rows)},
          {"repeats", o.repeats},
          {"disturbed", o.disturbed},
          {"notes", o.notes}};
}

void print(std::ostream& out, const json& bench) {
  constexpr std::array<const char*, 8> columns = {"name",           "value", "unit",   "baseline",
                                                  "baseline_value", "ratio", "target", "meets"};
  std::vector<std::array<std::string, columns.size()>> table(1);
  std::array<std::size_t, columns.size()> widths{};
  for (const auto& r : bench["rows"]) {
    auto& line = table.emplace_back();
    for (std::size_t i = 0; i < columns.size(); ++i)
      line[i] = text_of(r[columns[i]]);
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    table[0][i] = i == 4 ? "its value" : columns[i];
    for (const auto& line : table)
      widths[i] = std::max(widths[i], line[i].size());
  }
  out << text_of(bench["bench"]) << '\n';
  for (const auto& line : table) {
    out << ' ';
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string blanks(widths[i] - line[i].size(), ' ');
      const bool number = i == 1 || i == 4 || i == 5;
      out << ' ' << (number ? blanks + line[i] : line[i] + blanks);
    }
    out << '\n';
  }
  out << "  windows repeated because of preemption: " << bench["repeats"];
  if (bench["disturbed"] != 0)
    out << "; kept though disturbed: " << bench["disturbed"];
  out << '\n';
  for (const auto& note : bench["notes"])
    out << "  " << note.get<std::string>() << '\n';
}

int command(const tools::bench_arguments& arguments, const tools::console& c) {
  if (arguments.list) {
    for (const auto& name : names())
      c.out << name << '\n';
    return tools::exit_ok;
  }
  int worst = tools::exit_ok;
  tools::status_line line(c);
  const options o{arguments.scale,
                  arguments.directory,
                  arguments.seconds,
                  arguments.vectors,
                  arguments.dimension,
                  [&](const std::string& text) {
                    if (line.due())
                      line.show(text);
                  }};
  for (const auto& name : arguments.names.empty() ? names() : arguments.names) {
    json result;
    const int code = run(name, o, result, c.err);
    line.clear();
    worst = std::max(worst, code);
    if (result.is_null())
      continue;
    if (arguments.json)
      c.out << result.dump() << std::endl;
    else
      print(c.out, result);
  }
  return worst;
}

} // namespace cmem::bench
