#pragma once
// Reading and writing the documents of a term: blocks of 128, the numbers packed to the bits that
// each block needs.

#include "storage/bit_packing.hpp"
#include "storage/text_part.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cmem {

struct posting {
  std::uint32_t document = 0; ///< its number in the part
  std::uint32_t times = 0;    ///< that it has the term

  friend bool operator==(const posting&, const posting&) = default;
};

/// Appends what posting_list::packed leads to. Precondition: ascending documents, two or more, each
/// has the term.
void pack_postings(std::span<const posting> all, std::vector<std::byte>& to);

/// Goes through the documents of a term, block by block, upwards. Numbers are unpacked when they
/// are asked for. Threads: one a reader; the part is borrowed.
class posting_reader {
public:
  posting_reader() = default;
  explicit posting_reader(const posting_list& list) noexcept { open(list); }
  /// Starts before the first block.
  void open(const posting_list& list) noexcept;

  /// Goes to the next block, false at the end.
  bool next_block() noexcept;
  /// Goes to the first block that may have a document >= `document`: stays, or skips blocks without
  /// reading them. False at the end. Precondition: on a block.
  bool skip_to(std::uint32_t document) noexcept;

  // Preconditions of these: on a block.
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  /// Documents of the block lie in (before(), last()]: known without unpacking, where last_known().
  [[nodiscard]] std::uint32_t before() const noexcept { return before_; } ///< ~0 first of all
  [[nodiscard]] bool last_known() const noexcept { return has_table(); }
  [[nodiscard]] std::uint32_t last() const noexcept;
  [[nodiscard]] std::span<const std::uint32_t> documents() noexcept;
  [[nodiscard]] std::span<const std::uint32_t> times() noexcept;

private:
  struct table_entry {
    std::uint32_t last;
    std::uint32_t end; // of the block, behind the table
  };
  friend void pack_postings(std::span<const posting> all, std::vector<std::byte>& to);

  [[nodiscard]] bool has_table() const noexcept { return list_.count > postings_a_block; }
  [[nodiscard]] table_entry entry(std::uint32_t block) const noexcept;
  void enter(std::uint32_t block) noexcept;

  posting_list list_;
  std::uint32_t blocks_ = 0;
  std::uint32_t block_ = 0; // this one + 1; 0: before the first
  std::uint32_t size_ = 0;
  std::uint32_t before_ = 0;
  const std::byte* data_ = nullptr; // of this block
  bool documents_unpacked_ = false;
  bool times_unpacked_ = false;
  std::array<std::uint32_t, postings_a_block + unpack_slack> documents_;
  std::array<std::uint32_t, postings_a_block + unpack_slack> times_;
};

} // namespace cmem
