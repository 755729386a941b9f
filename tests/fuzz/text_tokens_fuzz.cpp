// Any bytes as text: words are valid, short enough, and words again when they are read.

#include "storage/text_tokens.hpp"
#include "tests/fuzz/input.hpp"

#include <vector>

using namespace cmem;
using cmem::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Of their own: a byte too far is seen by the address sanitizer.
  const std::vector<char> text(data, data + size);
  const std::string_view all(text.data(), text.size());
  const std::string_view counts = indexed_text(all);
  require(counts.empty() || counts.size() == all.size(), "all or nothing");
  std::size_t characters = 0;
  for (const char* at = counts.data(); at != counts.data() + counts.size(); ++characters) {
    const char32_t c = next_character(at);
    require(c != 0 && c < 0x110000 && (c < 0xD800 || c > 0xDFFF), "characters of Unicode");
  }
  word_reader reader(all);
  std::size_t words = 0;
  for (std::string_view word; reader.next(word); ++words) {
    require(!word.empty() && word.size() <= word_bytes_max, "neither empty nor too long");
    require(indexed_text(word).size() == word.size(), "valid");
    const std::vector<char> copy(word.begin(), word.end());
    word_reader again({copy.data(), copy.size()});
    std::string_view same;
    require(again.next(same) && same == std::string_view(copy.data(), copy.size()),
            "the same word when it is read again");
    require(!again.next(same), "one word");
  }
  require(words <= characters, "a character at least for each");
  return 0;
}
