#include "storage/wal_writer.hpp"

#include "storage/seeded_bug.hpp"
#include <algorithm>
#include <cassert>

namespace cmem {

wal_writer::wal_writer(env e, std::string directory, wal_options options, const wal_end& end)
  : env_(std::move(e)),
    directory_(std::move(directory)),
    options_(options),
    store_(end.store),
    appended_(end.last),
    durable_(end.base),
    live_(end.files.begin(), end.files.end()) {
  for (const std::uint64_t number : end.unused)
    next_number_ = std::max(next_number_, number + 1);
  for (const wal_end::live_file& f : live_)
    next_number_ = std::max(next_number_, f.number + 1);
  header_.store = store_;
  header_.generation = live_.empty() ? 0 : live_.back().generation;
}

result<wal_writer> wal_writer::open(const env& e, const std::string& directory, wal_options options,
                                    const wal_end& end) {
  wal_writer w(e, directory, options, end);
  // Neither the content nor the name of a file that another process made is known to be on the
  // disk, and no sync would tell if one failed there: such files are made anew.
  for (const std::uint64_t number : end.unused)
    if (auto done = e.remove(w.path_of(number)); !done)
      return done.error();
  if (!end.unsure)
    return w;
  if (auto done = w.take_file(); !done)
    return done.error();
  // The header comes last: until it is on the disk, the file that the records come from counts.
  const bool believed = seeded("unsure_records_believed");
  if (!believed)
    if (auto done = w.rewrite(*end.unsure); !done)
      return done.error();
  if (auto done = w.write_header(believed ? end.last : end.base); !done)
    return done.error();
  if (auto done = w.sync_file(); !done)
    return done.error();
  return w;
}

std::string wal_writer::path_of(std::uint64_t number) const {
  return directory_ + "/" + wal_file_name(number);
}

failure wal_writer::broken(failure f) {
  if (!broken_)
    broken_ = f;
  return f;
}

failure wal_writer::refusal() const {
  assert(broken_);
  return {errc::read_only, "nothing is written since this failed: " + broken_->detail};
}

// From its size to that of new files.
result<void> wal_writer::grow(file& f, std::uint64_t from) const {
  return options_.filled ? f.zero(from, file_bytes()) : f.preallocate(file_bytes());
}

result<void> wal_writer::make_file(std::uint64_t number) const {
  auto made = env_.open(path_of(number), open_mode::create_new);
  if (!made)
    return made.error();
  const auto fill = [&]() -> result<void> {
    if (auto done = grow(*made, 0); !done)
      return done;
    if (auto done = made->sync(); !done)
      return done;
    return seeded("log_directory_sync_skipped") ? result<void>{} : env_.sync_directory(directory_);
  };
  if (auto done = fill(); !done) {
    failure f = done.error();
    if (auto removed = env_.remove(made->path()); !removed)
      f.detail += "; it stays as it is: " + removed.error().detail;
    return f;
  }
  return {};
}

void wal_writer::add_spare(std::uint64_t number) {
  spares_.push_back({number, true});
  written_ += options_.filled ? file_bytes() : 0;
}

result<void> wal_writer::take_file() {
  const auto usable = [this](const spare& s) { return s.zeroed || !fresh_only_; };
  if (std::none_of(spares_.begin(), spares_.end(), usable)) {
    const std::uint64_t number = next_number_++;
    if (auto done = make_file(number); !done)
      return done;
    add_spare(number);
  }
  const auto chosen = std::find_if(spares_.begin(), spares_.end(), usable);
  const spare s = *chosen;
  auto opened = env_.open(path_of(s.number), open_mode::write);
  if (!opened)
    return opened.error();
  auto size = opened->size();
  if (!size)
    return size.error();
  if (*size < file_bytes()) {
    if (auto done = grow(*opened, *size); !done)
      return done;
    written_ += options_.filled ? file_bytes() - *size : 0;
    *size = file_bytes();
  }
  const auto random = env_.random_seed();
  if (!random)
    return random.error();
  spares_.erase(chosen);
  current_ = std::move(*opened);
  position_ = sizeof(wal_header);
  header_.flags = s.zeroed ? wal_header::zeroed : 0;
  header_.file_bytes = *size;
  // A number alone would come again when a crash loses the header and keeps records behind it.
  constexpr std::uint64_t low_half = 0xFFFF'FFFF;
  header_.generation = ((header_.generation >> 32) + 1) << 32 | (*random & low_half);
  live_.push_back({s.number, header_.generation, 0});
  return {};
}

result<void> wal_writer::write_header(std::uint64_t base) {
  header_.base = base;
  header_ = sealed(header_);
  live_.back().base = base;
  unsynced_ = true;
  written_ += sizeof header_;
  return current_.write_at(std::as_bytes(std::span(&header_, 1)), 0);
}

result<void> wal_writer::rewrite(const wal_end::tail& unsure) {
  auto from = env_.open(path_of(unsure.number), open_mode::read);
  if (!from)
    return from.error();
  wal_file_reader records(std::move(*from), unsure.to_offset, unsure.header, unsure.from_offset,
                          durable_);
  wal_record r;
  for (;;) {
    const auto more = records.next(r);
    if (!more)
      return more.error();
    if (!*more)
      break;
    append_wal_record(buffer_, {0, 0, r.type, 0, header_.generation, r.sequence, durable_},
                      r.payload, store_);
    if (buffer_.size() >= wal_file_reader::window_bytes)
      if (auto done = flush_buffer(); !done)
        return done;
  }
  if (records.offset() != unsure.to_offset)
    return failure{errc::corrupt, records.path() + " at offset " + std::to_string(records.offset())
                                    + ": a record that was read before cannot be read again"};
  if (auto done = flush_buffer(); !done)
    return done;
  return current_.sync();
}

result<void> wal_writer::flush_buffer() {
  if (buffer_.empty())
    return {};
  unsynced_ = true;
  if (auto done = current_.write_at(const_bytes(buffer_), position_); !done)
    return done;
  position_ += buffer_.size();
  written_ += buffer_.size();
  buffer_.clear();
  return {};
}

result<void> wal_writer::sync_file() {
  if (!unsynced_)
    return {};
  auto done = seeded("log_sync_skipped") ? result<void>{} : current_.sync();
  if (!done && seeded("failed_sync_tried_again"))
    done = current_.sync();
  if (!done)
    return done;
  unsynced_ = false;
  durable_ = appended_;
  return {};
}

result<void> wal_writer::append(wal_type type, std::uint64_t sequence, const_bytes payload) {
  if (broken_)
    return refusal();
  if (sequence <= appended_)
    return failure{errc::invalid_argument, "sequence " + std::to_string(sequence)
                                             + " after sequence " + std::to_string(appended_)};
  if (payload.size() > wal_payload_bytes_max)
    return failure{errc::limit_exceeded, "a log record of " + std::to_string(payload.size())
                                           + " bytes: the limit is "
                                           + std::to_string(wal_payload_bytes_max)};
  const std::uint64_t end = position_ + buffer_.size();
  if (!current_.is_open()
      || (end + wal_record_bytes(payload.size()) > header_.file_bytes && end > sizeof(wal_header)))
    if (auto done = rotate(); !done)
      return done;
  append_wal_record(buffer_,
                    {0, 0, type, 0, header_.generation, sequence,
                     seeded("record_claims_too_much") ? appended_ : durable_},
                    payload, store_);
  appended_ = sequence;
  return {};
}

result<void> wal_writer::rotate() {
  if (seeded("full_log_file_unsynced") && flush_buffer()) {
    unsynced_ = false;
    durable_ = appended_;
  }
  if (auto done = sync(); !done)
    return done.error();
  if (auto done = take_file(); !done)
    return broken(done.error());
  if (auto done = write_header(durable_); !done)
    return broken(done.error());
  return {};
}

result<void> wal_writer::write() {
  if (broken_)
    return refusal();
  if (auto done = flush_buffer(); !done)
    return broken(done.error());
  return {};
}

result<std::uint64_t> wal_writer::sync() {
  if (auto done = write(); !done)
    return done.error();
  if (auto done = sync_file(); !done)
    return broken(done.error());
  return durable_;
}

result<void> wal_writer::release(std::uint64_t sequence) {
  if (broken_)
    return refusal();
  // Also a file that the next one has taken the place of: nothing of it is read.
  while (
    live_.size() > 1
    && (live_[1].base <= std::max(sequence, live_[0].base) || seeded("log_file_released_early"))) {
    spares_.push_back({live_.front().number, false});
    live_.pop_front();
  }
  while (spares_.size() > options_.spares_max) {
    if (auto done = env_.remove(path_of(spares_.front().number)); !done)
      return done;
    spares_.pop_front();
  }
  return {};
}

result<void> wal_writer::begin_file() {
  if (broken_)
    return refusal();
  if (auto done = remove_used_spares(); !done) // room for what is fresh
    return done;
  fresh_only_ = true;
  return live_.empty() ? result<void>{} : rotate();
}

result<void> wal_writer::remove_used_spares() {
  for (auto s = spares_.begin(); s != spares_.end();) {
    if (s->zeroed) {
      ++s;
      continue;
    }
    if (auto done = env_.remove(path_of(s->number)); !done)
      return done;
    s = spares_.erase(s);
  }
  fresh_only_ = false;
  return {};
}

bool wal_writer::wants_spare() const noexcept {
  return !broken_ && spares_.empty() && current_.is_open()
         && position_ + buffer_.size() > header_.file_bytes / 2;
}

} // namespace cmem
