#pragma once
// What the store asks of the operating system, one function a system call.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace cmem {

/// Bytes that are written from where they lie.
using const_bytes = std::span<const std::byte>;

/// Where mappings of a part of a file may begin: a multiple of the page size of every machine.
inline constexpr std::size_t map_unit = std::size_t{64} << 10;

enum class open_mode : std::uint8_t {
  read,       ///< must exist
  write,      ///< must exist; read and write
  create,     ///< read and write; made if absent, kept as it is if there
  create_new, ///< read and write; must not exist
  directory,  ///< for sync alone
};

enum class lock_mode : std::uint8_t {
  exclusive,
  shared, ///< with others that share it
};

/// Answers as a kernel does: a number >= 0, or a negated errno. Calls may be interrupted (-EINTR)
/// and may do less than was asked for: callers use `env`, which deals with both. Below this
/// interface a test puts a file system of its own, so that every line above it meets the faults.
/// Threads: any, at the same time; calls on one file descriptor as the system has it.
class kernel {
public:
  using answer = std::int64_t;

  kernel() = default;
  kernel(const kernel&) = delete;
  kernel& operator=(const kernel&) = delete;
  virtual ~kernel() = default;

  virtual answer open(const std::string& path, open_mode mode) = 0;
  /// Never interrupted: on Linux the descriptor is gone whatever close(2) answers.
  virtual void close(int fd) = 0;
  virtual answer pread(int fd, std::span<std::byte> into, std::uint64_t offset) = 0;
  virtual answer pwritev(int fd, std::span<const const_bytes> parts, std::uint64_t offset) = 0;
  /// Reserves blocks for [0, bytes), so that writes there do not meet a full disk; the file is then
  /// at least that long.
  virtual answer fallocate(int fd, std::uint64_t bytes) = 0;
  virtual answer ftruncate(int fd, std::uint64_t bytes) = 0;
  /// Of a directory: its entries.
  virtual answer fdatasync(int fd) = 0;
  virtual answer size(int fd) = 0;
  /// Without waiting; held until the descriptor is closed or its process ends.
  virtual answer lock(int fd, lock_mode mode) = 0;
  /// Read-only and shared. Precondition: bytes > 0.
  virtual answer map(int fd, std::size_t bytes, const std::byte*& at) = 0;
  virtual void unmap(const std::byte* at, std::size_t bytes) noexcept = 0;
  /// What was mapped so takes no memory of the process until it is read again. A hint: a kernel
  /// may do nothing.
  virtual void let_go([[maybe_unused]] const std::byte* at,
                      [[maybe_unused]] std::size_t bytes) noexcept {}
  /// The same in place of what is mapped at `at` now. Precondition: `offset` is a
  /// multiple of map_unit, `at` begins a page, bytes > 0, and the file has them.
  virtual answer map_at(int fd, std::uint64_t offset, std::size_t bytes, std::byte* at) = 0;
  /// Zeros there again, writable, without memory until they are touched.
  virtual void unmap_at(std::byte* at, std::size_t bytes) noexcept = 0;

  virtual answer rename(const std::string& from, const std::string& to) = 0;
  /// One more name for a file. -EEXIST where `to` has one already.
  virtual answer link(const std::string& from, const std::string& to) = 0;
  virtual answer remove(const std::string& path) = 0;
  virtual answer make_directory(const std::string& path) = 0;
  /// Names without the path, in any order.
  virtual answer list(const std::string& path, std::vector<std::string>& names) = 0;

  virtual answer random(std::span<std::byte> into) = 0;
  virtual std::int64_t wall_us() noexcept = 0;
  virtual std::int64_t monotonic_ns() noexcept = 0;
  virtual std::int64_t pid() noexcept = 0;
};

/// The one of this machine. Has no state.
[[nodiscard]] std::shared_ptr<kernel> make_linux_kernel();

} // namespace cmem
