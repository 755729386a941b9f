// From the store into the backup: segments that are kept, linked or copied, and verified.

#include "storage/backup_run.hpp"
#include "storage/seeded_bug.hpp"

namespace cmem {

namespace {

constexpr std::size_t buffer_bytes = std::size_t{1} << 20;
constexpr std::uint64_t sync_bytes = std::uint64_t{32} << 20;

} // namespace

result<void> backup_run::take_segments() {
  for (std::size_t i = 0; i != next_.segments.size(); ++i)
    if (auto done = take(next_.segments[i], from_.files[i]); !done)
      return done;
  return seeded("backup_names_unsynced") ? result<void>() : env_.sync_directory(to_);
}

result<void> backup_run::take(const segment_ref& s, file& from) {
  const auto kept = keep(s);
  if (!kept)
    return kept.error();
  if (*kept) {
    ++report_.kept;
    return {};
  }
  const std::string name = segment_file_name(s.number);
  const std::string taken = at(name + std::string(taken_ending));
  const auto linked = link(s, taken);
  if (!linked)
    return linked.error();
  auto done = *linked ? result<void>() : copy(s, from, taken);
  if (done) // before the rename: what was there may have been better
    done = check(taken, s, (!*linked || options_.verify_all) && !seeded("backup_unverified"));
  if (!done) {
    (void) env_.remove(taken); // for the space; else the next backup removes it
    return culprit(s, done.error());
  }
  if (done = env_.rename(taken, at(name)); !done)
    return done;
  ++(*linked ? report_.linked : report_.copied);
  report_.bytes_copied += *linked ? 0 : s.bytes;
  return {};
}

/// Whether it is there and good. One that is not is taken again: the name gets the same bytes.
result<bool> backup_run::keep(const segment_ref& s) {
  if (!there(segment_file_name(s.number)))
    return false;
  const bool named =
    before_
    && std::find(before_->segments.begin(), before_->segments.end(), s) != before_->segments.end();
  const backup_progress told = progress_;
  tell(s.bytes);
  // What a backup that was cut off took may never have been verified.
  auto done = check(at(segment_file_name(s.number)), s, !named || options_.verify_all);
  if (!done && done.error().code != errc::corrupt && done.error().code != errc::unsupported)
    return done.error();
  if (!done)
    progress_ = told;
  return done.has_value();
}

result<bool> backup_run::link(const segment_ref& s, const std::string& taken) {
  if (there(taken.substr(to_.size() + 1)))
    if (auto done = env_.remove(taken); !done)
      return done.error();
  if (!options_.link)
    return false;
  auto linked = env_.link(from_.directory + "/" + segment_file_name(s.number), taken);
  if (!linked && linked.error().code == errc::not_found)
    return false; // no longer named, and open here
  if (linked && *linked)
    tell(s.bytes);
  return linked;
}

result<void> backup_run::copy(const segment_ref& s, file& from, const std::string& taken) {
  auto to = env_.open(taken, open_mode::create_new);
  if (!to)
    return to.error();
  if (auto done = to->preallocate(s.bytes); !done)
    return done;
  std::vector<std::byte> buffer(
    static_cast<std::size_t>(std::min<std::uint64_t>(buffer_bytes, s.bytes)));
  for (std::uint64_t at = 0; at != s.bytes;) {
    const auto part = std::span(buffer).first(
      static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), s.bytes - at)));
    if (auto done = from.read_all_at(part, at); !done)
      return done;
    if (auto done = to->write_at(part, at); !done)
      return done;
    at += part.size();
    tell(part.size());
    // Little by little: whoever commits on this disk does not wait behind all of it.
    if (at % sync_bytes == 0 && at != s.bytes)
      if (auto done = to->sync(); !done)
        return done;
  }
  return seeded("backup_copy_unsynced") ? result<void>() : to->sync();
}

/// The file is that segment: by its header and table, or every byte.
result<void> backup_run::check(const std::string& path, const segment_ref& s, bool all) {
  const auto opened = segment_reader::open(env_, path);
  if (!opened)
    return opened.error();
  const segment_header& h = opened->header();
  if (h.store != next_.store || h.number != s.number || h.checksum != s.checksum)
    return failure{errc::corrupt, path
                                    + " is corrupt at offset 0: it is another segment than "
                                      "the manifest names; restore the file from a copy"};
  if (!all) {
    tell(s.bytes);
    return {};
  }
  const auto read = opened->verify({{}, [this](std::uint64_t bytes) { tell(bytes); }});
  if (!read)
    return read.error();
  report_.bytes_verified += *read;
  return {};
}

/// Names the store's own file where that is what is damaged.
failure backup_run::culprit(const segment_ref& s, const failure& found) const {
  if (found.code != errc::corrupt)
    return found;
  const auto opened = segment_reader::open(env_, from_.directory, s, next_.store);
  const auto read = opened ? opened->verify() : opened.error();
  return !read && read.error().code == errc::corrupt ? read.error() : found;
}

void backup_run::tell(std::uint64_t bytes) {
  progress_.bytes_done = std::min(progress_.bytes_done + bytes, progress_.bytes_total);
  untold_ += bytes;
  if (!options_.on_progress || untold_ < buffer_bytes)
    return;
  untold_ = 0;
  options_.on_progress(progress_);
}

} // namespace cmem
