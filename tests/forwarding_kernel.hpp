#pragma once
// A kernel that hands every call on to another: what a test overrides is what it changes.

#include "storage/kernel.hpp"

#include <memory>
#include <string>
#include <vector>

namespace cmem::test {

class forwarding_kernel : public kernel {
public:
  explicit forwarding_kernel(std::shared_ptr<kernel> to) : to_(std::move(to)) {}

  answer open(const std::string& path, open_mode mode) override { return to_->open(path, mode); }
  void close(int fd) override { to_->close(fd); }
  answer pread(int fd, std::span<std::byte> into, std::uint64_t offset) override {
    return to_->pread(fd, into, offset);
  }
  answer pwritev(int fd, std::span<const const_bytes> parts, std::uint64_t offset) override {
    return to_->pwritev(fd, parts, offset);
  }
  answer fallocate(int fd, std::uint64_t bytes) override { return to_->fallocate(fd, bytes); }
  answer ftruncate(int fd, std::uint64_t bytes) override { return to_->ftruncate(fd, bytes); }
  answer fdatasync(int fd) override { return to_->fdatasync(fd); }
  answer size(int fd) override { return to_->size(fd); }
  answer lock(int fd, lock_mode mode) override { return to_->lock(fd, mode); }
  answer map(int fd, std::size_t bytes, const std::byte*& at) override {
    return to_->map(fd, bytes, at);
  }
  void unmap(const std::byte* at, std::size_t bytes) noexcept override { to_->unmap(at, bytes); }
  void let_go(const std::byte* at, std::size_t bytes) noexcept override { to_->let_go(at, bytes); }
  answer map_at(int fd, std::uint64_t offset, std::size_t bytes, std::byte* at) override {
    return to_->map_at(fd, offset, bytes, at);
  }
  void unmap_at(std::byte* at, std::size_t bytes) noexcept override { to_->unmap_at(at, bytes); }
  answer rename(const std::string& from, const std::string& to) override {
    return to_->rename(from, to);
  }
  answer link(const std::string& from, const std::string& to) override {
    return to_->link(from, to);
  }
  answer remove(const std::string& path) override { return to_->remove(path); }
  answer make_directory(const std::string& path) override { return to_->make_directory(path); }
  answer list(const std::string& path, std::vector<std::string>& names) override {
    return to_->list(path, names);
  }
  answer random(std::span<std::byte> into) override { return to_->random(into); }
  std::int64_t wall_us() noexcept override { return to_->wall_us(); }
  std::int64_t monotonic_ns() noexcept override { return to_->monotonic_ns(); }
  std::int64_t pid() noexcept override { return to_->pid(); }

private:
  const std::shared_ptr<kernel> to_;
};

} // namespace cmem::test
