#pragma once
// What a connection between a client and a node carries: frames, one behind the other. CAF moves
// their bytes and knows nothing of what is in them.
//
//   frame := magic:u32 length:u32 check:u64 payload:u8{length}       numbers little-endian
//
// magic is "CMF1"; its digit is the version of this layout, which a change of it would count up,
// and what payloads are is agreed on in the first of them (wire.hpp). check is XXH3 (64 bits) of
// the payload, seeded with its length. Nothing is allocated for a frame before its length is known
// to be within the limit.

#include "storage/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace cmem {

inline constexpr std::size_t frame_header_bytes = 16;
inline constexpr std::uint32_t frame_bytes_default = 1U << 20; ///< of a payload, at most
inline constexpr std::uint32_t frame_bytes_min = 1U << 16;     ///< that a limit may be set to
inline constexpr std::uint32_t frame_bytes_max = 1U << 26;

struct frame_header {
  std::uint32_t length = 0; ///< of the payload
  std::uint64_t check = 0;
};

/// Fails: parse_error, for what is no frame; unsupported, for one of another layout;
/// limit_exceeded, for a payload over `bytes_max`.
[[nodiscard]] result<frame_header> read_frame_header(
  std::span<const char, frame_header_bytes> bytes, std::uint32_t bytes_max);

/// Fails (corrupt) when the payload is not what the header says. Precondition: it is as long.
[[nodiscard]] result<void> check_frame(const frame_header& header, std::span<const char> payload);

/// Begins a frame at the end of `out`: what is appended until end_frame() is its payload. Returns
/// where it begins.
[[nodiscard]] std::size_t begin_frame(std::vector<char>& out);
/// Fails (limit_exceeded), and takes the frame back, when it is longer than `bytes_max`.
result<void> end_frame(std::vector<char>& out, std::size_t begin, std::uint32_t bytes_max);

/// Finds the frames in what comes over a connection. Holds what was appended and not taken yet.
/// Threads: one at a time.
class frame_buffer {
public:
  void append(std::span<const char> bytes);
  /// The payload of the next frame, good until the next call; nullopt: more has to come. Fails as
  /// read_frame_header() and check_frame(): then nothing behind it makes sense.
  [[nodiscard]] result<std::optional<std::string_view>> next(std::uint32_t bytes_max);
  void clear() noexcept;

private:
  std::vector<char> bytes_;
  std::size_t taken_ = 0; // of bytes_
};

} // namespace cmem
