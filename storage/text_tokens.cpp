#include "storage/text_tokens.hpp"

#include <algorithm>
#include <cstring>
#include <utf8proc.h>

namespace cmem {

namespace {

// For each byte: 0 no part of a word, 1 part of one as it stands, 2 to be looked at.
constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> all{};
  for (std::size_t c = 0; c != 256; ++c)
    all[c] = c >= 0x80 || (c >= 'A' && c <= 'Z')                ? 2
             : (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? 1
                                                                : 0;
  return all;
}
constexpr std::array<std::uint8_t, 256> classes = make_classes();

std::uint8_t class_of(char c) noexcept { return classes[static_cast<unsigned char>(c)]; }
bool is_ascii(char32_t c) noexcept { return c < 0x80; }

bool is_letter_or_number(char32_t c) noexcept {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
    case UTF8PROC_CATEGORY_CO: return true;
    default: return false;
  }
}

// The marks that go within words and do not count there: those of U+0300 to U+0331 that letters of
// ASCII have in some composed character.
bool is_mark(char32_t c) noexcept {
  constexpr std::uint64_t marks = 0x0003'61F8'0802'9FDFU;
  return c >= 0x300 && c <= 0x331 && (marks >> (c - 0x300) & 1) != 0;
}

// Simple case folding: full folding where that is one character, else lower case.
char32_t folded_case(char32_t c) noexcept {
  std::array<utf8proc_int32_t, 8> to{};
  int last_class = 0;
  const auto n = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), to.data(), to.size(),
                                         UTF8PROC_CASEFOLD, &last_class);
  return static_cast<char32_t>(n == 1 ? to[0] : utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
}

// A letter of ASCII with one mark loses it.
char32_t without_diacritic(char32_t c) noexcept {
  std::array<utf8proc_int32_t, 8> to{};
  int last_class = 0;
  const auto n = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), to.data(), to.size(),
                                         UTF8PROC_DECOMPOSE, &last_class);
  const auto base = static_cast<char32_t>(to[0]);
  const bool letter = (base >= 'a' && base <= 'z') || (base >= 'A' && base <= 'Z');
  return n == 2 && letter ? base | 0x20U : c;
}

char32_t folded(char32_t c) noexcept {
  if (is_ascii(c))
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
  return without_diacritic(folded_case(c));
}

std::size_t write(char32_t c, char* to) noexcept {
  return static_cast<std::size_t>(utf8proc_encode_char(static_cast<utf8proc_int32_t>(c),
                                                       reinterpret_cast<utf8proc_uint8_t*>(to)));
}

/// Behind the valid characters other than NUL that `at` begins with.
const char* valid_until(const char* at, const char* end) noexcept {
  while (at != end) {
    std::uint64_t eight = 0;
    if (end - at >= 8) {
      std::memcpy(&eight, at, 8);
      constexpr std::uint64_t ones = 0x0101010101010101U;
      // No byte has its highest bit, and none is 0: then taking 1 from each sets none.
      if (((eight | (eight - ones)) & (ones << 7)) == 0) {
        at += 8;
        continue;
      }
    }
    if (*at == '\0')
      return at;
    utf8proc_int32_t c = 0;
    const auto bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(at),
                                        static_cast<utf8proc_ssize_t>(end - at), &c);
    if (bytes <= 0)
      return at;
    at += bytes;
  }
  return at;
}

} // namespace

char32_t next_character(const char*& at) noexcept {
  const auto byte = [&at] { return static_cast<char32_t>(static_cast<unsigned char>(*at++)); };
  char32_t c = byte();
  if (c < 0x80)
    return c;
  std::uint32_t more = c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
  for (c &= 0x3FU >> more; more != 0; --more)
    c = c << 6 | (byte() & 0x3F);
  return c;
}

std::string_view indexed_text(std::string_view text) noexcept {
  const bool cut = text.size() > text_bytes_max;
  if (cut) {
    std::size_t bytes = text_bytes_max;
    for (int i = 0; i != 3 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80; ++i)
      --bytes;
    text = text.substr(0, bytes);
  }
  const char* end = text.data() + text.size();
  return valid_until(text.data(), end) == end ? text : std::string_view();
}

word_reader::word_reader(std::string_view text) noexcept {
  text = indexed_text(text);
  at_ = text.data();
  end_ = at_ + text.size();
}

bool word_reader::next(std::string_view& word) noexcept {
  while (true) {
    while (at_ != end_ && class_of(*at_) == 0)
      ++at_;
    if (at_ == end_)
      return false;
    const char* const begin = at_;
    while (at_ != end_ && class_of(*at_) == 1)
      ++at_;
    if (at_ == end_ || class_of(*at_) == 0) {
      word = {begin, std::min(static_cast<std::size_t>(at_ - begin), word_bytes_max)};
      return true;
    }
    if (next_folded(word, begin))
      return true;
  }
}

// Goes on where the word is no longer written as it counts, or no word begins at all.
bool word_reader::next_folded(std::string_view& word, const char* begin) noexcept {
  auto size = std::min(static_cast<std::size_t>(at_ - begin), word_bytes_max);
  std::copy_n(begin, size, folded_.data());
  bool full = at_ - begin > static_cast<std::ptrdiff_t>(word_bytes_max);
  bool started = at_ != begin;
  while (at_ != end_) {
    const char* after = at_;
    const char32_t c = next_character(after);
    if (is_ascii(c) && classes[c] == 0)
      break;
    if (!is_ascii(c) && !is_letter_or_number(c)) {
      if (!is_mark(c) || !started) {
        if (!started)
          at_ = after;
        break;
      }
      at_ = after;
      continue;
    }
    at_ = after;
    started = true;
    std::array<char, 4> bytes{};
    const std::size_t n = write(folded(c), bytes.data());
    full = full || size + n > word_bytes_max;
    if (!full) {
      std::copy_n(bytes.data(), n, folded_.data() + size);
      size += n;
    }
  }
  word = {folded_.data(), size};
  return size != 0;
}

} // namespace cmem
