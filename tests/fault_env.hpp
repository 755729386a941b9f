#pragma once
// A file system in memory that fails as real ones do, at a chosen call, from a seed.
//
// It is a test's tool and stays with the tests: nothing a user runs should be able to lose bytes on
// purpose.

#include "storage/env.hpp"
#include "tests/fault_inode.hpp"

#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>

namespace cmem::test {

/// What can happen to a system call. Each is met only by the calls that it can happen to.
enum class fault : std::uint8_t {
  eio,        ///< any call on files fails
  enospc,     ///< what takes space fails: writes, reservations, new names, syncs
  short_io,   ///< a write or read does a part
  eintr,      ///< any call that may block is interrupted; `for_ever` means every second one
  sync_eio,   ///< a sync fails; what was unsynced is on the disk or not, and counted as clean
  bit_flip,   ///< one bit of what is read (or mapped) is wrong
  truncation, ///< a file that is read ends early from now on
  power_off,  ///< the call does what it does in memory, then nothing works until power_cut()
};
inline constexpr std::size_t faults = 8;
std::string_view to_string(fault f) noexcept;

/// Keeps apart what the process sees and what the disk holds. The disk gets a file's bytes by a
/// sync of the file, and a name by a sync of its directory. Until then a power cut may leave of
/// each 512-byte sector any content that it had since the last sync, any of the sizes since then or
/// one between, zeros or garbage where the file grew, and any subset of the names made, renamed and
/// removed, in an order in which a POSIX file system may keep them (half of the cuts: a prefix, as
/// a journal keeps). Everything follows from the seed and the calls.
/// Paths are absolute and plain: "/store/wal-1.log". The clock stands still unless advanced.
/// Threads: any.
class fault_env final : public kernel {
public:
  static constexpr std::size_t sector_bytes = fault_sector_bytes;

  explicit fault_env(std::uint64_t seed = 1);
  ~fault_env() override;

  /// The n-th (from 0) of the next calls that `f` can happen to meets it: once, or it and all
  /// after.
  void inject(fault f, std::uint64_t n, bool for_ever = false);
  void heal();
  /// The fault that was injected last has happened.
  [[nodiscard]] bool hit() const;
  /// The call that it happened to first, as last_call() has it; empty before.
  [[nodiscard]] std::string hit_call() const;
  /// System calls so far that `f` can happen to.
  [[nodiscard]] std::uint64_t sites(fault f) const;
  /// The last call, e.g. "fdatasync /store/wal-1.log".
  [[nodiscard]] std::string last_call() const;

  /// Power fails and comes back: descriptors and locks are gone, and what was unsynced is kept or
  /// not.
  void power_cut(std::uint64_t seed);
  /// The process dies: descriptors and locks are gone, files stay as it saw them.
  void kill();

  /// Bytes of all files together; beyond it the disk is full.
  void set_capacity(std::uint64_t bytes);
  void advance_us(std::int64_t by);

  /// By map_at(), and not unmapped since.
  [[nodiscard]] std::size_t mapped_files() const;

  /// The content of a file as a process sees it; empty if there is none.
  [[nodiscard]] std::vector<std::byte> content(const std::string& path) const;
  /// Replaces it, on the disk too: for damage that no call does.
  void set_content(const std::string& path, const std::vector<std::byte>& bytes);

  answer open(const std::string& path, open_mode mode) override;
  void close(int fd) override;
  answer pread(int fd, std::span<std::byte> into, std::uint64_t offset) override;
  answer pwritev(int fd, std::span<const const_bytes> parts, std::uint64_t offset) override;
  answer fallocate(int fd, std::uint64_t bytes) override;
  answer ftruncate(int fd, std::uint64_t bytes) override;
  answer fdatasync(int fd) override;
  answer size(int fd) override;
  answer lock(int fd, lock_mode mode) override;
  answer map(int fd, std::size_t bytes, const std::byte*& at) override;
  void unmap(const std::byte* at, std::size_t bytes) noexcept override;
  answer map_at(int fd, std::uint64_t offset, std::size_t bytes, std::byte* at) override;
  void unmap_at(std::byte* at, std::size_t bytes) noexcept override;
  answer rename(const std::string& from, const std::string& to) override;
  answer link(const std::string& from, const std::string& to) override;
  answer remove(const std::string& path) override;
  answer make_directory(const std::string& path) override;
  answer list(const std::string& path, std::vector<std::string>& names) override;
  answer random(std::span<std::byte> into) override;
  std::int64_t wall_us() noexcept override;
  std::int64_t monotonic_ns() noexcept override;
  std::int64_t pid() noexcept override { return 4242; }

private:
  using inode = fault_inode;
  struct place { // where a path leads
    std::shared_ptr<inode> directory;
    std::string name;
    std::shared_ptr<inode> there; // null if nothing is
  };
  struct held { // a lock
    lock_mode mode;
    std::set<int> by; // descriptors
  };
  struct plan {
    fault what;
    std::uint64_t left; // calls before it happens
    bool for_ever;
  };
  struct verdict {
    answer error = 0; // < 0: the call fails without effect
    std::optional<fault> also;
  };

  verdict enter(std::string_view call, const std::string& path, std::uint32_t can_meet);
  answer leave(const verdict& v, answer done);
  std::optional<place> find(const std::string& path) const;
  inode* opened(int fd) const;
  std::string path_of(int fd) const;
  bool full(std::uint64_t more) const;
  void forget_process();

  mutable std::mutex mutex_;
  std::shared_ptr<inode> root_;
  std::map<int, std::pair<std::shared_ptr<inode>, std::string>> descriptors_;
  std::map<const inode*, held> locks_;
  std::map<const std::byte*, std::unique_ptr<std::byte[]>> mappings_;
  std::size_t placed_ = 0; // of map_at()
  int next_descriptor_ = 3;
  splitmix random_;
  std::optional<plan> plan_;
  bool hit_ = false;
  bool powered_off_ = false;
  std::array<std::uint64_t, faults> sites_{};
  std::string last_call_;
  std::string hit_call_;
  std::uint64_t capacity_ = ~std::uint64_t{0};
  std::int64_t now_us_ = 1'800'000'000'000'000;
};

} // namespace cmem::test
