#include "tools/store_opening.hpp"

#include "storage/manifest.hpp"
#include "tools/report.hpp"
#include "tools/status_line.hpp"
#include "tools/store_files.hpp"

#include <algorithm>
#include <mutex>

namespace cmem::tools {

result<std::uint32_t> vector_dimension_of(const env& e, const std::string& directory) {
  const auto known = read_manifest(e, directory);
  if (known)
    return known->value.vector_dimension;
  if (known.error().code == errc::not_found) // one that is to be made
    return std::uint32_t{0};
  return known.error();
}

result<std::unique_ptr<concurrent_memory>> open_store(const std::string& directory,
                                                      const store_opening& how, const console& c) {
  config settings;
  if (!how.create)
    if (const auto there = list_store(settings.files, directory); !there)
      return there.error();
  const auto dimension = vector_dimension_of(settings.files, directory);
  if (!dimension)
    return dimension.error();
  settings.storage_path = directory;
  settings.vector_dimension = how.vector_dimension.value_or(*dimension);
  settings.log_file_bytes = how.log_file_bytes;
  settings.overflow = overflow_policy::reject;
  settings.reader_actors = 1;
  settings.log = [&err = c.err, one = std::make_shared<std::mutex>()](log_level level,
                                                                      std::string_view text) {
    if (level != log_level::error)
      return;
    const std::lock_guard lock(*one);
    err << "cmem: " << text << '\n';
  };
  status_line line(c);
  if (c.live)
    settings.on_progress = [&line, &directory](const recovery_progress& p) {
      if (!line.due())
        return;
      const std::uint64_t percent = p.bytes_done * 100 / std::max<std::uint64_t>(p.bytes_total, 1);
      line.show("opening " + directory + ": " + show_count(p.entries) + " entries, "
                + std::to_string(percent) + " % of the log");
    };
  return concurrent_memory::open(std::move(settings));
}

int fail(const console& c, const failure& f, int code) {
  c.err << "cmem: " << to_string(f) << '\n';
  return code;
}

concept_id parse_id(std::string_view text) {
  const auto id = concept_id::from_hex(text);
  return id ? *id : concept_id::from_name(text);
}

} // namespace cmem::tools
