#include "tools/report.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace cmem::tools {
namespace {

std::string padded(std::string text, std::size_t width, bool right) {
  std::size_t columns = 0; // of UTF-8: every byte that does not continue a character
  for (const char c : text)
    columns += (static_cast<unsigned char>(c) & 0xC0U) == 0x80U ? 0 : 1;
  if (columns < width)
    text.insert(right ? 0 : text.size(), width - columns, ' ');
  return text;
}

std::string show_rate(const rate& r) {
  if (r.unpaced)
    return "max";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", r.per_second);
  return text.data();
}

std::string show_megabytes(std::uint64_t bytes) {
  return show_count((bytes + (1U << 19)) >> 20) + " MiB";
}

void print_durations(std::ostream& out, const std::string& name, const latency_summary& s) {
  out << "    " << padded(name, 34, false) << padded(show_count(s.count), 12, true);
  for (const std::int64_t ns : {s.p50, s.p99, s.p999, s.max})
    out << padded(s.count == 0 ? "-" : show_duration(ns), 10, true);
  out << '\n';
}

void print_rate(std::ostream& out, const char* what, const rate_report& r) {
  if (r.wanted.idle())
    return;
  out << "    " << what << ": "
      << show_count(static_cast<std::uint64_t>(std::llround(r.per_second))) << "/s of "
      << show_rate(r.wanted) << " wanted, " << r.threads
      << (r.threads == 1 ? " thread" : " threads");
  if (r.due != 0 && r.done < r.due)
    out << "; " << show_count(r.due - r.done) << " of " << show_count(r.due) << " not done";
  out << '\n';
}

void print_phase(std::ostream& out, const phase_report& p) {
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.1f s", p.seconds);
  out << "\n  " << p.name << " (" << seconds << ")\n";
  print_rate(out, "writes", p.writes);
  print_rate(out, "reads ", p.reads);
  out << "    " << padded("", 34, false) << padded("count", 12, true);
  for (const char* column : {"p50", "p99", "p99.9", "max"})
    out << padded(column, 10, true);
  out << '\n';
  for (const auto& o : p.write_operations) {
    print_durations(out, o.name + ", the call", o.service);
    if (!p.writes.wanted.unpaced)
      print_durations(out, o.name + ", since due", o.latency);
  }
  for (const auto& o : p.queries) {
    print_durations(out, o.name + ", the call", o.service);
    if (!p.reads.wanted.unpaced)
      print_durations(out, o.name + ", since due", o.latency);
  }
  if (p.staleness.count != 0)
    print_durations(out, "staleness", p.staleness);
  out << "    most pending " << show_count(p.pending_max) << ", dropped " << show_count(p.dropped)
      << ", rejected " << show_count(p.rejected) << ", resident "
      << show_megabytes(p.resident_bytes_max);
  for (const auto& o : p.queries)
    if (o.found != o.service.count)
      out << ", " << o.name << " found " << show_count(o.found) << " of "
          << show_count(o.service.count);
  out << '\n';
}

void print_accounting(std::ostream& out, const accounting_report& a) {
  const auto& t = a.target;
  out << "\n  accounting: " << show_count(t.written) << " written = " << show_count(t.applied)
      << " applied + " << show_count(t.failed) << " failed + " << show_count(t.dropped)
      << " dropped; " << show_count(t.rejected) << " rejected";
  if (a.refused != 0)
    out << ", " << show_count(a.refused) << " refused";
  out << (a.difference().empty() ? ": it adds up\n" : ": IT DOES NOT ADD UP\n");
}

void print_store(std::ostream& out, const store_report& s) {
  out << "  store: " << s.directory << ", durability " << show_durability(s.level) << ": ";
  if (s.concepts == 0 && s.associations == 0) {
    out << "a new one\n";
    return;
  }
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.2f s", s.open_seconds);
  out << "opened again in " << seconds << ", with " << show_count(s.concepts) << " concepts and "
      << show_count(s.associations) << " associations\n";
}

void print_run(std::ostream& out, const run_report& r) {
  out << '\n' << r.target << '\n';
  if (!r.settings.empty())
    out << "  " << r.settings << '\n';
  if (!r.store.directory.empty())
    print_store(out, r.store);
  if (r.preloaded != 0) {
    const double per_second = static_cast<double>(r.preloaded) / std::max(r.preload_seconds, 1e-9);
    out << "  preload: " << show_count(r.preloaded) << " writes at "
        << show_count(static_cast<std::uint64_t>(per_second)) << "/s\n";
  }
  for (const auto& p : r.phases)
    print_phase(out, p);
  const auto& t = r.accounting.target;
  out << "\n  at the end: " << show_count(t.concepts) << " concepts, " << show_count(t.associations)
      << " associations";
  if (t.snapshots != 0)
    out << ", " << show_count(t.snapshots) << " snapshots published";
  out << "; resident before: " << show_megabytes(r.resident_bytes_before) << '\n';
  print_accounting(out, r.accounting);
  if (r.interrupted)
    out << "  INTERRUPTED: a partial report, the figures are of what was run\n";
  for (const auto& m : r.missed)
    out << "  MISSED: " << m << '\n';
}

} // namespace

std::string show_duration(std::int64_t ns) {
  struct unit {
    double ns;
    const char* name;
  };
  const auto value = static_cast<double>(ns);
  unit u{1e9, "s"};
  for (const unit smaller : {unit{1e6, "ms"}, unit{1e3, "µs"}, unit{1, "ns"}})
    if (value < u.ns * 0.9995)
      u = smaller;
  const double shown = value / u.ns;
  const int digits = u.ns == 1 ? 0 : shown < 9.995 ? 2 : shown < 99.95 ? 1 : 0;
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.*f %s", digits, shown, u.name);
  return text.data();
}

std::string show_count(std::uint64_t n) {
  const std::string digits = std::to_string(n);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i != 0 && (digits.size() - i) % 3 == 0)
      text += ',';
    text += digits[i];
  }
  return text;
}

void print(std::ostream& out, const scenario_report& report) {
  out << report.scenario << ": " << report.description << '\n'
      << "data: " << report.data << ", " << show_count(report.data_concepts) << " concepts, "
      << show_count(report.data_associations) << " associations\n";
  if (report.time_scale != 1)
    out << "phases last " << report.time_scale << " times as long as written\n";
  for (const auto& r : report.runs)
    print_run(out, r);
}

} // namespace cmem::tools
