#include "tools/store_opening.hpp"

#include "tools/report.hpp"
#include "tools/shown.hpp"
#include "tools/status_line.hpp"
#include "tools/store_files.hpp"

#include <algorithm>
#include <mutex>

namespace cmem::tools {

result<std::optional<manifest>> stored_manifest(const env& e, const std::string& directory) {
  auto known = read_manifest(e, directory);
  if (known)
    return std::optional(std::move(known->value));
  if (known.error().code == errc::not_found) // one that is to be made
    return std::optional<manifest>();
  return known.error();
}

result<std::unique_ptr<concurrent_memory>> open_store(const std::string& directory,
                                                      const store_opening& how, const console& c) {
  config settings;
  if (!how.write)
    if (const auto there = list_store(c.files, directory); !there)
      return there.error();
  const auto known = stored_manifest(c.files, directory);
  if (!known)
    return known.error();
  settings.files = c.files;
  settings.storage_path = directory;
  settings.read_only = !how.write;
  settings.vector_dimension = *known ? (*known)->vector_dimension : how.vector_dimension;
  settings.association_times = !*known || (*known)->association_times;
  settings.strength_half_life_s = how.strength_half_life_s;
  settings.keep_originals = how.keep_originals;
  settings.vector_code_ratio = how.vector_code_ratio;
  settings.log_file_bytes = how.log_file_bytes;
  settings.memory_threshold = how.flush_concepts;
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
      line.show("opening " + directory + ": " + std::to_string(percent) + " % of "
                + show_count(p.bytes_total >> 20) + " MiB");
    };
  auto memory = concurrent_memory::open(std::move(settings));
  line.clear();
  if (memory && (*memory)->recovery().beside)
    note_beside(c, directory, (*memory)->recovery().checkpoint);
  return memory;
}

void note_beside(const console& c, const std::string& directory, std::uint64_t checkpoint) {
  c.err << "cmem: another process writes " << directory
        << ": this shows its last checkpoint, sequence " << checkpoint << '\n';
}

int fail(const console& c, const failure& f, int code) {
  c.err << "cmem: " << to_string(f) << '\n';
  return code;
}

concept_id parse_id(std::string_view text) {
  const auto id = concept_id::from_hex(text);
  return id ? *id : concept_id::from_name(text);
}

failure not_there(const std::string& id) {
  return {errc::not_found,
          "concept " + show_text(id) + " is not in the store; an ID is 32 hex digits or a name"};
}

} // namespace cmem::tools
