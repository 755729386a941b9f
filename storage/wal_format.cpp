#include "storage/wal_format.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstddef>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace cmem {

namespace {

constexpr std::size_t checked_from = sizeof(wal_record_header::checksum);

std::uint64_t checksum_of(const wal_header& h) noexcept {
  return XXH3_64bits(&h, offsetof(wal_header, checksum));
}

std::uint64_t checksum_of(const_bytes record, std::uint64_t store) noexcept {
  return XXH3_64bits_withSeed(record.data() + checked_from, record.size() - checked_from, store);
}

} // namespace

wal_header sealed(wal_header h) noexcept {
  h.checksum = checksum_of(h);
  return h;
}

wal_header_state read_wal_header(const_bytes bytes, wal_header& h) noexcept {
  const auto is_zero = [](auto b) { return b == decltype(b){}; };
  if (std::all_of(bytes.begin(), bytes.end(), is_zero))
    return wal_header_state::blank;
  if (bytes.size() < sizeof h)
    return wal_header_state::damaged;
  std::memcpy(&h, bytes.data(), sizeof h);
  // What follows the version is of another layout in a newer one.
  const bool fields = h.version > wal_version
                      || (h.version != 0 && (h.flags & ~wal_header::zeroed) == 0
                          && std::all_of(h.reserved.begin(), h.reserved.end(), is_zero));
  const bool valid = h.magic == wal_magic && h.checksum == checksum_of(h) && fields;
  return valid ? wal_header_state::valid : wal_header_state::damaged;
}

void append_wal_record(std::vector<std::byte>& out, wal_record_header h, const_bytes payload,
                       std::uint64_t store) {
  assert(out.size() % 8 == 0 && payload.size() <= wal_payload_bytes_max);
  assert(h.durable < h.sequence && known(h.type));
  h.length = static_cast<std::uint32_t>(payload.size());
  h.reserved = 0;
  const std::size_t at = out.size();
  out.resize(at + static_cast<std::size_t>(wal_record_bytes(payload.size())));
  const std::span<std::byte> record = std::span(out).subspan(at);
  std::memcpy(record.data(), &h, sizeof h);
  if (!payload.empty())
    std::memcpy(record.data() + sizeof h, payload.data(), payload.size());
  h.checksum = checksum_of(record, store);
  std::memcpy(record.data(), &h.checksum, sizeof h.checksum);
}

wal_record_header peek_wal_record(const_bytes bytes) noexcept {
  assert(bytes.size() >= sizeof(wal_record_header));
  wal_record_header h;
  std::memcpy(&h, bytes.data(), sizeof h);
  return h;
}

bool plausible(const wal_record_header& h, std::uint64_t bytes_left) noexcept {
  return h.reserved == 0 && h.durable < h.sequence && h.length <= wal_payload_bytes_max
         && wal_record_bytes(h.length) <= bytes_left;
}

bool wal_record_intact(const_bytes record, std::uint64_t store) noexcept {
  return peek_wal_record(record).checksum == checksum_of(record, store);
}

bool wal_record_intact_as(const_bytes record, std::uint64_t store, std::uint64_t generation) {
  std::vector<std::byte> copy(record.begin(), record.end());
  std::memcpy(copy.data() + offsetof(wal_record_header, generation), &generation,
              sizeof generation);
  return wal_record_intact(copy, store);
}

std::string wal_file_name(std::uint64_t number) { return "wal-" + std::to_string(number) + ".log"; }

std::optional<std::uint64_t> wal_file_number(std::string_view name) noexcept {
  constexpr std::string_view front = "wal-";
  constexpr std::string_view back = ".log";
  if (!name.starts_with(front) || !name.ends_with(back)
      || name.size() <= front.size() + back.size())
    return std::nullopt;
  const std::string_view digits =
    name.substr(front.size(), name.size() - front.size() - back.size());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number == ~std::uint64_t{0}
      || (digits[0] == '0' && digits.size() > 1))
    return std::nullopt; // another's file
  return number;
}

} // namespace cmem
