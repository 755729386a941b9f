#include "messages/frame.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>
#include <cassert>
#include <cstring>
#include <string>

namespace cmem {

namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie");

constexpr std::array<char, 4> magic = {'C', 'M', 'F', '1'};

std::uint64_t check_of(std::span<const char> payload) {
  return XXH3_64bits_withSeed(payload.data(), payload.size(), payload.size());
}

std::string too_long(std::size_t bytes, std::uint32_t bytes_max) {
  return "a frame of " + std::to_string(bytes) + " bytes: at most " + std::to_string(bytes_max)
         + " go over this connection";
}

} // namespace

result<frame_header> read_frame_header(std::span<const char, frame_header_bytes> bytes,
                                       std::uint32_t bytes_max) {
  const char layout = bytes[3];
  if (std::memcmp(bytes.data(), magic.data(), 3) != 0 || layout < '0' || layout > '9')
    return failure{
      errc::parse_error,
      "no frame begins so: the other side is no client or node of ConcurrentMemory, or "
      "one of the two uses TLS and the other does not"};
  if (layout != magic[3])
    return failure{errc::unsupported, std::string("frames of layout ") + layout
                                        + ": this one reads and writes layout " + magic[3]};
  frame_header h;
  std::memcpy(&h.length, bytes.data() + 4, sizeof(h.length));
  std::memcpy(&h.check, bytes.data() + 8, sizeof(h.check));
  if (h.length > bytes_max)
    return failure{errc::limit_exceeded, too_long(h.length, bytes_max)};
  return h;
}

result<void> check_frame(const frame_header& header, std::span<const char> payload) {
  assert(payload.size() == header.length);
  if (check_of(payload) != header.check)
    return failure{errc::corrupt, "a frame of " + std::to_string(header.length)
                                    + " bytes does not match its checksum"};
  return {};
}

std::size_t begin_frame(std::vector<char>& out) {
  const std::size_t begin = out.size();
  out.resize(begin + frame_header_bytes);
  return begin;
}

result<void> end_frame(std::vector<char>& out, std::size_t begin, std::uint32_t bytes_max) {
  const std::span<const char> payload = std::span(out).subspan(begin + frame_header_bytes);
  if (payload.size() > bytes_max) {
    const std::size_t bytes = payload.size();
    out.resize(begin);
    return failure{errc::limit_exceeded, too_long(bytes, bytes_max)};
  }
  const auto length = static_cast<std::uint32_t>(payload.size());
  const std::uint64_t check = check_of(payload);
  std::memcpy(out.data() + begin, magic.data(), magic.size());
  std::memcpy(out.data() + begin + 4, &length, sizeof(length));
  std::memcpy(out.data() + begin + 8, &check, sizeof(check));
  return {};
}

void frame_buffer::append(std::span<const char> bytes) {
  constexpr std::size_t kept_bytes = std::size_t{1} << 16; // of an empty one
  bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(taken_));
  taken_ = 0;
  if (bytes_.empty() && bytes_.capacity() > kept_bytes)
    std::vector<char>().swap(bytes_);
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

result<std::optional<std::string_view>> frame_buffer::next(std::uint32_t bytes_max) {
  const std::span<const char> left = std::span<const char>(bytes_).subspan(taken_);
  if (left.size() < frame_header_bytes)
    return std::optional<std::string_view>{};
  const auto header = read_frame_header(left.first<frame_header_bytes>(), bytes_max);
  if (!header)
    return header.error();
  if (left.size() - frame_header_bytes < header->length)
    return std::optional<std::string_view>{};
  const auto payload = left.subspan(frame_header_bytes, header->length);
  if (auto good = check_frame(*header, payload); !good)
    return good.error();
  taken_ += frame_header_bytes + header->length;
  return std::optional(std::string_view(payload.data(), payload.size()));
}

void frame_buffer::clear() noexcept {
  bytes_.clear();
  taken_ = 0;
}

} // namespace cmem
