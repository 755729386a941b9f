#include "storage/env.hpp"

#include "storage/seeded_bug.hpp"
#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cerrno>
#include <system_error>

namespace cmem {

namespace {

errc code_of(std::int64_t error) noexcept {
  switch (error) {
    case ENOENT: return errc::not_found;
    case ENOSPC:
    case EDQUOT: return errc::disk_full;
    case EROFS: return errc::read_only;
    default: return errc::io_error;
  }
}

std::string_view advice_on(std::int64_t error) noexcept {
  switch (error) {
    case ENOENT: return "check the path";
    case ENOSPC:
    case EDQUOT: return "free space or raise the quota, then open the store again";
    case EROFS: return "mount it for writing, or open the store read-only";
    case EACCES:
    case EPERM: return "check owner and permissions";
    case EMFILE:
    case ENFILE: return "raise the limit of open files";
    case EIO: return "check the disk and the kernel's log, then open the store again";
    default: return "";
  }
}

// "writing 512 bytes at offset 1024 of s/wal-1.log: No space left on device; free space …"
failure system_failure(std::string what, const std::string& path, std::int64_t answer) {
  const std::int64_t error = -answer;
  what.append(path).append(": ");
  what.append(std::generic_category().message(static_cast<int>(error)));
  if (const std::string_view advice = advice_on(error); !advice.empty())
    what.append("; ").append(advice);
  return {code_of(error), std::move(what)};
}

std::string at_offset(std::string_view verb, std::uint64_t bytes, std::uint64_t offset) {
  std::string text(verb);
  text.append(" ").append(std::to_string(bytes)).append(" bytes at offset ");
  return text.append(std::to_string(offset)).append(" of ");
}

// The one place that goes on after an interruption. That holds for fdatasync too: interrupted it
// has reported nothing and dropped nothing (PostgreSQL's pg_fsync does the same).
template <class Call>
kernel::answer persist(Call&& call) {
  for (;;) {
    const kernel::answer done = call();
    if (done != -EINTR)
      return done;
  }
}

// … and the one that goes on after a short write.
result<void> write_parts(kernel& system, int fd, const std::string& path,
                         std::span<const const_bytes> parts, std::uint64_t offset) {
  std::vector<const_bytes> rest(parts.begin(), parts.end());
  std::span<const_bytes> left = rest;
  for (;;) {
    while (!left.empty() && left.front().empty())
      left = left.subspan(1);
    if (left.empty())
      return {};
    const auto done = persist([&] { return system.pwritev(fd, left, offset); });
    if (done <= 0) {
      std::uint64_t bytes = 0;
      for (const const_bytes part : left)
        bytes += part.size();
      return system_failure(at_offset("writing", bytes, offset), path, done == 0 ? -EIO : done);
    }
    if (seeded("short_write_believed"))
      return {};
    offset += static_cast<std::uint64_t>(done);
    for (auto written = static_cast<std::size_t>(done); written != 0;) {
      const std::size_t step = std::min(written, left.front().size());
      left.front() = left.front().subspan(step);
      written -= step;
      if (left.front().empty())
        left = left.subspan(1);
    }
  }
}

} // namespace

file_mapping& file_mapping::operator=(file_mapping&& other) noexcept {
  if (this != &other) {
    unmap();
    system_ = std::move(other.system_);
    bytes_ = std::exchange(other.bytes_, {});
    placed_ = other.placed_;
  }
  return *this;
}

void file_mapping::let_go() const noexcept {
  assert(placed_ == nullptr);
  if (!bytes_.empty())
    system_->let_go(bytes_.data(), bytes_.size());
}

void file_mapping::unmap() noexcept {
  if (!bytes_.empty() && placed_ != nullptr)
    system_->unmap_at(placed_, bytes_.size());
  else if (!bytes_.empty())
    system_->unmap(bytes_.data(), bytes_.size());
  bytes_ = {};
}

file::file(file&& other) noexcept
  : system_(std::move(other.system_)),
    fd_(std::exchange(other.fd_, -1)),
    path_(std::move(other.path_)),
    append_at_(other.append_at_),
    sync_failed_(other.sync_failed_) {}

file& file::operator=(file&& other) noexcept {
  if (this != &other) {
    close();
    system_ = std::move(other.system_);
    fd_ = std::exchange(other.fd_, -1);
    path_ = std::move(other.path_);
    append_at_ = other.append_at_;
    sync_failed_ = other.sync_failed_;
  }
  return *this;
}

void file::close() noexcept {
  if (is_open())
    system_->close(std::exchange(fd_, -1));
}

result<std::size_t> file::read_at(std::span<std::byte> into, std::uint64_t offset) const {
  std::size_t total = 0;
  while (total != into.size()) {
    const auto done =
      persist([&] { return system_->pread(fd_, into.subspan(total), offset + total); });
    if (done < 0)
      return system_failure(at_offset("reading", into.size() - total, offset + total), path_, done);
    if (done == 0)
      break;
    total += static_cast<std::size_t>(done);
  }
  return total;
}

result<void> file::read_all_at(std::span<std::byte> into, std::uint64_t offset) const {
  const auto done = read_at(into, offset);
  if (!done)
    return done.error();
  if (*done != into.size())
    return failure{errc::corrupt, at_offset("reading", into.size(), offset) + path_
                                    + ": it ends at " + std::to_string(offset + *done)
                                    + "; restore the file from a copy"};
  return {};
}

result<void> file::write_at(const_bytes bytes, std::uint64_t offset) {
  return write_parts(*system_, fd_, path_, {&bytes, 1}, offset);
}

result<void> file::write_at(std::span<const const_bytes> parts, std::uint64_t offset) {
  return write_parts(*system_, fd_, path_, parts, offset);
}

result<void> file::append(std::span<const const_bytes> parts) {
  if (append_at_ == unknown_end) {
    const auto end = size();
    if (!end)
      return end.error();
    append_at_ = *end;
  }
  const auto done = write_parts(*system_, fd_, path_, parts, append_at_);
  if (done)
    for (const const_bytes part : parts)
      append_at_ += part.size();
  return done;
}

result<void> file::preallocate(std::uint64_t bytes) {
  const auto done = persist([&] { return system_->fallocate(fd_, bytes); });
  if (done == -EOPNOTSUPP || done == -ENOSYS) {
    const auto end = size();
    return !end ? end.error() : *end < bytes ? zero(*end, bytes) : result<void>{};
  }
  if (done < 0)
    return system_failure("reserving " + std::to_string(bytes) + " bytes of ", path_, done);
  return {};
}

result<void> file::zero(std::uint64_t from, std::uint64_t to) {
  const std::vector<std::byte> zeros(
    static_cast<std::size_t>(std::min<std::uint64_t>(1U << 20, to > from ? to - from : 0)));
  while (from < to) {
    const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(zeros.size(), to - from));
    if (auto done = write_at(const_bytes(zeros).first(step), from); !done)
      return done;
    from += step;
  }
  return {};
}

result<void> file::truncate(std::uint64_t bytes) {
  const auto done = persist([&] { return system_->ftruncate(fd_, bytes); });
  if (done < 0)
    return system_failure("cutting to " + std::to_string(bytes) + " bytes: ", path_, done);
  append_at_ = bytes;
  return {};
}

result<bool> file::try_lock(lock_mode mode) {
  const auto done = persist([&] { return system_->lock(fd_, mode); });
  if (done < 0 && done != -EWOULDBLOCK)
    return system_failure("locking ", path_, done);
  return done >= 0;
}

result<void> file::sync() {
  if (sync_failed_ && !seeded("failed_sync_tried_again"))
    return failure{errc::read_only, "an earlier sync of " + path_
                                      + " failed, and what it held may be lost; open the store "
                                        "again"};
  const auto done = persist([&] { return system_->fdatasync(fd_); });
  if (done < 0) {
    sync_failed_ = true;
    return system_failure("syncing ", path_, done);
  }
  return {};
}

result<std::uint64_t> file::size() const {
  const auto done = persist([&] { return system_->size(fd_); });
  if (done < 0)
    return system_failure("asking for the size of ", path_, done);
  return static_cast<std::uint64_t>(done);
}

result<file_mapping> file::map(std::size_t bytes) const {
  if (bytes == 0)
    return file_mapping();
  const std::byte* at = nullptr;
  const auto done = persist([&] { return system_->map(fd_, bytes, at); });
  if (done < 0)
    return system_failure("mapping " + std::to_string(bytes) + " bytes of ", path_, done);
  return file_mapping(system_, {at, bytes});
}

result<file_mapping> file::map_at(std::uint64_t offset, std::size_t bytes, std::byte* at) const {
  assert(offset % map_unit == 0 && reinterpret_cast<std::uintptr_t>(at) % 4096 == 0);
  if (bytes == 0)
    return file_mapping();
  const auto done = persist([&] { return system_->map_at(fd_, offset, bytes, at); });
  if (done < 0)
    return system_failure(at_offset("mapping", bytes, offset), path_, done);
  return file_mapping(system_, {at, bytes}, at);
}

result<file> env::open(const std::string& path, open_mode mode) const {
  const auto done = persist([&] { return system_->open(path, mode); });
  if (done < 0)
    return system_failure("opening ", path, done);
  return file(system_, static_cast<int>(done), path);
}

result<file_lock> env::lock(const std::string& path) const {
  auto opened = open(path, open_mode::create);
  if (!opened)
    return opened.error();
  char text[32] = {};
  if (auto taken = opened->try_lock(); !taken)
    return taken.error();
  else if (!*taken) {
    const auto read = opened->read_at(std::as_writable_bytes(std::span(text, sizeof text - 1)), 0);
    std::string holder = read ? text : "";
    holder = holder.substr(0, holder.find_first_not_of("0123456789"));
    return failure{errc::locked, path + " is held by "
                                   + (holder.empty() ? "another process" : "process " + holder)
                                   + ", or being read by one; close the store there, or open it "
                                     "read-only here"};
  }
  const std::string pid = std::to_string(system_->pid()) + "\n";
  if (auto done = opened->truncate(0); !done)
    return done.error();
  if (auto done = opened->write_at(std::as_bytes(std::span(pid)), 0); !done)
    return done.error();
  return file_lock(std::move(*opened));
}

result<std::vector<std::string>> env::list(const std::string& directory) const {
  std::vector<std::string> names;
  const auto done = persist([&] { return system_->list(directory, names); });
  if (done < 0)
    return system_failure("listing ", directory, done);
  std::sort(names.begin(), names.end());
  return names;
}

result<void> env::rename(const std::string& from, const std::string& to) const {
  const auto done = persist([&] { return system_->rename(from, to); });
  if (done < 0)
    return system_failure("renaming " + from + " to ", to, done);
  return {};
}

result<bool> env::link(const std::string& from, const std::string& to) const {
  const auto done = persist([&] { return system_->link(from, to); });
  for (const std::int64_t cannot : {EXDEV, EPERM, EMLINK, EOPNOTSUPP, ENOSYS})
    if (done == -cannot)
      return false;
  if (done < 0)
    return system_failure("linking " + from + " to ", to, done);
  return true;
}

result<void> env::remove(const std::string& path) const {
  const auto done = persist([&] { return system_->remove(path); });
  if (done < 0)
    return system_failure("removing ", path, done);
  return {};
}

result<void> env::make_directory(const std::string& path) const {
  const auto done = persist([&] { return system_->make_directory(path); });
  if (done < 0 && done != -EEXIST)
    return system_failure("making the directory ", path, done);
  return {};
}

result<void> env::sync_directory(const std::string& path) const {
  auto directory = open(path, open_mode::directory);
  if (!directory)
    return directory.error();
  return directory->sync();
}

result<std::uint64_t> env::random_seed() const {
  std::array<std::byte, sizeof(std::uint64_t)> bytes;
  // so few bytes come whole or not at all
  const auto done = persist([&] { return system_->random(bytes); });
  if (done != static_cast<kernel::answer>(bytes.size()))
    return system_failure("asking for random bytes", "", done < 0 ? done : -EIO);
  return std::bit_cast<std::uint64_t>(bytes);
}

} // namespace cmem
