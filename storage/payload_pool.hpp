#pragma once
// Blocks for what crosses from writers to the snapshot: log entries, content, vectors, names,
// attributes. Writers take, the reconciler gives back, nobody locks and nobody calls malloc.

#include "storage/arena.hpp"
#include "storage/tagged_stack.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace cmem {

/// The most that one block holds: more than any content, vector, or name with attributes needs.
inline constexpr std::size_t payload_bytes_max = (std::size_t{5} << 18) - 8;

/// Size classes over one arena: 16-byte steps up to 256, then 4 a doubling, so that at most a fifth
/// of a block is rounding. Each class is a tagged_stack of free blocks. Nothing goes back to the
/// arena. Under AddressSanitizer the payload of a free block is poisoned.
/// Threads: allocate(), release(), `returns` and the figures from any thread, lock-free;
/// provision() and keep_ready() from one thread at a time. A block belongs to whoever allocated it
/// until it is released.
class payload_pool {
public:
  /// Makes the blocks of the small classes ready.
  explicit payload_pool(arena& memory);
  ~payload_pool();
  payload_pool(const payload_pool&) = delete;
  payload_pool& operator=(const payload_pool&) = delete;

  /// A block of at least `bytes` (<= payload_bytes_max), 8-byte aligned; 0 when the arena is used
  /// up.
  [[nodiscard]] handle allocate(std::size_t bytes) noexcept;
  /// Gives one block back. `h` may be 0, or lie in a mapped file: then there is nothing to do.
  void release(handle h) noexcept;
  /// Gives many back with one exchange a class, as release() does.
  class returns;

  [[nodiscard]] std::byte* data(handle h) const noexcept { return memory_.at(h) + sizeof(header); }
  [[nodiscard]] std::size_t size(handle h) const noexcept { return head_of(h).bytes; }
  [[nodiscard]] std::span<const std::byte> bytes(handle h) const noexcept {
    return {data(h), size(h)};
  }

  /// The same for those who have the arena's base only (snapshots).
  [[nodiscard]] static std::span<const std::byte> bytes_at(const std::byte* base,
                                                           handle h) noexcept {
    const std::byte* block = base + std::size_t{h} * handle_unit;
    return {block + sizeof(header), reinterpret_cast<const header*>(block)->bytes};
  }

  /// Keeps each class ahead of its recent use, and touches the pages, so that allocate() finds
  /// blocks that are ready. Called once per reconcile tick; carves at most provision_bytes_max a
  /// call.
  void provision() noexcept;
  /// provision() keeps at least `blocks` free blocks of `bytes`, and this call makes them.
  void keep_ready(std::size_t bytes, std::uint32_t blocks) noexcept;

  /// Bytes of blocks that are out, headers and rounding included.
  [[nodiscard]] std::size_t bytes_in_use() const noexcept;
  /// Bytes of blocks ever made, out or free.
  [[nodiscard]] std::size_t bytes_carved() const noexcept;
  /// What a block of `bytes` takes, header and rounding included.
  [[nodiscard]] static std::size_t block_bytes(std::size_t bytes) noexcept;

  static constexpr std::size_t provision_bytes_max = std::size_t{4} << 20;

private:
  struct header {
    std::atomic<handle> next; // meaningful only while the block is on a stack
    std::uint32_t bytes;      // as asked for; the owner's. On a stack: a block a few below, or 0
  };
  static_assert(sizeof(header) == 8);

  struct alignas(64) size_class {
    tagged_stack<> free;
    std::atomic<std::uint32_t> released{0}; // blocks ever given back, modulo 2^32, like free.pops()
    std::atomic<std::uint32_t> carved{0};   // blocks ever made
    std::uint32_t pops_seen = 0;            // provision() only, as what follows
    std::uint32_t recent = 0;               // most pops between two calls, fading
    std::uint32_t ready_min = 0;            // blocks to keep free in any case
  };
  static constexpr std::size_t class_count = 65;
  /// How many blocks ahead of its turn one is fetched: two appends' worth.
  static constexpr std::uint32_t prefetch_ahead = 4;

  [[nodiscard]] static std::size_t class_of(std::size_t block) noexcept;
  [[nodiscard]] static std::size_t class_bytes(std::size_t index) noexcept;
  [[nodiscard]] static std::size_t spans_of(std::size_t block) noexcept;
  [[nodiscard]] header& head_of(handle h) const noexcept { return *memory_.as<header>(h); }
  [[nodiscard]] auto links() const noexcept {
    return [this](handle h) -> std::atomic<handle>& { return head_of(h).next; };
  }
  [[nodiscard]] static std::uint32_t in_use(const size_class& c) noexcept;
  void prefetch(handle h, std::size_t block) const noexcept;
  bool carve(std::size_t index, bool touch) noexcept;
  void make_ready(std::size_t index, std::uint32_t blocks, std::size_t& bytes_left) noexcept;
  void push(std::size_t index, handle first, handle last, std::uint32_t count) noexcept;

  arena& memory_;
  std::array<size_class, class_count> classes_;
};

/// Collects blocks and gives them back when flushed or destroyed.
class payload_pool::returns {
public:
  explicit returns(payload_pool& pool) noexcept : pool_(pool) {}
  ~returns() { flush(); }
  returns(const returns&) = delete;
  returns& operator=(const returns&) = delete;

  /// `h` may be 0.
  void add(handle h) noexcept;
  void flush() noexcept;

private:
  struct chain {
    handle first = 0;
    handle last = 0;
    std::uint32_t count = 0;
    std::array<handle, prefetch_ahead> newest{}; // ring
  };
  payload_pool& pool_;
  std::array<chain, class_count> chains_{};
};

} // namespace cmem
