#include "storage/wal_file_reader.hpp"

#include "storage/seeded_bug.hpp"
#include <algorithm>
#include <cassert>
#include <cstring>

namespace cmem {

result<const_bytes> wal_file_reader::window(std::uint64_t offset, std::uint64_t bytes) {
  if (offset >= size_)
    return const_bytes();
  bytes = std::min(bytes, size_ - offset);
  if (offset < buffer_at_ || offset + bytes > buffer_at_ + buffer_.size()) {
    const std::uint64_t wanted =
      std::min(std::max<std::uint64_t>(bytes, window_bytes), size_ - offset);
    buffer_.resize(static_cast<std::size_t>(wanted));
    buffer_at_ = offset;
    const auto read = file_.read_at(buffer_, offset);
    if (!read) {
      buffer_.clear();
      return read.error();
    }
    buffer_.resize(*read); // the file was cut while it was read
  }
  const std::uint64_t from = offset - buffer_at_;
  const std::uint64_t there = std::min<std::uint64_t>(bytes, buffer_.size() - from);
  return const_bytes(buffer_).subspan(static_cast<std::size_t>(from),
                                      static_cast<std::size_t>(there));
}

result<bool> wal_file_reader::next(wal_record& out) {
  const auto head = window(offset_, sizeof(wal_record_header));
  if (!head)
    return head.error();
  if (head->size() < sizeof(wal_record_header))
    return false;
  const wal_record_header h = peek_wal_record(*head);
  const bool ours = h.generation == header_.generation || seeded("log_generation_unchecked");
  if (!ours || !plausible(h, size_ - offset_) || h.sequence <= last_)
    return false;
  const auto record = window(offset_, wal_record_bytes(h.length));
  if (!record)
    return record.error();
  const bool believed =
    seeded("log_checksum_unchecked") || (record->size() > 512 && seeded("torn_tail_accepted"));
  if (record->size() < wal_record_bytes(h.length)
      || (!believed && !wal_record_intact(*record, header_.store)))
    return false;
  if (!known(h.type))
    return failure{errc::unsupported,
                   "record of type " + std::to_string(static_cast<unsigned>(h.type)) + " at offset "
                     + std::to_string(offset_) + " of " + path()
                     + ": it was written by a newer version; open the store with that"};
  out = {h.type, h.sequence, h.durable, offset_, record->subspan(sizeof h, h.length)};
  last_ = h.sequence;
  offset_ += record->size();
  return true;
}

result<bool> wal_file_reader::holds_any() {
  const auto head = window(offset_, sizeof(wal_record_header));
  if (!head)
    return head.error();
  if (head->size() < sizeof(wal_record_header))
    return false;
  const wal_record_header h = peek_wal_record(*head);
  if (!plausible(h, size_ - offset_))
    return false;
  const auto record = window(offset_, wal_record_bytes(h.length));
  if (!record)
    return record.error();
  return record->size() == wal_record_bytes(h.length) && wal_record_intact(*record, header_.store);
}

result<wal_ending> wal_file_reader::ending() {
  wal_ending found;
  const bool zeroed = (header_.flags & wal_header::zeroed) != 0;
  // Content may be made to look like records, each of the rest of the file: that must not cost the
  // square of it.
  std::uint64_t budget = 8 * (size_ - offset_);
  for (std::uint64_t at = offset_; at < size_; at += 8) {
    const auto bytes = window(at, sizeof(wal_record_header));
    if (!bytes)
      return bytes.error();
    std::uint64_t word = 0;
    std::memcpy(&word, bytes->data(), std::min<std::size_t>(8, bytes->size()));
    if (zeroed && word != 0)
      found.traces = std::min(at + 8, size_) - offset_;
    if (bytes->size() < sizeof(wal_record_header))
      continue;
    const wal_record_header h = peek_wal_record(*bytes);
    const bool ours = h.generation == header_.generation;
    if (ours && at == offset_) // any other of its fields may be the damaged one
      found.traces = std::max<std::uint64_t>(found.traces, sizeof h);
    if ((!ours && at != offset_) || !plausible(h, size_ - at) || h.sequence <= last_
        || !known(h.type))
      continue;
    const std::uint64_t size = wal_record_bytes(h.length);
    if (budget < size)
      continue;
    budget -= size;
    const auto record = window(at, size);
    if (!record)
      return record.error();
    if (record->size() < size)
      continue;
    const bool intact = ours ? wal_record_intact(*record, header_.store)
                             : wal_record_intact_as(*record, header_.store, header_.generation);
    if (intact)
      found.durable = std::max(found.durable, h.durable);
    if (intact || ours)
      found.traces = std::max(found.traces, at + size - offset_);
  }
  return found;
}

} // namespace cmem
