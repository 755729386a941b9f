#pragma once
// What a file or directory of fault_env holds: for the process, and on the disk.

#include "storage/kernel.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>

namespace cmem::test {

/// Small, fast and the same everywhere (Steele, Lea, Flood: splitmix64).
class splitmix {
public:
  explicit splitmix(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t z = (state_ += 0x9E37'79B9'7F4A'7C15U);
    z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9U;
    z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EBU;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }
  bool one_in(std::uint64_t n) noexcept { return below(n) == 0; }

private:
  std::uint64_t state_;
};

inline constexpr std::size_t fault_sector_bytes = 512; ///< written whole or not at all

/// A file or a directory; the other half of its members is empty. Threads: under the mutex of its
/// fault_env.
struct fault_inode {
  using sector = std::array<std::byte, fault_sector_bytes>;
  using names = std::map<std::string, std::shared_ptr<fault_inode>>;
  struct change { // of names: what `to` and, by a rename, `from` lead to afterwards
    std::string from;
    std::string to;
    std::shared_ptr<fault_inode> target;
  };

  bool directory = false;

  std::vector<std::byte> now;                          // as the process sees it
  std::vector<std::byte> disk;                         // as of what was synced
  std::map<std::size_t, std::vector<sector>> unsynced; // by sector: its contents since then
  std::vector<std::size_t> sizes;                      // since then
  std::optional<std::size_t> ends_early;               // for readers: fault::truncation

  names names_now;
  names names_disk;
  std::vector<change> changes; // unsynced

  void resize(std::size_t bytes) {
    if (bytes == now.size())
      return;
    const std::size_t old = now.size();
    now.resize(bytes);
    sizes.push_back(bytes);
    if (bytes < old)
      touch(bytes, old);
  }

  void write(const_bytes bytes, std::size_t offset) {
    if (bytes.empty())
      return;
    if (offset + bytes.size() > now.size())
      resize(offset + bytes.size());
    std::memcpy(now.data() + offset, bytes.data(), bytes.size());
    touch(offset, offset + bytes.size());
  }

  // Remembers the sectors of [from, to) as they are now.
  void touch(std::size_t from, std::size_t to) {
    for (std::size_t s = from / fault_sector_bytes; s * fault_sector_bytes < to; ++s) {
      sector copy{};
      if (const std::size_t begin = s * fault_sector_bytes; begin < now.size())
        std::memcpy(copy.data(), now.data() + begin,
                    std::min(fault_sector_bytes, now.size() - begin));
      unsynced[s].push_back(copy);
    }
  }

  void put(std::size_t s, const sector& content) {
    const std::size_t begin = s * fault_sector_bytes;
    if (begin < disk.size())
      std::memcpy(disk.data() + begin, content.data(),
                  std::min(fault_sector_bytes, disk.size() - begin));
  }

  void sync() {
    // Not simply all of `now`: what an earlier sync failed to write stays unwritten.
    disk.resize(now.size());
    for (const auto& [s, contents] : unsynced)
      put(s, contents.back());
    for (const change& c : changes)
      apply(c, true);
    clean();
  }

  void clean() {
    unsynced.clear();
    sizes.clear();
    changes.clear();
  }

  // The disk takes what it happened to write since the last sync.
  void settle(splitmix& random) {
    constexpr std::array<std::uint64_t, 5> chances{0, 10, 50, 90, 100};
    const std::uint64_t chance = chances[random.below(chances.size())];
    const auto kept = [&] { return random.below(100) < chance; };
    settle_size(random, kept());
    const bool garbage = random.one_in(4);
    const std::size_t old_end = disk_end_;
    for (const auto& [s, contents] : unsynced) {
      if (kept())
        put(s, contents[random.one_in(2) ? contents.size() - 1 : random.below(contents.size())]);
      else if (garbage && s * fault_sector_bytes >= old_end) {
        sector noise;
        for (std::byte& b : noise)
          b = static_cast<std::byte>(random.next());
        put(s, noise);
      }
    }
    settle_names(random, kept);
    clean();
  }

  void restart() {
    now = disk;
    names_now = names_disk;
    ends_early.reset();
  }

private:
  void settle_size(splitmix& random, bool kept) {
    disk_end_ = disk.size();
    if (sizes.empty() || !kept)
      return;
    std::size_t bytes = random.one_in(2) ? sizes.back() : sizes[random.below(sizes.size())];
    if (bytes > disk.size() && random.one_in(3)) // it grew a sector at a time
      bytes = disk.size()
              + random.below((bytes - disk.size()) / fault_sector_bytes + 1) * fault_sector_bytes;
    disk.resize(bytes);
  }

  template <class Kept>
  void settle_names(splitmix& random, Kept&& kept) {
    const bool journal = random.one_in(2);
    const std::size_t prefix = random.below(changes.size() + 1);
    for (std::size_t i = 0; i != changes.size(); ++i) {
      if (journal ? i >= prefix : !kept())
        continue;
      // The new name of a rename is there before the old one goes.
      apply(changes[i], journal || !random.one_in(4));
    }
  }

  void apply(const change& c, bool drop_from) {
    if (!c.from.empty() && drop_from)
      names_disk.erase(c.from);
    if (c.target == nullptr)
      names_disk.erase(c.to);
    else
      names_disk[c.to] = c.target;
  }

  std::size_t disk_end_ = 0; // before settle()
};

} // namespace cmem::test
