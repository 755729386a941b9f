#include "tools/wordnet.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

namespace cmem::tools {

namespace {

struct data_file {
  char letter;
  std::string_view name;
  std::string_view types; // the ss_type letters that its lines may have
};

constexpr std::array<data_file, 4> data_files{{
  {'n', "data.noun", "n"},
  {'v', "data.verb", "v"},
  {'a', "data.adj", "as"},
  {'r', "data.adv", "r"},
}};

// A pointer whose target is still an offset: the other file may not have been read yet.
struct raw_pointer {
  std::uint32_t source;
  std::uint32_t target_offset;
  std::uint8_t target_file; // index into data_files
  std::uint8_t kind;
  std::uint32_t line;
};

// What one file held.
struct file_contents {
  std::string path;
  std::uint32_t first_synset = 0;     // index of its first synset
  std::vector<std::uint32_t> offsets; // of its synsets, ascending
  std::vector<raw_pointer> pointers;
};

std::optional<std::uint8_t> file_of(char type) {
  for (std::size_t i = 0; i < data_files.size(); ++i)
    if (data_files[i].types.find(type) != std::string_view::npos)
      return static_cast<std::uint8_t>(i);
  return std::nullopt;
}

std::optional<std::uint8_t> kind_of(std::string_view symbol) {
  for (std::size_t i = 0; i < wordnet_kinds.size(); ++i)
    if (wordnet_kinds[i].symbol == symbol)
      return static_cast<std::uint8_t>(i);
  return std::nullopt;
}

// Takes a line apart, field by field. The first error sticks and everything after it reads as
// zero, so that callers check once.
class field_reader {
public:
  explicit field_reader(std::string_view line) : rest_(line) {}

  bool ok() const { return error_.empty(); }
  const std::string& error() const { return error_; }
  void fail(std::string what) {
    if (ok())
      error_ = std::move(what);
  }

  std::string_view text(std::string_view field) {
    const auto end = std::min(rest_.find(' '), rest_.size());
    const auto value = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (value.empty())
      fail("no " + std::string{field});
    return ok() ? value : std::string_view{};
  }

  std::uint32_t number(std::string_view field, std::size_t digits, int base = 10) {
    const auto value = text(field);
    std::uint32_t parsed = 0;
    const auto [end, code] =
      std::from_chars(value.data(), value.data() + value.size(), parsed, base);
    if (code != std::errc{} || end != value.data() + value.size() || value.size() != digits)
      fail(std::string{field} + " `" + std::string{value} + "` is not " + std::to_string(digits)
           + (base == 16 ? " hexadecimal digits" : " digits"));
    return ok() ? parsed : 0;
  }

  char letter(std::string_view field) {
    const auto value = text(field);
    if (value.size() != 1)
      fail(std::string{field} + " `" + std::string{value} + "` is not one letter");
    return ok() ? value.front() : '\0';
  }

  std::string_view rest() const { return rest_; }

private:
  std::string_view rest_;
  std::string error_;
};

// "galore(ip)" -> "galore", "take_a_breath" -> "take a breath"
std::string spell(std::string_view word) {
  if (word.ends_with(')'))
    word = word.substr(0, word.rfind('('));
  std::string spelled{word};
  std::replace(spelled.begin(), spelled.end(), '_', ' ');
  return spelled;
}

std::string_view trim_end(std::string_view text) {
  while (text.ends_with(' '))
    text.remove_suffix(1);
  return text;
}

void read_words(field_reader& in, synset& into) {
  const auto count = in.number("word count", 2, 16);
  if (count == 0)
    in.fail("a synset without words");
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    into.words.push_back(spell(in.text("word")));
    if (in.ok() && into.words.back().empty())
      in.fail("a word without letters");
    in.number("lex_id", 1, 16);
  }
}

void read_pointers(field_reader& in, const raw_pointer& prototype, std::vector<raw_pointer>& into) {
  const auto first = static_cast<std::ptrdiff_t>(into.size());
  const auto count = in.number("pointer count", 3);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    auto pointer = prototype;
    const auto symbol = in.text("pointer symbol");
    pointer.target_offset = in.number("pointer offset", 8);
    const auto type = in.letter("pointer part of speech");
    in.number("pointer words", 4, 16);
    const auto kind = kind_of(symbol);
    const auto file = file_of(type);
    if (!kind)
      in.fail("unknown pointer symbol `" + std::string{symbol} + "`");
    if (!file)
      in.fail("unknown part of speech `" + std::string{type} + "`");
    if (!in.ok())
      return;
    pointer.kind = *kind;
    pointer.target_file = *file;
    // Several words of one synset may point the same way: one association.
    const bool known = std::any_of(into.begin() + first, into.end(), [&](const auto& other) {
      return other.kind == pointer.kind && other.target_file == pointer.target_file
             && other.target_offset == pointer.target_offset;
    });
    if (!known)
      into.push_back(pointer);
  }
}

// Sentence frames of verbs say nothing that the graph keeps: checked and passed over.
void skip_frames(field_reader& in) {
  const auto count = in.number("frame count", 2);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    if (in.text("frame mark") != "+")
      in.fail("a frame that does not begin with `+`");
    in.number("frame number", 2);
    in.number("frame word", 2, 16);
  }
}

// One line. `position` is where it begins in its file, which is also the name of its synset.
std::string read_synset(std::string_view line, std::size_t position, std::uint32_t line_number,
                        const data_file& file, file_contents& contents, wordnet& into) {
  field_reader in{line};
  synset made;
  const auto offset = in.number("offset", 8);
  in.number("lexicographer file", 2);
  const auto type = in.letter("synset type");
  if (in.ok() && offset != position)
    in.fail("the offset says " + std::to_string(offset) + ", but the line begins at byte "
            + std::to_string(position));
  if (file.types.find(type) == std::string_view::npos)
    in.fail("synset type `" + std::string{type} + "` does not belong into this file");
  read_words(in, made);
  const raw_pointer prototype{static_cast<std::uint32_t>(into.synsets.size()), 0, 0, 0,
                              line_number};
  read_pointers(in, prototype, contents.pointers);
  if (file.letter == 'v')
    skip_frames(in);
  if (in.text("gloss mark") != "|")
    in.fail("no `|` before the gloss");
  if (!in.ok())
    return in.error();
  made.name = file.letter + std::string{line.substr(0, 8)};
  made.gloss = trim_end(in.rest());
  contents.offsets.push_back(offset);
  into.synsets.push_back(std::move(made));
  return {};
}

failure malformed(const std::string& path, std::size_t line, const std::string& what) {
  return {errc::parse_error, path + ":" + std::to_string(line) + ": " + what};
}

result<void> read_file(const data_file& file, file_contents& contents, wordnet& into) {
  errno = 0;
  std::ifstream stream{contents.path, std::ios::binary};
  std::ostringstream buffer;
  // An empty file sets the fail bit too; what it lacks is said below.
  if (!stream || (!(buffer << stream.rdbuf()) && errno != 0)) {
    const auto cause = errno != 0 ? std::strerror(errno) : "unreadable";
    return failure{errc::io_error, "cannot read " + contents.path + ": " + cause
                                     + "; install Debian's package wordnet-base "
                                       "(apt-get install wordnet-base) or name another folder"};
  }
  const auto text = std::move(buffer).str();
  contents.first_synset = static_cast<std::uint32_t>(into.synsets.size());
  std::uint32_t line_number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    ++line_number;
    const auto end = text.find('\n', begin);
    if (end == std::string::npos)
      return malformed(contents.path, line_number, "the file ends within a line");
    const auto line = std::string_view{text}.substr(begin, end - begin);
    const bool licence = line.starts_with("  ") && contents.offsets.empty();
    if (!licence) {
      const auto error = read_synset(line, begin, line_number, file, contents, into);
      if (!error.empty())
        return malformed(contents.path, line_number, error);
    }
    begin = end + 1;
  }
  if (contents.offsets.empty())
    return malformed(contents.path, line_number, "a file without synsets");
  return {};
}

} // namespace

result<wordnet> read_wordnet(const std::filesystem::path& folder) {
  wordnet made;
  std::array<file_contents, data_files.size()> files;
  for (std::size_t i = 0; i < files.size(); ++i) {
    files[i].path = (folder / data_files[i].name).string();
    if (const auto read = read_file(data_files[i], files[i], made); !read)
      return read.error();
  }
  for (const auto& file : files) {
    for (const auto& pointer : file.pointers) {
      const auto& there = files[pointer.target_file];
      const auto found =
        std::lower_bound(there.offsets.begin(), there.offsets.end(), pointer.target_offset);
      if (found == there.offsets.end() || *found != pointer.target_offset)
        return malformed(file.path, pointer.line,
                         "a pointer to offset " + std::to_string(pointer.target_offset) + " of "
                           + there.path + ", where no synset begins");
      const auto index = static_cast<std::uint32_t>(found - there.offsets.begin());
      made.pointers.push_back({pointer.source, there.first_synset + index, pointer.kind});
    }
  }
  return made;
}

} // namespace cmem::tools
