#pragma once
// Files, clock and randomness: all that the store knows of the machine.

#include "storage/kernel.hpp"
#include "storage/result.hpp"

#include <initializer_list>

namespace cmem {

/// Every fallible call says in its failure what was tried, on which file, at which offset, what the
/// system answered and what to do. Codes: `not_found`, `disk_full` (also a quota), `read_only` (the
/// file system is), `locked`, else `io_error`. Interrupted calls and short reads and writes are
/// dealt with here (env.cpp, `persist`) and nowhere above.
/// Modelled on RocksDB's FileSystem and SQLite's VFS, cut down to what the store uses.

/// A file mapped read-only. The mapping outlives the file's handle, name and env.
/// Beyond a file that was cut short, or on a disk that fails, reading it raises SIGBUS: bytes are
/// verified by read_at() before they are first trusted (D3). Threads: any, at the same time.
class file_mapping {
public:
  file_mapping() = default;
  file_mapping(std::shared_ptr<kernel> system, const_bytes mapped, std::byte* placed = nullptr)
    : system_(std::move(system)), bytes_(mapped), placed_(placed) {}
  file_mapping(file_mapping&& other) noexcept
    : system_(std::move(other.system_)),
      bytes_(std::exchange(other.bytes_, {})),
      placed_(other.placed_) {}
  file_mapping& operator=(file_mapping&& other) noexcept;
  ~file_mapping() { unmap(); }

  [[nodiscard]] const_bytes bytes() const noexcept { return bytes_; }
  /// Takes no memory until it is read again. Precondition: the system chose where it lies.
  void let_go() const noexcept;

private:
  void unmap() noexcept;

  std::shared_ptr<kernel> system_;
  const_bytes bytes_;           // owned
  std::byte* placed_ = nullptr; // where they lie, if the caller chose that
};

/// An open file. Closes without syncing.
/// Threads: one at a time; read_at(), size() and map() any, at the same time.
class file {
public:
  file() = default;
  file(std::shared_ptr<kernel> system, int fd, std::string path)
    : system_(std::move(system)), fd_(fd), path_(std::move(path)) {}
  file(file&& other) noexcept;
  file& operator=(file&& other) noexcept;
  ~file() { close(); }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
  void close() noexcept;

  /// Bytes read: fewer than asked for only where the file ends.
  result<std::size_t> read_at(std::span<std::byte> into, std::uint64_t offset) const;
  /// All of `into`; a file that ends before is `corrupt`.
  result<void> read_all_at(std::span<std::byte> into, std::uint64_t offset) const;
  result<void> write_at(const_bytes bytes, std::uint64_t offset);
  /// One after the other, in one system call where it can be. After a failure any part may be
  /// there.
  result<void> write_at(std::span<const const_bytes> parts, std::uint64_t offset);
  /// Writes where the file ended when it was last asked for, or behind the last append().
  result<void> append(std::span<const const_bytes> parts);
  result<void> append(std::initializer_list<const_bytes> parts) {
    return append(std::span<const const_bytes>(parts.begin(), parts.size()));
  }
  /// Blocks for [0, bytes): writes there meet no full disk. Zeros are written where the file system
  /// cannot reserve.
  result<void> preallocate(std::uint64_t bytes);
  /// Writes zeros to [from, to).
  result<void> zero(std::uint64_t from, std::uint64_t to);
  result<void> truncate(std::uint64_t bytes);
  /// What was written before is on the disk, and the size. Never tried again (D4): once it failed
  /// every later call fails, because Linux then drops what it could not write and forgets it.
  result<void> sync();
  /// False if another handle holds it, in this process or another, and they do not share it. Given
  /// up with the handle.
  result<bool> try_lock(lock_mode mode = lock_mode::exclusive);
  result<std::uint64_t> size() const;
  /// The first `bytes` of the file. Precondition: it has that many.
  result<file_mapping> map(std::size_t bytes) const;
  /// `bytes` from `offset`, at `at`: memory that the caller owns, and that is zero and writable
  /// again when the mapping goes, which it must do first. Precondition: `offset` is a
  /// multiple of map_unit, `at` begins a page and has room for whole units, the file has the bytes.
  result<file_mapping> map_at(std::uint64_t offset, std::size_t bytes, std::byte* at) const;

private:
  std::shared_ptr<kernel> system_;
  int fd_ = -1;
  std::string path_;
  std::uint64_t append_at_ = unknown_end;
  bool sync_failed_ = false;

  static constexpr std::uint64_t unknown_end = ~std::uint64_t{0};
};

/// Held while it lives, and by the process that opened it only. The file stays: removing it would
/// let two others lock two files of one name.
class file_lock {
public:
  explicit file_lock(file locked) : locked_(std::move(locked)) {}

private:
  file locked_;
};

/// A handle on a kernel, cheap to copy; files keep the kernel alive. Threads: any.
class env {
public:
  explicit env(std::shared_ptr<kernel> system = make_linux_kernel()) : system_(std::move(system)) {}

  result<file> open(const std::string& path, open_mode mode) const;
  /// Takes the lock file and writes this process's pid into it. `locked` names the holder (D6).
  result<file_lock> lock(const std::string& path) const;
  /// Names without the path, sorted.
  result<std::vector<std::string>> list(const std::string& directory) const;
  /// Replaces `to` at once. Durable after sync_directory().
  result<void> rename(const std::string& from, const std::string& to) const;
  /// One more name for the file, durable after sync_directory(). False: it cannot have one there,
  /// on another file system or on one without links.
  result<bool> link(const std::string& from, const std::string& to) const;
  result<void> remove(const std::string& path) const;
  /// One that is there already is fine.
  result<void> make_directory(const std::string& path) const;
  /// Files made, renamed and removed in it before stay so.
  result<void> sync_directory(const std::string& path) const;

  result<std::uint64_t> random_seed() const;
  [[nodiscard]] std::int64_t wall_us() const noexcept { return system_->wall_us(); }
  [[nodiscard]] std::int64_t monotonic_ns() const noexcept { return system_->monotonic_ns(); }

private:
  std::shared_ptr<kernel> system_;
};

} // namespace cmem
