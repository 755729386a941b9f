#include "tools/report.hpp"
#include "tools/shown.hpp"
#include "tools/store_commands.hpp"
#include "tools/store_files.hpp"
#include "tools/store_opening.hpp"

namespace cmem::tools {

int stats_command(const store_arguments& a, const console& c) {
  const auto memory = open_store(a.store, {}, c);
  if (!memory)
    return fail(c, memory.error());
  const memory_stats s = (*memory)->stats();
  const recovery_report& r = (*memory)->recovery();
  const auto files = list_store(c.files, a.store);
  if (!files)
    return fail(c, files.error());
  nlohmann::ordered_json j;
  j["concepts"] = s.snapshot.concept_count;
  j["associations"] = s.snapshot.edge_count;
  j["placeholders"] = s.snapshot.placeholder_count;
  j["kinds"] = (*memory)->known_kinds().size();
  j["vector_dimension"] = (*memory)->settings().vector_dimension;
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
  if (a.json) {
    c.out << dump(j) << '\n';
    return exit_ok;
  }
  for (const auto& [key, value] : j.items()) {
    const bool time = key == "timestamp_us";
    std::string name = time ? "newest change" : key;
    for (auto& letter : name)
      letter = letter == '_' ? ' ' : letter;
    name.resize(18, ' ');
    c.out << name
          << (time ? show_time(value.get<timestamp_us>()) : show_count(value.get<std::uint64_t>()))
          << '\n';
  }
  return exit_ok;
}

} // namespace cmem::tools
