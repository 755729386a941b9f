#pragma once
// Blocks for what crosses from writers to the snapshot: log entries, content, vectors, names,
// attributes. Writers take, the reconciler gives back, nobody locks and nobody calls malloc.

#include "storage/arena.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace cmem {

/// Size classes over one arena. A class is a Treiber stack (Treiber 1986) whose head carries the
/// number of pops as its tag, so that a block that went out and came back is noticed (ABA).
/// Threads: allocate(), release() and release_chain() from any thread, lock-free; provision() from one
/// thread at a time. A block belongs to whoever allocated it until it is released.
class payload_pool {
public:
  explicit payload_pool(arena& memory);
  payload_pool(const payload_pool&) = delete;
  payload_pool& operator=(const payload_pool&) = delete;

  /// A block of at least `bytes` (<= payload_bytes_max), 8-byte aligned; 0 when the arena is used up.
  [[nodiscard]] handle allocate(std::size_t bytes) noexcept;
  /// Gives one block back. `h` may be 0.
  void release(handle h) noexcept;

  [[nodiscard]] std::byte* data(handle h) const noexcept { return memory_.at(h) + sizeof(header); }
  [[nodiscard]] std::size_t size(handle h) const noexcept { return memory_.as<header>(h)->bytes; }
  [[nodiscard]] std::span<const std::byte> bytes(handle h) const noexcept {
    return {data(h), size(h)};
  }

  /// Keeps each class ahead of its recent use, and touches the pages, so that allocate() finds
  /// blocks that are ready. Called once per reconcile tick.
  void provision() noexcept;

  /// Bytes of blocks that are out, headers and rounding included.
  [[nodiscard]] std::size_t bytes_in_use() const noexcept;
  /// What a block of `bytes` takes, header and rounding included.
  [[nodiscard]] static std::size_t block_bytes(std::size_t bytes) noexcept;

private:
  struct header {
    std::atomic<handle> next; // meaningful only while the block is on a stack
    std::uint32_t bytes;      // as asked for
  };
  static_assert(sizeof(header) == 8);

  arena& memory_;
  // (the author of payload_pool.cpp completes this)
};

} // namespace cmem
