#include "storage/kernel.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace cmem {

namespace {

kernel::answer answered(std::int64_t returned) noexcept { return returned < 0 ? -errno : returned; }

int flags_of(open_mode mode) noexcept {
  switch (mode) {
    case open_mode::read: return O_RDONLY;
    case open_mode::write: return O_RDWR;
    case open_mode::create: return O_RDWR | O_CREAT;
    case open_mode::create_new: return O_RDWR | O_CREAT | O_EXCL;
    case open_mode::directory: return O_RDONLY | O_DIRECTORY;
  }
  return O_RDONLY;
}

class linux_kernel final : public kernel {
public:
  answer open(const std::string& path, open_mode mode) override {
    return answered(::open(path.c_str(), flags_of(mode) | O_CLOEXEC, 0644));
  }

  void close(int fd) override { ::close(fd); }

  answer pread(int fd, std::span<std::byte> into, std::uint64_t offset) override {
    return answered(::pread(fd, into.data(), into.size(), static_cast<off_t>(offset)));
  }

  answer pwritev(int fd, std::span<const const_bytes> parts, std::uint64_t offset) override {
    std::array<iovec, 64> vectors; // the rest is a short write
    const std::size_t count = std::min(parts.size(), vectors.size());
    for (std::size_t i = 0; i != count; ++i) {
      // iovec serves reads too, hence not const
      vectors[i].iov_base = const_cast<std::byte*>(parts[i].data());
      vectors[i].iov_len = parts[i].size();
    }
    return answered(
      ::pwritev(fd, vectors.data(), static_cast<int>(count), static_cast<off_t>(offset)));
  }

  answer fallocate(int fd, std::uint64_t bytes) override {
    return answered(::fallocate(fd, 0, 0, static_cast<off_t>(bytes)));
  }

  answer ftruncate(int fd, std::uint64_t bytes) override {
    return answered(::ftruncate(fd, static_cast<off_t>(bytes)));
  }

  answer fdatasync(int fd) override { return answered(::fdatasync(fd)); }

  answer size(int fd) override {
    struct stat status {};
    const answer done = answered(::fstat(fd, &status));
    return done < 0 ? done : static_cast<answer>(status.st_size);
  }

  // Not fcntl's locks: those vanish when anything in the process closes the file, and do not
  // keep two stores of one process apart.
  answer lock(int fd, lock_mode mode) override {
    return answered(::flock(fd, (mode == lock_mode::shared ? LOCK_SH : LOCK_EX) | LOCK_NB));
  }

  answer map(int fd, std::size_t bytes, const std::byte*& at) override {
    void* const mapped = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED)
      return -errno;
    at = static_cast<const std::byte*>(mapped);
    return 0;
  }

  void unmap(const std::byte* at, std::size_t bytes) noexcept override {
    [[maybe_unused]] const int done = ::munmap(const_cast<std::byte*>(at), bytes);
    assert(done == 0); // only a range that was never mapped is refused
  }

  void let_go(const std::byte* at, std::size_t bytes) noexcept override {
    // The file's pages stay in the system's cache, from where they come back.
    (void) ::madvise(const_cast<std::byte*>(at), bytes, MADV_DONTNEED);
  }

  answer map_at(int fd, std::uint64_t offset, std::size_t bytes, std::byte* at) override {
    return ::mmap(at, bytes, PROT_READ, MAP_SHARED | MAP_FIXED, fd, static_cast<off_t>(offset))
               == MAP_FAILED
             ? -errno
             : 0;
  }

  void unmap_at(std::byte* at, std::size_t bytes) noexcept override {
    // Not munmap: somebody else's mapping could come to lie in the hole. Where the process has too
    // many mappings for this one, the file stays mapped until the range is used again.
    (void) ::mmap(at, bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  }

  answer rename(const std::string& from, const std::string& to) override {
    return answered(::rename(from.c_str(), to.c_str()));
  }

  answer link(const std::string& from, const std::string& to) override {
    return answered(::link(from.c_str(), to.c_str()));
  }

  answer remove(const std::string& path) override { return answered(::unlink(path.c_str())); }

  answer make_directory(const std::string& path) override {
    return answered(::mkdir(path.c_str(), 0755));
  }

  answer list(const std::string& path, std::vector<std::string>& names) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
    if (directory == nullptr)
      return -errno;
    names.clear();
    for (;;) {
      errno = 0; // the only way to tell the end from an error
      const dirent* const entry = ::readdir(directory.get());
      if (entry == nullptr)
        return -errno;
      const std::string name = entry->d_name;
      if (name != "." && name != "..")
        names.push_back(name);
    }
  }

  answer random(std::span<std::byte> into) override {
    return answered(::getrandom(into.data(), into.size(), 0));
  }

  std::int64_t wall_us() noexcept override {
    using namespace std::chrono;
    return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
  }

  std::int64_t monotonic_ns() noexcept override {
    using namespace std::chrono;
    return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
  }

  std::int64_t pid() noexcept override { return ::getpid(); }
};

} // namespace

std::shared_ptr<kernel> make_linux_kernel() { return std::make_shared<linux_kernel>(); }

} // namespace cmem
