#include "tools/amplification.hpp"
#include "tools/report.hpp"
#include "tools/shown.hpp"
#include "tools/store_commands.hpp"
#include "tools/store_files.hpp"
#include "tools/store_opening.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace cmem::tools {
namespace {

using nlohmann::ordered_json;

ordered_json json_of(const std::optional<double>& x) { return x ? ordered_json(*x) : nullptr; }

ordered_json segment_list(const cold_reader& from, timestamp_us now) {
  ordered_json list = ordered_json::array();
  for (const segment_reader& s : from.segments()) {
    const segment_header& h = s.header();
    list.push_back({{"number", h.number},
                    {"bytes", h.at(segment_section::checksums).end()},
                    {"records", s.concept_count()},
                    {"forgotten", h.forgotten},
                    {"first_sequence", h.first_sequence},
                    {"last_sequence", h.last_sequence},
                    {"age_us", std::max<timestamp_us>(0, now - h.timestamp_us)}});
  }
  return list;
}

result<ordered_json> stats_of(const concurrent_memory& memory, const std::string& store,
                              const env& e) {
  const memory_stats s = memory.stats();
  const recovery_report& r = memory.recovery();
  const auto files = list_store(e, store);
  if (!files)
    return files.error();
  const auto cold = cold_reader::open(e, store);
  if (!cold)
    return cold.error();
  const auto snapshot = memory.share();
  const auto searched = read_amplification(*cold, *snapshot);
  if (!searched)
    return searched.error();
  const std::uint64_t live = live_bytes(*snapshot, cold->store().kinds);
  std::uint64_t kept = 0;
  for (const segment_ref& segment : cold->store().segments)
    kept += segment.bytes;
  const write_totals& written = cold->store().written;
  ordered_json j;
  j["concepts"] = s.snapshot.concept_count;
  j["associations"] = s.snapshot.edge_count;
  j["placeholders"] = s.snapshot.placeholder_count;
  j["kinds"] = memory.known_kinds().size();
  j["vector_dimension"] = memory.settings().vector_dimension;
  j["strength_half_life_s"] = snapshot->decay().half_life / 1'000'000;
  j["sequence"] = s.snapshot.sequence;
  j["durable_sequence"] = r.log_sequence; // what was not on the disk, no opening has found
  j["checkpoint"] = r.checkpoint;
  j["timestamp_us"] = s.snapshot.timestamp;
  j["segments"] = r.segments;
  j["segment_bytes"] = r.segment_bytes;
  j["log_files"] = files->count(store_file_type::log);
  j["log_bytes"] = files->bytes(store_file_type::log);
  j["bytes_on_disk"] = files->bytes();
  j["bytes_in_memory"] = s.memory.total;
  j["live_bytes"] = live;
  j["learned_bytes"] = written.learned_bytes;
  j["logged_bytes"] = written.log_bytes;
  j["flushed_bytes"] = written.flushed_bytes;
  j["compacted_bytes"] = written.compacted_bytes;
  j["write_amplification"] = json_of(write_amplification(written));
  j["space_amplification"] =
    json_of(live == 0 ? std::nullopt
                      : std::optional(static_cast<double>(kept) / static_cast<double>(live)));
  j["read_amplification"] = json_of(*searched);
  j["segment_list"] = segment_list(*cold, e.wall_us());
  return j;
}

std::string show_value(const std::string& key, const ordered_json& value) {
  if (value.is_null())
    return "-";
  if (key == "timestamp_us")
    return show_time(value.get<timestamp_us>());
  if (!value.is_number_float())
    return show_count(value.get<std::uint64_t>());
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f", value.get<double>());
  return text.data();
}

std::string show_age(std::int64_t us) {
  constexpr std::array<std::pair<std::int64_t, const char*>, 4> units = {
    {{86'400'000'000, " d"}, {3'600'000'000, " h"}, {60'000'000, " min"}, {1'000'000, " s"}}};
  for (const auto& [unit, name] : units)
    if (us >= unit)
      return std::to_string(us / unit) + name;
  return "0 s";
}

void print_segments(std::ostream& out, const ordered_json& list) {
  std::vector<std::array<std::string, 6>> rows = {
    {"segment", "bytes", "records", "forgotten", "sequences", "age"}};
  for (const auto& s : list)
    rows.push_back({s["number"].dump(), show_count(s["bytes"]), show_count(s["records"]),
                    show_count(s["forgotten"]),
                    s["first_sequence"].dump() + "-" + s["last_sequence"].dump(),
                    show_age(s["age_us"])});
  std::array<std::size_t, 6> widths{};
  for (const auto& row : rows)
    for (std::size_t i = 0; i != row.size(); ++i)
      widths[i] = std::max(widths[i], row[i].size());
  out << '\n';
  for (const auto& row : rows) {
    for (std::size_t i = 0; i != row.size(); ++i)
      out << std::string(widths[i] - row[i].size() + (i == 0 ? 0 : 2), ' ') << row[i];
    out << '\n';
  }
}

void print_text(std::ostream& out, const ordered_json& stats) {
  for (const auto& [key, value] : stats.items()) {
    if (key == "segment_list")
      continue;
    std::string name = key == "timestamp_us" ? "newest change" : key;
    std::replace(name.begin(), name.end(), '_', ' ');
    name.resize(21, ' ');
    out << name << show_value(key, value) << '\n';
  }
  if (!stats["segment_list"].empty())
    print_segments(out, stats["segment_list"]);
}

} // namespace

int stats_command(const store_arguments& a, const console& c) {
  const auto memory = open_store(a.store, {}, c);
  if (!memory)
    return fail(c, memory.error());
  const auto stats = stats_of(**memory, a.store, c.files);
  if (!stats)
    return fail(c, stats.error());
  if (a.json)
    c.out << dump(*stats) << '\n';
  else
    print_text(c.out, *stats);
  return exit_ok;
}

} // namespace cmem::tools
