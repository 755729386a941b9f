#pragma once
// The bytes of a write-ahead log file.
//
//   file   := header record* rest                   (all numbers little-endian)
//   header := magic:u8[8]="cmemwal1" version:u32 flags:u32 store:u64 generation:u64 base:u64
//             file_bytes:u64 zero:u8[456] checksum:u64                              512 bytes
//   record := checksum:u64 length:u32 type:u16 zero:u16 generation:u64 sequence:u64 durable:u64
//             payload:u8[length] zero:u8[0..7]                   a multiple of 8 bytes
//   rest   := zeros where the flag `zeroed` is set, else what older generations left
//
// A file is reused without being cleared: each use has a generation of its own, and a record of
// another one than its header's ends the file. The header is one sector: a disk writes it whole or
// not at all.

#include "storage/kernel.hpp"
#include "storage/limits.hpp"

#include <array>
#include <bit>
#include <optional>
#include <string_view>
#include <type_traits>

namespace cmem {

static_assert(std::endian::native == std::endian::little,
              "records are copied as they lie in memory");

inline constexpr std::array<char, 8> wal_magic{'c', 'm', 'e', 'm', 'w', 'a', 'l', '1'};
inline constexpr std::uint32_t wal_version = 1;
inline constexpr std::uint64_t wal_payload_bytes_max = std::uint64_t{1} << 30;
inline constexpr std::uint64_t wal_file_bytes_min = 4096; ///< of a new file

struct wal_header {
  static constexpr std::uint32_t zeroed = 1; ///< flag: no older generation lies behind the records

  std::array<char, 8> magic = wal_magic;
  std::uint32_t version = wal_version;
  std::uint32_t flags = 0;
  std::uint64_t store = 0;      ///< random, of the store that the file belongs to
  std::uint64_t generation = 0; ///< orders the files: a number, then 32 random bits; never again
  std::uint64_t base = 0;       ///< the log up to this sequence is in older files, and durable
  std::uint64_t file_bytes = 0; ///< of the whole file when the header was written
  std::array<std::uint8_t, 456> reserved{};
  std::uint64_t checksum = 0; ///< XXH3-64 of all before it
};
static_assert(sizeof(wal_header) == 512);
static_assert(std::has_unique_object_representations_v<wal_header>); // no padding

/// The meaning of a payload. The log itself looks into none.
enum class wal_type : std::uint16_t {
  batch = 1,         ///< a reconciler's batch
  client_writes = 2, ///< reserved: ids of clients' writes, so that one sent twice counts once
  leader_epoch = 3,  ///< reserved: a change of leader
};
[[nodiscard]] constexpr bool known(wal_type t) noexcept {
  return t >= wal_type::batch && t <= wal_type::leader_epoch;
}

struct wal_record_header {
  std::uint64_t checksum = 0; ///< XXH3-64, seeded by the store, of all after it, padding included
  std::uint32_t length = 0;   ///< of the payload, <= wal_payload_bytes_max
  wal_type type = wal_type::batch;
  std::uint16_t reserved = 0;
  std::uint64_t generation = 0; ///< the file's
  std::uint64_t sequence = 0;   ///< strictly increasing through the log; > 0
  std::uint64_t durable = 0; ///< the log up to here was synced before this was written; < sequence
};
static_assert(sizeof(wal_record_header) == 40);
static_assert(std::has_unique_object_representations_v<wal_record_header>);

/// Of a record, with header and padding.
[[nodiscard]] constexpr std::uint64_t wal_record_bytes(std::uint64_t payload_bytes) noexcept {
  return sizeof(wal_record_header) + (payload_bytes + 7) / 8 * 8;
}

/// With its checksum filled in.
[[nodiscard]] wal_header sealed(wal_header h) noexcept;

enum class wal_header_state : std::uint8_t {
  valid,   ///< right magic and checksum; store and a newer version are the caller's to judge
  blank,   ///< nothing but zeros: a file made ready and not used yet
  damaged, ///< anything else
};
/// Fills `h` if valid, or with what has its checksum all the same. Less than 512 bytes are damaged,
/// none are blank.
[[nodiscard]] wal_header_state read_wal_header(const_bytes bytes, wal_header& h) noexcept;

/// Appends the record to `out`, whose size is a multiple of 8. length, checksum and reserved of `h`
/// need not be set. Precondition: payload.size() <= wal_payload_bytes_max.
void append_wal_record(std::vector<std::byte>& out, wal_record_header h, const_bytes payload,
                       std::uint64_t store);

/// The header at the start of `bytes`, unchecked. Precondition: there are 40 bytes.
[[nodiscard]] wal_record_header peek_wal_record(const_bytes bytes) noexcept;
/// Fields that a writer of this version can have written, and a length that fits `bytes_left`.
[[nodiscard]] bool plausible(const wal_record_header& h, std::uint64_t bytes_left) noexcept;
/// `record` is all of a record, with padding, and has the checksum that it says.
[[nodiscard]] bool wal_record_intact(const_bytes record, std::uint64_t store) noexcept;
/// The same, were its generation this one: tells damage to that field from another generation.
[[nodiscard]] bool wal_record_intact_as(const_bytes record, std::uint64_t store,
                                        std::uint64_t generation);

/// "wal-7.log" and back. A file keeps its name through its generations.
[[nodiscard]] std::string wal_file_name(std::uint64_t number);
[[nodiscard]] std::optional<std::uint64_t> wal_file_number(std::string_view name) noexcept;

} // namespace cmem
