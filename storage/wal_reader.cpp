#include "storage/wal_reader.hpp"

#include "storage/format_version.hpp"
#include "storage/seeded_bug.hpp"
#include <algorithm>
#include <array>
#include <cassert>

namespace cmem {

namespace {

failure corrupt_at(const std::string& path, std::uint64_t offset, const std::string& what) {
  return {errc::corrupt, path + " at offset " + std::to_string(offset) + ": " + what
                           + "; restore the store from a copy"};
}

std::string numbered(std::uint64_t sequence) { return "sequence " + std::to_string(sequence); }

} // namespace

result<wal_reader> wal_reader::open(const env& e, const std::string& directory, wal_from from) {
  wal_reader r(e, from);
  const auto names = e.list(directory);
  if (!names)
    return names.error();
  for (const std::string& name : *names)
    if (const auto number = wal_file_number(name))
      if (auto done = r.add(directory + "/" + name, *number); !done)
        return done.error();
  if (auto done = r.order(); !done)
    return done.error();
  return r;
}

result<void> wal_reader::add(const std::string& path, std::uint64_t number) {
  auto opened = env_.open(path, open_mode::read);
  if (!opened)
    return opened.error();
  const auto size = opened->size();
  if (!size)
    return size.error();
  std::vector<std::byte> bytes(sizeof(wal_header));
  const auto read = opened->read_at(bytes, 0);
  if (!read)
    return read.error();
  source s{number, path, *size, {}};
  const auto state = read_wal_header(const_bytes(bytes).first(*read), s.header);
  if (state == wal_header_state::valid) {
    if (s.header.version > wal_version)
      return newer_format(path, s.header.version, wal_version);
    if (s.header.store != from_.store)
      return corrupt_at(path, 0, "it belongs to another store");
    if (*size < s.header.file_bytes)
      report_.missing_bytes += s.header.file_bytes - *size;
    sources_.push_back(std::move(s));
    return {};
  }
  if (state == wal_header_state::damaged) {
    if (sealed(s.header).checksum == s.header.checksum) // so this is no torn write
      return corrupt_at(path, 0, "the header has fields that this version does not write");
    // A crash cannot leave records behind a broken header: it is synced no later than they are,
    // and one sector.
    if (*size > sizeof(wal_header)) {
      wal_header any;
      any.store = from_.store;
      wal_file_reader records(std::move(*opened), *size, any, sizeof(wal_header), 0);
      const auto there = records.holds_any();
      if (!there)
        return there.error();
      if (*there)
        return corrupt_at(path, 0, "the header is damaged, and records follow it");
    }
    report_.unfinished.push_back(path);
  }
  unused_.push_back(number);
  return {};
}

result<void> wal_reader::order() {
  std::sort(sources_.begin(), sources_.end(), [](const source& a, const source& b) {
    return a.header.generation < b.header.generation;
  });
  for (std::size_t i = 1; i < sources_.size(); ++i) {
    const wal_header& before = sources_[i - 1].header;
    const wal_header& h = sources_[i].header;
    if (h.generation == before.generation || h.base < before.base)
      return corrupt_at(sources_[i].path, 0, "it does not follow " + sources_[i - 1].path);
  }
  last_ = from_.after;
  proven_ = from_.after;
  if (sources_.empty())
    return {};
  if (const source& first = sources_.front(); first.header.base > from_.after)
    return corrupt_at(first.path, 0,
                      "the log begins after " + numbered(first.header.base)
                        + ", and is needed from " + numbered(from_.after) + ": a file is missing");
  std::size_t start = 0;
  while (start + 1 != sources_.size() && sources_[start + 1].header.base <= from_.after)
    ++start;
  last_ = sources_[start].header.base;
  return enter(start);
}

result<void> wal_reader::enter(std::size_t file) {
  const source& s = sources_[file];
  at_ = file;
  auto opened = env_.open(s.path, open_mode::read);
  if (!opened)
    return opened.error();
  reader_.emplace(std::move(*opened), s.size, s.header, sizeof(wal_header), last_);
  proven_ = std::max(proven_, s.header.base);
  unsure_.clear(); // a file is synced before the next one begins
  return {};
}

std::uint64_t wal_reader::bytes() const noexcept {
  std::uint64_t n = 0;
  for (const source& s : sources_)
    n += s.size;
  return n;
}

result<bool> wal_reader::next(wal_record& out) {
  while (!done_ && reader_) {
    const bool newest = at_ + 1 == sources_.size();
    const std::uint64_t until = newest ? ~std::uint64_t{0} : sources_[at_ + 1].header.base;
    bool good = false;
    if (last_ < until) {
      const std::uint64_t offset = reader_->offset();
      const auto read = reader_->next(out);
      if (!read)
        return read.error();
      good = *read && out.sequence <= until;
      if (!good && !newest)
        return corrupt_at(reader_->path(), offset,
                          "records up to " + numbered(until) + " were durable, and "
                            + numbered(last_) + " is the last one that can be read");
    }
    if (!good) {
      if (auto moved = newest ? finish() : enter(at_ + 1); !moved)
        return moved.error();
      continue;
    }
    if (auto done = believe(out); !done)
      return done.error();
    last_ = out.sequence;
    if (out.sequence > from_.after) {
      ++report_.records;
      return true;
    }
  }
  if (!done_)
    if (auto done = finish(); !done)
      return done.error();
  return false;
}

// What a record says was synced before it must have been there: the record before it, or one before
// that.
result<void> wal_reader::believe(const wal_record& r) {
  std::uint64_t synced = proven_;
  for (; !unsure_.empty() && unsure_.front().first <= r.durable; unsure_.pop_front())
    synced = unsure_.front().first;
  if (synced < r.durable)
    return corrupt_at(reader_->path(), r.offset,
                      "records up to " + numbered(r.durable) + " were durable, and "
                        + numbered(synced) + " is the last one before it");
  proven_ = std::max(proven_, r.durable);
  if (r.sequence > proven_)
    unsure_.emplace_back(r.sequence, r.offset);
  return {};
}

result<void> wal_reader::finish() {
  report_.last = std::max(last_, from_.after);
  if (reader_) {
    const auto ending = reader_->ending();
    if (!ending)
      return ending.error();
    const std::uint64_t needed = std::max(ending->durable, from_.durable);
    if ((ending->durable > last_ || from_.durable > report_.last)
        && !seeded("lost_records_unreported"))
      return corrupt_at(reader_->path(), reader_->offset(),
                        "records up to " + numbered(needed) + " were durable, and "
                          + numbered(last_) + " is the last one that can be read");
    if (ending->traces != 0) {
      report_.discarded_bytes = ending->traces;
      report_.discarded_offset = reader_->offset();
      report_.discarded_file = reader_->path();
    }
  } else if (from_.durable > report_.last)
    return failure{errc::corrupt, "no log file holds " + numbered(from_.durable)
                                    + ", which was durable; restore the store from a copy"};
  done_ = true;
  return {};
}

wal_end wal_reader::end() const {
  assert(done_);
  wal_end e{from_.store, report_.last, proven_, {}, unused_, std::nullopt};
  for (const source& s : sources_)
    e.files.push_back({s.number, s.header.generation, s.header.base});
  if (!unsure_.empty()) {
    const source& s = sources_[at_];
    e.unsure = {s.header, s.number, unsure_.front().second, reader_->offset()};
  }
  return e;
}

} // namespace cmem
