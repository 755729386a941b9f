#pragma once
// Making parts of a text index: from documents, or from terms that come in order (a merge).

#include "storage/graph_snapshot.hpp"
#include "storage/text_part.hpp"
#include "storage/text_postings.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cmem {

/// Puts a part together. Threads: one at a time. A part holds at most 2^32 - 2 documents, and at
/// most 4 GiB of postings for one term.
class text_part_writer {
public:
  /// Ascending indices. All of them before the first term.
  void add_document(const text_document& d) { documents_.push_back(d); }
  [[nodiscard]] std::uint32_t documents() const noexcept {
    return static_cast<std::uint32_t>(documents_.size());
  }
  /// Ascending keys; ascending documents, at least one, each has the term.
  void add_term(std::string_view key, std::span<const posting> list);
  /// The part; the writer is empty again.
  [[nodiscard]] std::shared_ptr<const text_part> finish();

private:
  std::vector<text_document> documents_;
  std::vector<term_block> blocks_;
  std::vector<std::byte> terms_;
  std::vector<std::byte> postings_;
  std::string last_key_;
  std::uint32_t term_count_ = 0;
  std::uint64_t posting_count_ = 0;
};

/// What a part is made of.
enum class text_fields : std::uint8_t {
  all,
  attributes, ///< alone: what has none is no document
};

/// Makes a part of concepts. Threads: one at a time.
class text_part_builder {
public:
  explicit text_part_builder(text_fields fields = text_fields::all) noexcept : fields_(fields) {}

  /// Adds a learned concept of a snapshot. Ascending indices.
  void add(const graph_snapshot& s, std::uint32_t index);
  [[nodiscard]] std::size_t documents() const noexcept { return documents_.size(); }
  /// Postings so far: 12 bytes each until finish().
  [[nodiscard]] std::size_t postings() const noexcept { return postings_.size(); }
  [[nodiscard]] std::shared_ptr<const text_part> finish();

private:
  struct term {
    std::size_t key; // in keys_
    std::uint32_t key_bytes;
    std::uint32_t hash;
    std::uint32_t count;      // of documents
    std::uint32_t last;       // document + 1
    std::size_t last_posting; // of it
  };
  struct occurrence {
    std::uint32_t term;
    posting what;
  };

  void count_words(const concept_view& c);
  void count_word(std::string_view word);
  void count_term(std::string_view key);
  std::uint32_t term_for(std::string_view key);
  void grow();

  text_fields fields_; // const
  std::vector<text_document> documents_;
  std::vector<term> terms_;
  std::vector<char> keys_;
  std::vector<std::uint32_t> slots_; // term + 1, by hash; a power of two
  std::vector<occurrence> postings_; // in the order of documents
  std::string key_;
};

/// The term that stands for an attribute: both texts where they are short, else a hash, so that
/// concepts with that term have to be looked at (term_field::long_attribute).
[[nodiscard]] std::string attribute_term(std::string_view key, std::string_view value);

} // namespace cmem
