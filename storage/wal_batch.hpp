#pragma once
// The payload of a log record of type `batch`: what one reconcile step applied, so that applying it
// again makes the same snapshot.
//
//   batch  := time:i64 entries:u32 groups:u32 kinds:u32 zero:u32 kind{kinds} group{groups}
//   kind   := id:v name:text                     registered since the record before
//   group  := entry | count:v-headed entries     see `several` below
//   entry  := head:u8 [count:v] time:z a:id [b:id kind:v] [name_a:text] [name_b:text] body
//   body   := learn_concept: strength:f32 confidence:f32 content:text dimension:v f32{dimension}
//           | learn_association: confidence:f32 weight:f32
//           | strengthen, strengthen_association: delta:f32
//           | set_attributes: count:v (key:text value_bytes+1:v value | 0:v)*
//           | record_access, record_use, forget_concept, forget_association: nothing
//   text   := bytes:v u8{bytes}       id := u8[16]      v := LEB128      z := LEB128 of a zigzag
//
// head holds the entry_op (4 bits), `named_a`, `named_b` and `several`, which begins a learn_batch
// (W8) of `count` >= 2 entries. An entry's time is told as its distance from the one before, the
// first one's from the batch's. The batch's time is its snapshot's. It covers the `entries` numbers
// up to the record's sequence; those that are not in it failed and changed nothing.

#include "storage/payload_pool.hpp"
#include "storage/records.hpp"
#include "storage/result.hpp"
#include "storage/wal_format.hpp"
#include "storage/write_entry.hpp"

#include <array>
#include <vector>

namespace cmem {

struct wal_batch_head {
  timestamp_us time = 0;
  std::uint32_t entries = 0;
  std::uint32_t groups = 0;
  std::uint32_t kinds = 0;
  std::uint32_t reserved = 0;
};
static_assert(sizeof(wal_batch_head) == 24);
static_assert(std::has_unique_object_representations_v<wal_batch_head>);

struct named_kind {
  kind_id id = 0;
  std::string_view name;
};

/// Bytes that an operation takes in a record, at most.
[[nodiscard]] std::uint64_t encoded_bytes_max(const write_op& o) noexcept;

/// Writes one payload. Threads: one at a time. Throws std::bad_alloc; then it is of no more use.
class wal_batch_encoder {
public:
  /// Into `buffer`, which it empties and whose capacity it uses.
  wal_batch_encoder(const payload_pool& pool, timestamp_us time, std::vector<std::byte> buffer);

  /// Precondition: before the first entry.
  void add(const named_kind& kind);
  /// An entry that was applied and still owns its payloads, with all of its batch.
  void add(const write_entry& first);
  /// Entries that were not applied.
  void skip(std::uint32_t entries) noexcept { head_.entries += entries; }

  [[nodiscard]] std::uint32_t entries() const noexcept { return head_.entries; }
  [[nodiscard]] std::size_t bytes() const noexcept { return out_.size(); }
  [[nodiscard]] std::vector<std::byte> finish() &&;

private:
  void add_entry(const write_entry& e, std::uint32_t count);
  void add_body(const write_entry& e);
  void put(const void* from, std::size_t bytes);
  void put_number(std::uint64_t n);
  void put_text(handle h);
  void put_attributes(handle h);

  const payload_pool* pool_; // const
  wal_batch_head head_;
  timestamp_us last_time_;
  std::vector<std::byte> out_;
};

/// Reads one payload. Believes no length that does not fit what is left, and keeps of it only what
/// one entry needs. Whether the operations are valid is for validate() to say. `corrupt` names the
/// byte of the payload. Threads: one at a time.
class wal_batch_decoder {
public:
  struct entry {
    write_op op;             ///< borrows from the payload, and from the decoder until next()
    timestamp_us time = 0;   ///< the writer's clock
    std::uint32_t count = 1; ///< of a batch that begins here; 1: alone; 0: the batch goes on
  };

  static result<wal_batch_decoder> open(const_bytes payload);

  [[nodiscard]] const wal_batch_head& head() const noexcept { return head_; }
  /// False at the end of the kinds.
  result<bool> next(named_kind& out);
  /// False at the end. Precondition: the kinds are read.
  result<bool> next(entry& out);

private:
  explicit wal_batch_decoder(const_bytes payload) : all_(payload), left_(payload) {}
  failure corrupt(const char* what) const;
  const_bytes take(std::uint64_t bytes) noexcept;
  template <class T>
  T take_as() noexcept;
  std::uint64_t number() noexcept;
  std::string_view text() noexcept;
  write_op body(entry_op what, const concept_ref& a, const concept_ref& b, kind_id kind);
  op::learn_concept concept_body(const concept_ref& a);
  op::set_attributes attributes_body(const concept_ref& a);

  const_bytes all_; // const
  const_bytes left_;
  bool short_ = false; // something did not fit: all that was taken since is of no use
  wal_batch_head head_;
  std::uint32_t kinds_left_ = 0;
  std::uint32_t groups_left_ = 0;
  std::uint32_t members_left_ = 0; // of the batch being read
  std::uint64_t entries_seen_ = 0;
  timestamp_us last_time_ = 0;
  std::vector<float> vector_; // of the last entry; in the payload it lies unaligned
  std::vector<attribute_update> attributes_;
};

} // namespace cmem
