#pragma once
// A kernel that counts what is written.

#include "storage/kernel.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace cmem::bench {

/// What bytes of a store are for. A log file is filled with zeros by who makes it, and opened again
/// by who writes records.
enum class written_to : std::uint8_t { log, log_zeros, segments, manifest, other };

/// The machine's, with a count of the bytes that are handed to it. Threads: any.
class counting_kernel final : public kernel {
public:
  [[nodiscard]] std::uint64_t written(written_to what) const;
  /// To all files but the log's.
  [[nodiscard]] std::uint64_t written() const;
  [[nodiscard]] std::uint64_t written_all() const;

  answer open(const std::string& path, open_mode mode) override;
  void close(int fd) override;
  answer pwritev(int fd, std::span<const const_bytes> parts, std::uint64_t offset) override;

  answer pread(int fd, std::span<std::byte> into, std::uint64_t offset) override {
    return system_->pread(fd, into, offset);
  }
  answer fallocate(int fd, std::uint64_t bytes) override { return system_->fallocate(fd, bytes); }
  answer ftruncate(int fd, std::uint64_t bytes) override { return system_->ftruncate(fd, bytes); }
  answer fdatasync(int fd) override { return system_->fdatasync(fd); }
  answer size(int fd) override { return system_->size(fd); }
  answer lock(int fd, lock_mode mode) override { return system_->lock(fd, mode); }
  answer map(int fd, std::size_t bytes, const std::byte*& at) override {
    return system_->map(fd, bytes, at);
  }
  void unmap(const std::byte* at, std::size_t bytes) noexcept override {
    system_->unmap(at, bytes);
  }
  void let_go(const std::byte* at, std::size_t bytes) noexcept override {
    system_->let_go(at, bytes);
  }
  answer map_at(int fd, std::uint64_t offset, std::size_t bytes, std::byte* at) override {
    return system_->map_at(fd, offset, bytes, at);
  }
  void unmap_at(std::byte* at, std::size_t bytes) noexcept override {
    system_->unmap_at(at, bytes);
  }
  answer rename(const std::string& from, const std::string& to) override {
    return system_->rename(from, to);
  }
  answer link(const std::string& from, const std::string& to) override {
    return system_->link(from, to);
  }
  answer remove(const std::string& path) override { return system_->remove(path); }
  answer make_directory(const std::string& path) override { return system_->make_directory(path); }
  answer list(const std::string& path, std::vector<std::string>& names) override {
    return system_->list(path, names);
  }
  answer random(std::span<std::byte> into) override { return system_->random(into); }
  std::int64_t wall_us() noexcept override { return system_->wall_us(); }
  std::int64_t monotonic_ns() noexcept override { return system_->monotonic_ns(); }
  std::int64_t pid() noexcept override { return system_->pid(); }

private:
  std::shared_ptr<kernel> system_ = make_linux_kernel();
  mutable std::mutex mutex_;                 // guards what follows
  std::unordered_map<int, written_to> open_; // by descriptor
  std::array<std::uint64_t, 5> written_{};   // by written_to
};

} // namespace cmem::bench
