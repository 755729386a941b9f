#pragma once
// Blocks for what the builder makes: record pages, directories, adjacency, tables.

#include "storage/arena.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace cmem {

/// What a block is for; stats() reports memory by it. `adjacency` has outgoing lists, `incoming`
/// the others.
enum class page_use : std::uint8_t { records, id_table, adjacency, incoming };
inline constexpr std::size_t page_uses = 4;

/// Free lists over one arena: one list for each multiple of 16 bytes up to 8 KiB, then one for each
/// power of two. The lists lie apart from the blocks: releasing touches none, and the blocks that
/// go out next are known in time to be fetched. Blocks of a multiple of 64 bytes are 64-byte
/// aligned. Under AddressSanitizer free blocks are poisoned.
///
/// There are two sides that share nothing but the arena: one for lists of incoming associations,
/// one for all else. So a merge builds both directions at once, and no allocator is shared.
/// Threads: one at a time (the reconciler), but that allocate() and release() of one side may run
/// beside those of the other; the counters may be read from any thread.
class page_pool {
public:
  explicit page_pool(arena& memory) : memory_(memory) {}
  ~page_pool();
  page_pool(const page_pool&) = delete;
  page_pool& operator=(const page_pool&) = delete;

  /// An uninitialised block. Throws std::bad_alloc when the arena is used up.
  [[nodiscard]] handle allocate(std::size_t bytes, page_use use);
  /// `bytes` and `use` as they were given to allocate().
  void release(handle h, std::size_t bytes, page_use use) noexcept;

  /// Carves and touches ahead what the next version will need if it is like the last one, so that
  /// page faults come between publishes and not within. Called after each; at most
  /// provision_bytes_max a call. Never throws: without room, allocate() will.
  void provision() noexcept;
  static constexpr std::size_t provision_bytes_max = std::size_t{8} << 20;

  /// Takes back every block allocated since the last keep(), those for id tables excepted (they are
  /// not part of a version). Precondition: none of them was released.
  void discard_since_keep() noexcept;
  void keep() noexcept {
    for (side& s : sides_)
      s.journal.clear();
  }
  /// keep() for what no writer asked for, such as a store that is opened or lists that are packed:
  /// provision() takes what was allocated since its last call for no measure of what comes.
  void keep_unmeasured() noexcept;

  [[nodiscard]] arena& memory() const noexcept { return memory_; }
  /// Bytes of blocks that are out, rounding included.
  [[nodiscard]] std::size_t bytes_in_use(page_use use) const noexcept;
  [[nodiscard]] std::size_t bytes_in_use() const noexcept;
  /// Bytes of the free lists.
  [[nodiscard]] std::size_t bookkeeping_bytes() const noexcept {
    return sides_[0].list_bytes + sides_[1].list_bytes;
  }

private:
  static constexpr std::size_t exact_max = 8192;
  static constexpr std::size_t exact_classes = exact_max / handle_unit;
  static constexpr std::size_t power_classes = 24; // 16 KiB … 64 GiB

  [[nodiscard]] static std::size_t class_of(std::size_t bytes) noexcept;
  [[nodiscard]] static std::size_t class_bytes(std::size_t size_class) noexcept;
  [[nodiscard]] static std::size_t slab_bytes(std::size_t size_class) noexcept;

  struct free_list {
    std::vector<handle> blocks; // the last goes out first; has room for all that were ever carved
    std::size_t carved = 0;
    std::uint32_t recent =
      0; // allocated since provision(), or in the version before if that was more
    std::uint32_t since = 0;
  };
  struct block {
    handle at;
    std::uint32_t bytes;
    page_use use;
  };
  struct alignas(64) side {
    std::array<free_list, exact_classes + power_classes + 1> free;
    std::size_t list_bytes = 0;
    std::vector<block> journal; // allocated since keep()
    handle chunk_next = 0;      // unused rest of the current span …
    handle chunk_end = 0;       // … and its end
  };
  struct alignas(64) counter {
    std::atomic<std::size_t> bytes{0}; // written by whoever has the side
  };

  [[nodiscard]] side& side_of(page_use use) noexcept {
    return sides_[use == page_use::incoming ? 1 : 0];
  }
  void carve(side& s, std::size_t size_class);
  void add_in_use(page_use use, std::size_t bytes) noexcept;

  arena& memory_;
  std::array<side, 2> sides_;
  std::array<counter, page_uses> in_use_;
};

} // namespace cmem
