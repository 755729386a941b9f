#include "bench/written_bytes.hpp"

#include "storage/wal_format.hpp"

namespace cmem::bench {

kernel::answer counting_kernel::open(const std::string& path, open_mode mode) {
  const answer fd = system_->open(path, mode);
  if (fd >= 0 && wal_file_number(std::string_view(path).substr(path.rfind('/') + 1))) {
    const std::lock_guard lock(mutex_);
    logs_.insert(static_cast<int>(fd));
  }
  return fd;
}

void counting_kernel::close(int fd) {
  {
    const std::lock_guard lock(mutex_); // first: the number may be another's afterwards
    logs_.erase(fd);
  }
  system_->close(fd);
}

kernel::answer counting_kernel::pwritev(int fd, std::span<const const_bytes> parts,
                                        std::uint64_t offset) {
  const answer done = system_->pwritev(fd, parts, offset);
  const std::lock_guard lock(mutex_);
  if (done > 0 && !logs_.contains(fd))
    written_ += static_cast<std::uint64_t>(done);
  return done;
}

} // namespace cmem::bench
