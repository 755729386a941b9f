#pragma once
// A generation of the text index: parts, and which of their documents count no more.

#include "storage/text_part.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace cmem {

/// Documents of a part that were replaced or forgotten. Generations share pages of bits.
/// Threads: any; what was made is never written again.
class dead_documents {
public:
  static constexpr std::uint32_t page_documents = 4096;
  using page = std::array<std::uint64_t, page_documents / 64>;

  /// None of a part of so many.
  explicit dead_documents(std::uint32_t documents = 0)
    : pages_((documents + page_documents - 1) / page_documents) {}

  /// These and others: ascending numbers, none of them dead so far.
  [[nodiscard]] dead_documents with(std::span<const std::uint32_t> others) const;

  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
  [[nodiscard]] bool test(std::uint32_t number) const noexcept {
    const page* p = at(number / page_documents);
    return p != nullptr && test(*p, number);
  }
  [[nodiscard]] static bool test(const page& p, std::uint32_t number) noexcept {
    return (p[number % page_documents / 64] >> number % 64 & 1) != 0;
  }
  [[nodiscard]] std::size_t pages() const noexcept { return pages_.size(); }
  /// nullptr: all of them live. Precondition: i < pages().
  [[nodiscard]] const page* at(std::size_t i) const noexcept { return pages_[i].get(); }
  [[nodiscard]] std::size_t bytes() const noexcept;

private:
  std::vector<std::shared_ptr<const page>> pages_;
  std::uint32_t count_ = 0;
};

/// Words, names and attributes of the learned concepts of one snapshot. Parts are immutable, and
/// later generations share them; at any time a concept has at most one document that is not dead.
/// Made by text_indexer. Threads: any; constant.
class text_index {
public:
  struct piece {
    std::shared_ptr<const text_part> part;
    dead_documents dead;

    [[nodiscard]] std::uint32_t live() const noexcept { return part->documents() - dead.count(); }
  };
  struct place {
    std::uint32_t piece = 0;
    std::uint32_t number = 0; ///< of the document in the part
  };

  text_index() = default;
  /// `words` of all documents that live.
  text_index(std::vector<piece> pieces, std::uint64_t words);

  /// Larger ones come first.
  [[nodiscard]] std::span<const piece> pieces() const noexcept { return pieces_; }
  [[nodiscard]] std::uint64_t documents() const noexcept { return documents_; } ///< that live
  [[nodiscard]] std::uint64_t words() const noexcept { return words_; }         ///< of those
  /// The document of a concept that lives.
  [[nodiscard]] std::optional<place> locate(std::uint32_t index) const noexcept;
  /// Memory it takes, what it shares with other generations included.
  [[nodiscard]] std::size_t bytes() const noexcept;

private:
  std::vector<piece> pieces_;
  std::uint64_t documents_ = 0;
  std::uint64_t words_ = 0;
};

} // namespace cmem
