#include "storage/backup_run.hpp"
#include "storage/format_version.hpp"
#include "storage/seeded_bug.hpp"
#include "storage/wal_format.hpp"

namespace cmem {

namespace {

constexpr int tries_max = 100; // of a writer that replaces segments while they are opened
constexpr std::string_view manifest_name = "MANIFEST";
constexpr std::string_view draft_name = "MANIFEST.new";

/// A power cut must not take back what the manifest says here: the store would give the number of a
/// segment that we have to another one. One that was closed has nothing to take back.
result<void> settle_manifest(const env& e, const std::string& directory, const manifest& m) {
  if (holds_everything(m) || seeded("backup_manifest_unsettled"))
    return {};
  auto opened = e.open(directory + "/" + std::string(manifest_name), open_mode::read);
  return opened ? opened->sync() : opened.error();
}

result<backup_source> open_source(const env& e, const std::string& directory) {
  std::uint64_t generation = 0;
  for (int tries = 0; tries != tries_max; ++tries) {
    auto read = read_manifest(e, directory);
    if (!read)
      return read.error();
    if (auto done = check_versions(e, directory); !done)
      return done.error();
    backup_source s{directory, std::move(read->value), {}};
    std::optional<failure> missing;
    for (const segment_ref& ref : s.store.segments) {
      auto opened = e.open(directory + "/" + segment_file_name(ref.number), open_mode::read);
      if (!opened) {
        missing = opened.error();
        break;
      }
      s.files.push_back(std::move(*opened));
    }
    if (!missing) {
      if (auto done = settle_manifest(e, directory, s.store); !done)
        return done.error();
      return s;
    }
    if (missing->code != errc::not_found)
      return *missing;
    // Gone after a newer manifest stopped naming it, or lost.
    if (read->generation == generation)
      return failure{errc::corrupt, missing->detail + "; the manifest in " + directory
                                      + " names it: restore the file from a copy"};
    generation = read->generation;
  }
  return failure{errc::timed_out,
                 directory + ": its segments are replaced faster than they can be opened"};
}

} // namespace

backup_run::backup_run(const env& e, backup_source from, std::string to, const backup_options& o)
  : env_(e), from_(std::move(from)), to_(std::move(to)), options_(o), next_(from_.store) {
  report_.sequence = next_.checkpoint;
  report_.timestamp = next_.timestamp;
  report_.whole = holds_everything(next_);
  report_.segments = next_.segments.size();
  for (const segment_ref& s : next_.segments)
    report_.bytes += s.bytes;
  progress_.bytes_total = 2 * report_.bytes; // taken, then verified
  next_.durable = next_.reserved = next_.checkpoint;
}

result<backup_report> backup_run::run(bool anew) {
  if (auto done = look(anew); !done)
    return done.error();
  if (auto done = take_segments(); !done)
    return done.error();
  if (seeded("backup_cleaned_first"))
    (void) clean();
  if (auto done = name_them(); !done)
    return done.error();
  if (auto done = clean(); !done)
    return done.error();
  return report_;
}

/// What the directory holds, and whether this store may be backed up there.
result<void> backup_run::look(bool anew) {
  if (auto done = env_.make_directory(to_); !done)
    return done;
  // Before the lock, which is a file too.
  if (const auto known = read_manifest(env_, to_);
      !known && known.error().code == errc::unsupported)
    return known.error();
  if (auto done = check_versions(env_, to_); !done)
    return done;
  auto lock = env_.lock(at("LOCK"));
  if (!lock)
    return lock.error();
  lock_.emplace(std::move(*lock));
  auto names = env_.list(to_);
  if (!names)
    return names.error();
  names_ = std::move(*names);
  auto known = read_manifest(env_, to_);
  if (!known)
    return look_for_first(known.error());
  if (anew)
    return unfit("holds a store");
  before_ = std::move(known->value);
  return compare();
}

result<void> backup_run::look_for_first(const failure& why_none) {
  report_.first = true;
  const bool log = std::any_of(names_.begin(), names_.end(),
                               [](const std::string& n) { return wal_file_number(n).has_value(); });
  if (there(manifest_name) || log || (why_none.code != errc::not_found && !there(draft_name)))
    return why_none; // a store that was damaged, and no backup that was cut
  // Before any segment: without it, segments without a manifest are a store that has lost it.
  if (auto made = env_.open(at(draft_name), open_mode::create); !made)
    return made.error();
  return seeded("backup_draft_unsynced") ? result<void>() : env_.sync_directory(to_);
}

result<void> backup_run::compare() const {
  const manifest& old = *before_;
  if (!holds_everything(old) || std::any_of(names_.begin(), names_.end(), [](const std::string& n) {
        return wal_file_number(n).has_value();
      }))
    return unfit("has a log: it is a store that was opened to be written, and no backup");
  if (old.store != next_.store || old.vector_dimension != next_.vector_dimension
      || old.association_times != next_.association_times)
    return unfit("holds the backup of another store");
  if (old.checkpoint > next_.checkpoint)
    return unfit("holds sequence " + std::to_string(old.checkpoint) + ", and " + from_.directory
                 + " is at " + std::to_string(next_.checkpoint) + ": a backup does not go back");
  for (const segment_ref& s : old.segments)
    for (const segment_ref& n : next_.segments)
      if (s.number == n.number && s != n)
        return unfit("holds another " + segment_file_name(s.number) + " than " + from_.directory
                     + ": since then the two have gone different ways");
  return {};
}

// -- manifest

result<void> backup_run::name_them() {
  if (!before_) {
    auto made = manifest_file::create(env_, to_, next_);
    return made ? result<void>() : made.error();
  }
  auto opened = manifest_file::open(env_, to_);
  if (!opened)
    return opened.error();
  return opened->current() == next_ ? result<void>() : opened->update(next_);
}

result<void> backup_run::clean() {
  auto removed = remove_unnamed(env_, to_, next_);
  if (!removed)
    return removed.error();
  report_.removed = removed->size();
  const auto left = env_.list(to_);
  if (!left)
    return left.error();
  for (const std::string& name : *left) {
    if (!name.ends_with(taken_ending)
        || !segment_file_number(
          std::string_view(name).substr(0, name.size() - taken_ending.size())))
      continue;
    if (auto done = env_.remove(at(name)); !done)
      return done;
  }
  progress_.bytes_done = progress_.bytes_total;
  if (options_.on_progress)
    options_.on_progress(progress_);
  return env_.sync_directory(to_);
}

result<backup_report> backup(const env& e, const std::string& from, const std::string& to,
                             const backup_options& o) {
  auto opened = open_source(e, from);
  if (!opened)
    return opened.error();
  return backup_run(e, std::move(*opened), to, o).run(false);
}

result<backup_report> restore(const env& e, const std::string& from, const std::string& to,
                              const backup_options& o) {
  auto opened = open_source(e, from);
  if (!opened)
    return opened.error();
  if (!holds_everything(opened->store))
    return failure{errc::invalid_argument,
                   from
                     + " has a log that its segments may not hold: it is a store, and no backup; "
                       "back it up first"};
  backup_options copied = o;
  copied.link = false;
  return backup_run(e, std::move(*opened), to, copied).run(true);
}

} // namespace cmem
