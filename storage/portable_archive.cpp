#include "storage/portable_archive.hpp"

namespace cmem {

void archive_writer::put_bytes(const_bytes bytes) {
  out_.insert(out_.end(), bytes.begin(), bytes.end());
}

const_bytes archive_reader::take(std::uint64_t bytes) {
  failed_ = failed_ || bytes > rest_.size();
  if (failed_)
    return {};
  const const_bytes taken = rest_.first(static_cast<std::size_t>(bytes));
  rest_ = rest_.subspan(taken.size());
  return taken;
}

} // namespace cmem
