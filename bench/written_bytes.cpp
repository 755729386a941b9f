#include "bench/written_bytes.hpp"

#include "storage/segment_format.hpp"
#include "storage/wal_format.hpp"

#include <numeric>

namespace cmem::bench {
namespace {

written_to purpose_of(const std::string& path, open_mode mode) {
  const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
  if (wal_file_number(name))
    return mode == open_mode::create_new ? written_to::log_zeros : written_to::log;
  if (segment_file_number(name))
    return written_to::segments;
  return name.starts_with("MANIFEST") ? written_to::manifest : written_to::other;
}

} // namespace

std::uint64_t counting_kernel::written(written_to what) const {
  const std::lock_guard lock(mutex_);
  return written_[static_cast<std::size_t>(what)];
}

std::uint64_t counting_kernel::written() const {
  return written_all() - written(written_to::log) - written(written_to::log_zeros);
}

std::uint64_t counting_kernel::written_all() const {
  const std::lock_guard lock(mutex_);
  return std::accumulate(written_.begin(), written_.end(), std::uint64_t{0});
}

kernel::answer counting_kernel::open(const std::string& path, open_mode mode) {
  const answer fd = system_->open(path, mode);
  if (fd >= 0) {
    const std::lock_guard lock(mutex_);
    open_[static_cast<int>(fd)] = purpose_of(path, mode);
  }
  return fd;
}

void counting_kernel::close(int fd) {
  {
    const std::lock_guard lock(mutex_); // first: the number may be another's afterwards
    open_.erase(fd);
  }
  system_->close(fd);
}

kernel::answer counting_kernel::pwritev(int fd, std::span<const const_bytes> parts,
                                        std::uint64_t offset) {
  const answer done = system_->pwritev(fd, parts, offset);
  const std::lock_guard lock(mutex_);
  if (done > 0)
    written_[static_cast<std::size_t>(open_.at(fd))] += static_cast<std::uint64_t>(done);
  return done;
}

} // namespace cmem::bench
