#pragma once
// One part of a text index: documents, a dictionary, and which documents have each term. Immutable.
//
// All of it lies in one run of bytes that holds no address, so that it can be written as it is and
// mapped again. In the order of the bytes:
//   text_part_head
//   columns of documents, in ascending order of concept indices, each packed to the bits it needs
//   blocks:   for every 16 terms the places of the first one in the two below
//   terms:    ascending; (shared:varint size:varint suffix count:varint where)*, where `shared` is
//             what it has in common with the one before (0 for the first of a block), and `where`
//             is document:varint times-1:varint of the only document, else size:varint of its
//             postings
//   postings: for more than 128 documents first (last:u32 end:u32) of every block of 128, then the
//             blocks: width:u8 width:u8, differences of documents, times - 1 (bit_packing.hpp)

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cmem {

/// What terms are for: the first byte of each. In ascending order, as they lie.
enum class term_field : char {
  attribute = 'a',      ///< see attribute_term()
  long_attribute = 'h', ///< the same as a hash
  name = 'n',           ///< a whole name, as it is
  word = 'w',           ///< of content and name, folded
};

/// A concept as it was when it was looked at.
struct text_document {
  std::uint32_t index = 0;
  std::uint32_t words = 0; ///< of content and name

  friend bool operator==(const text_document&, const text_document&) = default;
};

/// Numbers in as many bits as the largest difference from the smallest needs: at most 56.
struct packed_column {
  std::uint64_t base;
  std::uint64_t offset; // in the part; 8 bytes behind it can be read
  std::uint64_t width;
};

struct text_part_head {
  std::uint64_t magic;
  std::uint64_t bytes; ///< of the whole part: a multiple of 16
  std::uint64_t words; ///< of all documents
  std::uint64_t postings;
  std::uint32_t documents;
  std::uint32_t terms;
  packed_column index;
  packed_column words_of;
  std::uint64_t blocks_offset;
  std::uint64_t terms_offset;
  std::uint64_t postings_offset;
  std::uint64_t reserved; // 0
};
static_assert(sizeof(text_part_head) == 120);

struct term_block {
  std::uint64_t term;     // behind terms_offset
  std::uint64_t postings; // behind postings_offset
};

inline constexpr std::uint64_t text_part_magic = 0x3130'5458'4554'4D43; // "CMTEXT01"
inline constexpr std::uint32_t terms_a_block = 16;
inline constexpr std::uint32_t postings_a_block = 128;

/// Who has a term, and how often: see posting_reader.
struct posting_list {
  std::uint32_t count = 0;    ///< of documents; 0: nobody
  std::uint32_t document = 0; ///< the only one, where count is 1 …
  std::uint32_t times = 0;    ///< … and how often it has the term
  const std::byte* packed = nullptr;
};

/// Threads: any; constant.
class text_part {
public:
  static constexpr std::uint32_t none = 0xFFFF'FFFF;

  /// Takes bytes as text_part_writer makes them.
  explicit text_part(std::vector<std::byte> bytes);

  [[nodiscard]] std::uint32_t documents() const noexcept { return head_->documents; }
  [[nodiscard]] std::uint64_t words() const noexcept { return head_->words; }
  [[nodiscard]] std::uint64_t postings() const noexcept { return head_->postings; }
  [[nodiscard]] std::uint32_t terms() const noexcept { return head_->terms; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {at_, head_->bytes}; }

  /// Precondition of these: number < documents().
  [[nodiscard]] std::uint32_t index_of(std::uint32_t number) const noexcept {
    return static_cast<std::uint32_t>(value(head_->index, number));
  }
  [[nodiscard]] std::uint32_t words_of(std::uint32_t number) const noexcept {
    return static_cast<std::uint32_t>(value(head_->words_of, number));
  }
  [[nodiscard]] text_document document(std::uint32_t number) const noexcept;
  /// The document of that concept; `none` if there is none.
  [[nodiscard]] std::uint32_t number_of(std::uint32_t index) const noexcept;
  /// `key` begins with its term_field.
  [[nodiscard]] posting_list find(std::string_view key) const noexcept;

private:
  friend class term_walk;

  [[nodiscard]] std::uint64_t value(const packed_column& c, std::uint32_t number) const noexcept {
    const std::uint64_t bit = std::uint64_t{number} * c.width;
    std::uint64_t word = 0;
    std::memcpy(&word, at_ + c.offset + bit / 8, 8);
    return c.base + (word >> bit % 8 & ((std::uint64_t{1} << c.width) - 1));
  }
  [[nodiscard]] term_block block(std::uint32_t number) const noexcept;
  [[nodiscard]] std::uint32_t blocks() const noexcept {
    return (head_->terms + terms_a_block - 1) / terms_a_block;
  }
  [[nodiscard]] std::string_view first_of(std::uint32_t block) const noexcept;
  /// The last block whose first term is <= key, or the first one.
  [[nodiscard]] std::uint32_t block_for(std::string_view key) const noexcept;

  std::vector<std::byte> owned_;
  const std::byte* at_;
  const text_part_head* head_;
};

/// Goes through the terms of a part in their order. Threads: one a walk; the part is borrowed.
class term_walk {
public:
  /// From the first term that is >= `from` on.
  explicit term_walk(const text_part& part, std::string_view from = {});

  [[nodiscard]] bool done() const noexcept { return left_ == 0; }
  /// Preconditions: not done.
  [[nodiscard]] const std::string& key() const noexcept { return key_; }
  [[nodiscard]] const posting_list& postings() const noexcept { return list_; }
  void next() {
    if (--left_ != 0)
      read();
  }

private:
  void read();

  const std::byte* term_ = nullptr;     // the next one
  const std::byte* postings_ = nullptr; // its
  std::uint32_t left_ = 0;              // terms from the one it stands on
  std::string key_;
  posting_list list_;
};

} // namespace cmem
