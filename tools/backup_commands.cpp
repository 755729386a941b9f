#include "storage/backup.hpp"

#include "storage/checkpoint.hpp"
#include "tools/report.hpp"
#include "tools/status_line.hpp"
#include "tools/store_commands.hpp"
#include "tools/store_files.hpp"
#include "tools/store_opening.hpp"

#include <algorithm>
#include <chrono>

namespace cmem::tools {
namespace {

/// A store that was opened and does nothing else than end.
result<std::uint64_t> close_flushed(concurrent_memory& memory) {
  const close_report closed = memory.close();
  if (closed.store_error.code != errc::ok)
    return closed.store_error;
  return memory.stats().storage.checkpoint;
}

result<manifest> manifest_there(const console& c, const std::string& store) {
  if (const auto listed = list_store(c.files, store); !listed)
    return listed.error();
  const auto read = read_manifest(c.files, store);
  if (!read)
    return read.error();
  return read->value;
}

class backup_command_run {
public:
  backup_command_run(const backup_arguments& a, const console& c, const char* verb)
    : arguments_(a), console_(c), line_(c), verb_(verb) {
    options_.verify_all = a.verify_all;
    options_.link = !a.copy;
    if (c.live)
      options_.on_progress = [this](const backup_progress& p) { show(p); };
  }

  result<backup_report> back_up() {
    const auto m = manifest_there(console_, arguments_.store);
    if (!m)
      return m.error();
    if (!holds_everything(*m)) {
      auto still = hold_still(console_.files, arguments_.store);
      if (!still)
        return still.error();
      beside_ = !*still;
      still->reset(); // or nobody can open it to write
      if (!beside_)
        return flush_and_back_up();
    }
    return backup(console_.files, arguments_.store, arguments_.directory, options_);
  }
  result<backup_report> restore() {
    return cmem::restore(console_.files, arguments_.directory, arguments_.store, options_);
  }

  int end(const result<backup_report>& r) {
    line_.clear();
    if (!r)
      return fail(console_, r.error());
    if (beside_)
      console_.err << "cmem: another process writes " << arguments_.store
                   << ": this is its last checkpoint, sequence " << r->sequence << '\n';
    if (arguments_.json)
      print_json(*r);
    else
      print_text(*r);
    return exit_ok;
  }

private:
  result<backup_report> flush_and_back_up() {
    store_opening how;
    how.write = true;
    const auto memory = open_store(arguments_.store, how, console_);
    if (!memory)
      return memory.error();
    auto made = (*memory)->backup(arguments_.directory, options_);
    const auto closed = close_flushed(**memory);
    if (!made)
      return made;
    if (!closed)
      return closed.error();
    made->whole = true; // nothing was written meanwhile
    return made;
  }

  void show(const backup_progress& p) {
    if (!line_.due())
      return;
    const std::uint64_t percent = p.bytes_done * 100 / std::max<std::uint64_t>(p.bytes_total, 1);
    // Each byte counts twice: once taken, once verified.
    line_.show(std::string(verb_) + ": " + std::to_string(percent) + " % of "
               + show_count(p.bytes_total >> 21) + " MiB");
  }

  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

  void print_json(const backup_report& r) const {
    nlohmann::ordered_json j;
    j["sequence"] = r.sequence;
    j["whole"] = r.whole;
    j["first"] = r.first;
    j["segments"] = r.segments;
    j["linked"] = r.linked;
    j["copied"] = r.copied;
    j["kept"] = r.kept;
    j["removed"] = r.removed;
    j["bytes"] = r.bytes;
    j["bytes_copied"] = r.bytes_copied;
    j["bytes_verified"] = r.bytes_verified;
    j["seconds"] = seconds();
    console_.out << j.dump(2) << '\n';
  }

  void print_text(const backup_report& r) const {
    const bool restored = std::string_view(verb_) == "restore";
    console_.out << (restored ? arguments_.store : arguments_.directory) << " holds "
                 << (restored ? arguments_.directory : arguments_.store) << " up to sequence "
                 << r.sequence << (r.whole ? ", all of it: " : ", its last checkpoint: ")
                 << show_count(r.bytes) << " bytes in " << r.segments << " segments, " << r.linked
                 << " linked, " << r.copied << " copied, " << r.kept << " kept\n"
                 << show_count(r.bytes_copied) << " bytes copied, " << show_count(r.bytes_verified)
                 << " read again and verified";
    if (r.bytes_verified < r.bytes)
      console_.out << "; of the rest, headers";
    console_.out << '\n';
  }

  const backup_arguments& arguments_;
  const console& console_;
  status_line line_;
  const char* verb_;
  backup_options options_;
  bool beside_ = false;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

} // namespace

int checkpoint_command(const store_arguments& a, const console& c) {
  const auto m = manifest_there(c, a.store);
  if (!m)
    return fail(c, m.error());
  const bool written = !holds_everything(*m);
  std::uint64_t sequence = m->checkpoint;
  std::uint64_t entries = 0; // that the log held
  if (written) {
    store_opening how;
    how.write = true;
    const auto memory = open_store(a.store, how, c);
    if (!memory)
      return fail(c, memory.error());
    entries = (*memory)->recovery().entries;
    const auto closed = close_flushed(**memory);
    if (!closed)
      return fail(c, closed.error());
    sequence = *closed;
  }
  if (a.json) {
    nlohmann::ordered_json j;
    j["sequence"] = sequence;
    j["written"] = written;
    j["log_entries"] = entries;
    c.out << j.dump(2) << '\n';
  } else {
    c.out << a.store << ": segments hold all of it, up to sequence " << sequence
          << (written ? ", with " + show_count(entries) + " entries that the log held"
                      : ", as they did before")
          << '\n';
  }
  return exit_ok;
}

int backup_command(const backup_arguments& a, const console& c) {
  backup_command_run run(a, c, "backup");
  return run.end(run.back_up());
}

int restore_command(const backup_arguments& a, const console& c) {
  backup_command_run run(a, c, "restore");
  return run.end(run.restore());
}

} // namespace cmem::tools
