#pragma once
// Vectors as they lie in a segment, and so in a memory that maps it: floats, or codes.
//
//   floats := f32[dimension]
//   codes  := back:u64 norm:f64 code:u8[parts]
//
// Codes are of a codebook (vector_codebook.hpp), which lies in a block of the same section, before
// them: `back` is how far, in bytes, from block to block. So they are read wherever the section is
// mapped, with nothing beside it. Which of the two a payload is, its size says: codes are only made
// where they take less than half of the room.

#include "storage/vector_codebook.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cmem {

struct coded_vector_head {
  std::uint64_t back = 0;
  double norm = 0.0; ///< finite, not negative
};
static_assert(sizeof(coded_vector_head) == 16);

[[nodiscard]] constexpr std::size_t coded_vector_bytes(std::size_t parts) noexcept {
  return sizeof(coded_vector_head) + parts;
}
/// The most parts with which a block takes at most one byte in `ratio` of what the floats' block
/// takes, heads and padding included. 0: there is no room for any.
[[nodiscard]] std::uint32_t parts_for(std::size_t dimension, std::uint32_t ratio) noexcept;

/// The vector of a concept, where it lies. Borrows the payload, and the codebook before it.
/// Threads: any.
class stored_vector {
public:
  stored_vector() = default; ///< there is none
  /// Payload of a block; empty: there is none. Precondition: it was looked at, as segment_reader
  /// does it.
  stored_vector(std::span<const std::byte> payload, std::size_t dimension) noexcept
    : payload_(payload), coded_(!payload.empty() && payload.size() != dimension * sizeof(float)) {}

  [[nodiscard]] bool empty() const noexcept { return payload_.empty(); }
  [[nodiscard]] bool coded() const noexcept { return coded_; }
  /// Bytes of the payload.
  [[nodiscard]] std::size_t bytes() const noexcept { return payload_.size(); }
  /// Precondition: not coded.
  [[nodiscard]] std::span<const float> floats() const noexcept {
    return {reinterpret_cast<const float*>(payload_.data()), payload_.size() / sizeof(float)};
  }
  /// Where they lie, or decoded into `room`, which is made large enough. Throws std::bad_alloc.
  [[nodiscard]] std::span<const float> read(std::vector<float>& room) const;

  // Precondition of the following: coded.

  [[nodiscard]] coded_vector_head head() const noexcept;
  [[nodiscard]] std::span<const std::uint8_t> codes() const noexcept {
    return {reinterpret_cast<const std::uint8_t*>(payload_.data()) + sizeof(coded_vector_head),
            payload_.size() - sizeof(coded_vector_head)};
  }
  /// Payload of its codebook's block.
  [[nodiscard]] const std::byte* codebook() const noexcept { return payload_.data() - head().back; }
  /// Precondition: as many floats as the dimension.
  void decode(std::span<float> to) const noexcept;

private:
  std::span<const std::byte> payload_;
  bool coded_ = false;
};

/// Tells whether vectors read as they did, once a compaction has written them anew: it decodes what
/// it does not copy, so floats do. Remembers which codebooks are equal. Threads: one.
class vector_comparison {
public:
  [[nodiscard]] bool same(const stored_vector& before, const stored_vector& after);

private:
  struct codebooks {
    const std::byte* before;
    const std::byte* after;
    bool equal;
  };
  std::vector<codebooks> known_;
};

} // namespace cmem
