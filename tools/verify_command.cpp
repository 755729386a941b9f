#include "tools/report.hpp"
#include "tools/shown.hpp"
#include "tools/status_line.hpp"
#include "tools/store_check.hpp"
#include "tools/store_commands.hpp"
#include "tools/store_opening.hpp"

namespace cmem::tools {
namespace {

void print_json(std::ostream& out, const store_check& s) {
  nlohmann::ordered_json j;
  j["ok"] = s.ok();
  j["bytes"] = s.bytes;
  j["segments"] = s.segments;
  j["indexes"] = s.indexes;
  j["records"] = s.records;
  j["entries"] = s.entries;
  j["sequence"] = s.sequence;
  j["faults"] = nlohmann::ordered_json::array();
  for (const failure& f : s.faults)
    j["faults"].push_back(to_string(f));
  j["notes"] = s.notes;
  out << dump(j) << '\n';
}

void print_text(std::ostream& out, const std::string& store, const store_check& s) {
  for (const auto& note : s.notes)
    out << "note: " << note << '\n';
  for (const failure& f : s.faults)
    out << "FAULT: " << to_string(f) << '\n';
  out << store << ": " << show_count(s.bytes) << " bytes read, " << s.segments << " segments, "
      << (s.indexes == 0 ? "" : "an index, ") << show_count(s.records) << " log records with "
      << show_count(s.entries) << " entries, up to sequence " << s.sequence
      << (s.ok() ? ": all checksums are right\n" : ": DAMAGED\n");
}

} // namespace

int verify_command(const store_arguments& a, const console& c) {
  status_line line(c);
  const auto checked =
    check_store(c.files, a.store, [&line](std::uint64_t bytes, std::uint64_t of) {
      if (line.due())
        line.show("verify: " + show_count(bytes >> 20) + " of " + show_count(of >> 20) + " MiB");
    });
  line.clear();
  if (!checked)
    return fail(c, checked.error());
  if (a.json)
    print_json(c.out, *checked);
  else
    print_text(c.out, a.store, *checked);
  return checked->ok() ? exit_ok : exit_missed;
}

} // namespace cmem::tools
