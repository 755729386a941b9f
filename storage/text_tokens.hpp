#pragma once
// The words of a text, as SQLite's full-text search FTS5 has them by default (tokenizer unicode61,
// remove_diacritics = 1).

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cmem {

/// Words of the first so many bytes of a text count: all of any content.
inline constexpr std::size_t text_bytes_max = std::size_t{1} << 20;
/// Longer words count as what fits into so many bytes: whole characters. (FTS5: 32,768.)
inline constexpr std::size_t word_bytes_max = 255;

/// Reads the words of a text one by one. A word is a longest run of letters, digits and characters
/// of private use (Unicode's categories L*, N*, Co), with the combining marks in between, in lower
/// case: each character as simple case folding has it, without a diacritic where what is left is a
/// letter of ASCII ("É" is "e"; "ộ", which has two, stays), and without combining marks. There is
/// no stemming, no list of words to leave out, and no splitting of scripts that put no blanks.
/// Text that is no valid UTF-8, or holds a NUL, is binary: it has no words, wherever that is in its
/// first text_bytes_max bytes. Differs from FTS5 in characters that Unicode 6.1 did not have, which
/// SQLite 3.40 takes for letters without case, and in the 21 signs of New Tai Lue that have become
/// letters since (utf8proc knows a later version).
/// Allocates nothing. Threads: one a reader; the text is borrowed.
class word_reader {
public:
  explicit word_reader(std::string_view text) noexcept;

  /// The next word, false at the end. It is good until the next call, and never empty.
  bool next(std::string_view& word) noexcept;

private:
  bool next_folded(std::string_view& word, const char* begin) noexcept;

  const char* at_;
  const char* end_;
  std::array<char, word_bytes_max + 1> folded_; // the word, where it is not written as it counts
};

/// What of a text counts: its first text_bytes_max bytes, up to a whole character, or nothing where
/// it is binary.
[[nodiscard]] std::string_view indexed_text(std::string_view text) noexcept;

/// The character that begins there in valid UTF-8; moves `at` behind it.
[[nodiscard]] char32_t next_character(const char*& at) noexcept;

} // namespace cmem
