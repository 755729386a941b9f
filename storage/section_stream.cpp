#include "storage/section_stream.hpp"

#include <algorithm>
#include <array>

namespace cmem {

namespace {

failure planned_wrong(const file& of, const segment_extent& where) {
  return {errc::internal, "a section of " + of.path() + " at offset " + std::to_string(where.offset)
                            + " was planned with " + std::to_string(where.bytes)
                            + " bytes, and that is not what came"};
}

} // namespace

result<void> section_stream::put(file& to, const_bytes bytes) {
  if (bytes.size() > where_.end() - offset())
    return planned_wrong(to, where_);
  if (buffer_.capacity() == 0)
    buffer_.reserve(
      static_cast<std::size_t>(std::min<std::uint64_t>(segment_block_bytes, where_.bytes)));
  while (!bytes.empty()) {
    const std::size_t step = std::min(bytes.size(), segment_block_bytes - buffer_.size());
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(step));
    bytes = bytes.subspan(step);
    if (buffer_.size() == segment_block_bytes)
      if (auto done = flush(to); !done)
        return done;
  }
  return {};
}

result<void> section_stream::pad(file& to) {
  constexpr std::array<std::byte, segment_alignment> zeros{};
  return put(to, const_bytes(zeros).first(segment_padded(offset()) - offset()));
}

result<void> section_stream::put_block(file& to, std::initializer_list<const_bytes> parts) {
  segment_block head;
  for (const const_bytes part : parts)
    head.bytes += static_cast<std::uint32_t>(part.size());
  if (auto done = put(to, &head, sizeof head); !done)
    return done;
  for (const const_bytes part : parts)
    if (auto done = put(to, part); !done)
      return done;
  return pad(to);
}

result<void> section_stream::flush(file& to) {
  if (auto done = to.write_at(buffer_, at_); !done)
    return done;
  checksums_.push_back(segment_checksum(buffer_));
  at_ += buffer_.size();
  buffer_.clear();
  return {};
}

result<void> section_stream::finish(file& to) {
  if (!buffer_.empty())
    if (auto done = flush(to); !done)
      return done;
  return at_ == where_.end() ? result<void>{} : planned_wrong(to, where_);
}

} // namespace cmem
