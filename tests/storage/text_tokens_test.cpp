#include "storage/text_tokens.hpp"

#include "tests/catch.hpp"

#include <random>
#include <string>

using namespace cmem;

namespace {

std::string words(std::string_view text) {
  std::string all;
  word_reader reader(text);
  for (std::string_view word; reader.next(word);)
    all += (all.empty() ? "" : "|") + std::string(word);
  return all;
}

std::string encoded(char32_t c) {
  std::string s;
  const auto put = [&s](char32_t byte) { s += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
  return s;
}

} // namespace

TEST_CASE("Words of plain text") {
  CHECK(words("").empty());
  CHECK(words(" .,;-_\t\n").empty());
  CHECK(words("a") == "a");
  CHECK(words("The quick brown fox") == "the|quick|brown|fox");
  CHECK(words("it's a well-known 42nd e-mail_address@host.org.")
        == "it|s|a|well|known|42nd|e|mail|address|host|org");
  CHECK(words("UPPER lower MiXeD x1Y2") == "upper|lower|mixed|x1y2");
}

// As SQLite 3.40 answers: the table fts5vocab of a table with one row of this text.
TEST_CASE("Words of other scripts are those of FTS5") {
  CHECK(words("Ünïcödé CAFÉ naïve") == "unicode|cafe|naive");
  CHECK(words("e\u0301tude \u0301 x") == "etude|x");    // marks of their own
  CHECK(words("a\u0305b") == "a|b");                    // no mark of letters
  CHECK(words("\u1ED9 \u1E69") == "\u1ED9|\u1E69");     // two diacritics stay
  CHECK(words("Straße STRASSE") == "straße|strasse");   // simple folding alone
  CHECK(words("ΣΊΣΥΦΟΣ Σίσυφος") == "σίσυφοσ|σίσυφοσ"); // final sigma; no letter of ASCII
  CHECK(words("ПРИВЕТ, Мир") == "привет|мир");
  CHECK(words("İstanbul ısı") == "istanbul|ısı");
  CHECK(words("\u212Aelvin \u00B5m") == "kelvin|\u03BCm");
  CHECK(words("日本語、テキスト。") == "日本語|テキスト");
  CHECK(words("\u0967\u0968 \u2160x \u00BD") == "\u0967\u0968|\u2170x|\u00BD"); // Nd, Nl, No
  CHECK(words("\U00010400\U00010427") == "\U00010428\U0001044F");
  CHECK(words("x\uE000y\U0010FFFDz") == "x\uE000y\U0010FFFDz"); // private use
  CHECK(words("a\u2014b\u00A0c\u200Bd\u20ACe\U0001F600f") == "a|b|c|d|e|f");
}

TEST_CASE("Binary text has no words") {
  using namespace std::string_literals;
  for (const std::string& bad : {"a\0b"s, "\xFF"s, "\xC3"s, "\x80"s, "\xC0\x80"s, "\xED\xA0\x80"s,
                                 "\xF4\x90\x80\x80"s, "\xE2\x82"s, "\xF8\x88\x80\x80\x80"s}) {
    CHECK(words(bad).empty());
    CHECK(words("some words before " + bad).empty());
    CHECK(words(bad + " some words behind").empty());
    CHECK(words("eight of them are read at once: " + bad + " is found all the same").empty());
  }
}

TEST_CASE("Long words are cut to whole characters") {
  const std::string most(word_bytes_max, 'a');
  CHECK(words(most) == most);
  CHECK(words(most + "b c") == most + "|c");
  CHECK(words(std::string(5000, 'A') + " c") == most + "|c");
  std::string umlauts;
  for (int i = 0; i < 300; ++i)
    umlauts += "ж";
  CHECK(words(umlauts + " c") == umlauts.substr(0, 254) + "|c");
  CHECK(words(most.substr(1) + "жb c") == most.substr(1) + "|c"); // nothing behind what is too much
  CHECK(words(most + "ж c") == most + "|c");
}

TEST_CASE("Only the beginning of a very long text counts") {
  std::string text;
  while (text.size() + 5 <= text_bytes_max)
    text += "word ";
  text.resize(text_bytes_max, ' ');
  CHECK(indexed_text(text).size() == text.size());
  text.back() = 'x';
  CHECK(words(text).ends_with("word|x"));
  CHECK(words(text + "more \xFF").ends_with("word|x"));
  for (const std::string c : {"é", "日", "\U0001F600"})
    for (std::size_t cut = 1; cut < c.size(); ++cut) {
      const std::string over = text.substr(0, text_bytes_max - cut) + c + " more";
      REQUIRE(indexed_text(over).size() == text_bytes_max - cut);
    }
}

TEST_CASE("Characters are read as they were written") {
  for (char32_t c = 1; c < 0x110000; c += c < 0x3000 ? 1 : 7) {
    if (c >= 0xD800 && c < 0xE000)
      continue;
    const std::string s = encoded(c);
    const char* at = s.data();
    REQUIRE(next_character(at) == c);
    REQUIRE(at == s.data() + s.size());
    REQUIRE(indexed_text(s).size() == s.size());
  }
}

TEST_CASE("Words are words: read again they are the same") {
  std::mt19937 random(5);
  const auto below = [&](unsigned bound) { return static_cast<char32_t>(random() % bound); };
  for (std::size_t round = 0; round < test::sweep(2000); ++round) {
    std::string text;
    for (int i = 0; i < 30; ++i) {
      char32_t c = 0;
      switch (below(6)) {
        case 0: c = 1 + below(0x7F); break;
        case 1: c = 0x80 + below(0x380); break;
        case 2: c = 0x300 + below(0x32); break;
        case 3: c = 0x1E00 + below(0x100); break;
        case 4: c = 1 + below(0xD7FF); break;
        default: c = 0xE000 + below(0x101FFF); break;
      }
      text += encoded(c);
    }
    const std::string once = words(text);
    const std::string twice = words(once);
    // Folding what is folded changes nothing, with the bars that words() puts as separators.
    if (once != twice)
      FAIL("'" << text << "' has " << once << ", which has " << twice);
  }
}
