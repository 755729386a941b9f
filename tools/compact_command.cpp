#include "tools/compacting.hpp"
#include "tools/report.hpp"
#include "tools/shown.hpp"
#include "tools/store_commands.hpp"
#include "tools/store_files.hpp"
#include "tools/store_opening.hpp"

namespace cmem::tools {

int compact_command(const compact_arguments& a, const console& c) {
  const auto before = list_store(c.files, a.store);
  if (!before)
    return fail(c, before.error());
  store_opening how;
  how.write = true;
  how.keep_originals = a.vectors.keep_originals;
  how.vector_code_ratio = a.vectors.code_ratio;
  const auto memory = open_store(a.store, how, c);
  if (!memory)
    return fail(c, memory.error());
  const auto segments_before = (*memory)->recovery().segments;
  const auto done = compact_all(**memory, c);
  const close_report closed = (*memory)->close();
  const memory_stats s = (*memory)->stats();
  if (!done)
    return fail(c, done.error());
  if (closed.store_error.code != errc::ok)
    return fail(c, closed.store_error);
  const auto after = list_store(c.files, a.store);
  if (!after)
    return fail(c, after.error());
  nlohmann::ordered_json j;
  j["sequence"] = s.storage.durable_sequence;
  j["segments_before"] = segments_before;
  j["segments"] = s.storage.segments;
  j["segment_bytes"] = s.storage.segment_bytes;
  j["bytes_on_disk_before"] = before->bytes();
  j["bytes_on_disk"] = after->bytes();
  if (a.json)
    c.out << dump(j) << '\n';
  else
    c.out << "segments: " << show_count(segments_before) << " before, "
          << show_count(s.storage.segments)
          << " now\nbytes on the disk: " << show_count(before->bytes()) << " before, "
          << show_count(after->bytes()) << " now\n";
  return exit_ok;
}

} // namespace cmem::tools
