#include "tools/report.hpp"
#include "tools/shown.hpp"
#include "tools/status_line.hpp"
#include "tools/store_commands.hpp"
#include "tools/store_files.hpp"
#include "tools/store_opening.hpp"

#include <future>

namespace cmem::tools {

namespace {

/// Says on a terminal how long it has taken.
result<void> compact(concurrent_memory& memory, const console& c) {
  auto done = std::async(std::launch::async, [&] { return memory.compact(); });
  status_line status(c);
  const auto begin = std::chrono::steady_clock::now();
  while (done.wait_for(std::chrono::milliseconds(100)) != std::future_status::ready)
    if (status.due())
      status.show("merging " + show_count(memory.stats().storage.segment_bytes)
                  + " bytes of segments, "
                  + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(
                                     std::chrono::steady_clock::now() - begin)
                                     .count())
                  + " s");
  return done.get();
}

} // namespace

int compact_command(const store_arguments& a, const console& c) {
  const auto before = list_store(c.files, a.store);
  if (!before)
    return fail(c, before.error());
  store_opening how;
  how.write = true;
  const auto memory = open_store(a.store, how, c);
  if (!memory)
    return fail(c, memory.error());
  const auto segments_before = (*memory)->recovery().segments;
  const auto done = compact(**memory, c);
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
