#include "tools/wordnet.hpp"

#include "tests/catch.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <unistd.h>

using namespace cmem;
using namespace cmem::tools;

namespace fs = std::filesystem;

namespace {

// A second reader that shares nothing with the first: splits lines at blanks and counts fields.
struct independent_count {
  std::size_t synsets = 0;
  std::size_t pointers_with_repeats = 0;
  std::set<std::string> pointers; // "n00001740 ~ n00001930"

  independent_count() {
    for (const std::string file : {"noun", "verb", "adj", "adv"}) {
      std::ifstream in{"/usr/share/wordnet/data." + file};
      REQUIRE(in);
      const std::string letter = file == "adv" ? "r" : file.substr(0, 1);
      for (std::string line; std::getline(in, line);)
        if (line[0] != ' ')
          add(letter, line);
    }
  }

  void add(const std::string& letter, const std::string& line) {
    ++synsets;
    std::istringstream split{line};
    std::vector<std::string> fields;
    for (std::string field; fields.size() < 5000 && split >> field && field != "|";)
      fields.push_back(field);
    auto at = 4 + 2 * std::stoul(fields.at(3), nullptr, 16);
    const auto count = std::stoul(fields.at(at++));
    for (std::size_t i = 0; i < count; ++i, at += 4) {
      const auto target = fields.at(at + 2) == "s" ? "a" : fields.at(at + 2);
      pointers.insert(letter + fields[0] + " " + fields.at(at) + " " + target + fields.at(at + 1));
      ++pointers_with_repeats;
    }
  }
};

// A database of a few lines in a folder of its own. Lines are given without their offsets.
class small_wordnet {
public:
  small_wordnet()
    : folder_(fs::temp_directory_path() / ("wordnet_test_" + std::to_string(getpid()))) {
    fs::create_directory(folder_);
    write("noun", {"03 n 01 entity 0 000 | that which is  "});
    write("verb", {"29 v 02 breathe 0 take_a_breath 0 000 02 + 02 00 + 08 01 | draw air"});
    write("adj", {"44 s 01 galore(ip) 0 001 ! 00000000 n 0101 | in great numbers"});
    write("adv", {"02 r 01 a_cappella 0 000 | without accompaniment"});
  }
  ~small_wordnet() { fs::remove_all(folder_); }

  void write(const std::string& file, const std::vector<std::string>& lines) {
    std::ostringstream text;
    for (const auto& line : lines) {
      char offset[16];
      std::snprintf(offset, sizeof offset, "%08d ", static_cast<int>(text.tellp()));
      text << offset << line << "\n";
    }
    write_raw(file, text.str());
  }
  void write_raw(const std::string& file, const std::string& text) {
    std::ofstream{folder_ / ("data." + file), std::ios::binary} << text;
  }
  void make_folder(const std::string& file) { fs::create_directory(folder_ / ("data." + file)); }
  void remove(const std::string& file) { fs::remove(folder_ / ("data." + file)); }

  // What reading says, with the folder's name taken out.
  std::string read() {
    auto read = read_wordnet(folder_);
    if (read)
      return describe(*read);
    auto text = to_string(read.error());
    for (std::size_t at; (at = text.find(folder_.string())) != std::string::npos;)
      text.erase(at, folder_.string().size() + 1);
    return text;
  }
  std::string read_noun(const std::string& line) {
    write("noun", {line});
    return read();
  }

private:
  static std::string describe(const wordnet& net) {
    std::string text;
    for (const auto& set : net.synsets) {
      text += set.name + " =";
      for (const auto& word : set.words)
        text += " [" + word + "]";
      text += " " + set.gloss + "\n";
    }
    for (const auto& pointer : net.pointers)
      text += net.synsets[pointer.source].name + " " + std::string{wordnet_kinds[pointer.kind].name}
              + " " + net.synsets[pointer.target].name + "\n";
    return text;
  }

  fs::path folder_;
};

const std::string noun = "parse_error: data.noun:1: ";

} // namespace

TEST_CASE("all of WordNet 3.0 is read, each distinct pointer once") {
  const auto net = read_wordnet();
  INFO((net ? std::string{} : net.error().detail));
  REQUIRE(net);
  const independent_count expected;

  CHECK(expected.synsets == 117'659);
  CHECK(expected.pointers.size() == 364'552);
  CHECK(expected.pointers_with_repeats > expected.pointers.size());
  CHECK(net->synsets.size() == expected.synsets);
  CHECK(net->pointers.size() == expected.pointers.size());

  std::set<std::string> seen;
  std::set<std::uint8_t> kinds;
  for (const auto& pointer : net->pointers) {
    kinds.insert(pointer.kind);
    seen.insert(net->synsets[pointer.source].name + " "
                + std::string{wordnet_kinds[pointer.kind].symbol} + " "
                + net->synsets[pointer.target].name);
  }
  CHECK(seen == expected.pointers);
  CHECK(kinds.size() == 26);

  CHECK(std::is_sorted(net->pointers.begin(), net->pointers.end(),
                       [](const auto& a, const auto& b) { return a.source < b.source; }));
}

TEST_CASE("synsets carry name, words and gloss") {
  const auto net = read_wordnet();
  REQUIRE(net);
  std::map<std::string, const synset*> by_name;
  for (const auto& set : net->synsets)
    by_name[set.name] = &set;
  REQUIRE(by_name.size() == net->synsets.size());

  const auto& dog = *by_name.at("n02084071");
  CHECK(dog.words == std::vector<std::string>{"dog", "domestic dog", "Canis familiaris"});
  CHECK_THAT(dog.gloss, Catch::Matchers::ContainsSubstring("genus Canis"));
  CHECK(by_name.at("v00001740")->words.at(1) == "take a breath");
  CHECK(by_name.at("a00014358")->words == std::vector<std::string>{"abounding", "galore"});
  CHECK(std::all_of(net->synsets.begin(), net->synsets.end(), [](const synset& set) {
    return !set.gloss.empty() && set.gloss.back() != ' ' && !set.words.empty();
  }));
}

TEST_CASE("kinds have distinct symbols and names") {
  std::set<std::string_view> symbols, names;
  for (const auto& kind : wordnet_kinds) {
    symbols.insert(kind.symbol);
    names.insert(kind.name);
  }
  CHECK(symbols.size() == 26);
  CHECK(names.size() == 26);
}

TEST_CASE("a small database, pointers between files and repeats included") {
  small_wordnet files;
  CHECK(files.read()
        == "n00000000 = [entity] that which is\n"
           "v00000000 = [breathe] [take a breath] draw air\n"
           "a00000000 = [galore] in great numbers\n"
           "r00000000 = [a cappella] without accompaniment\n"
           "a00000000 antonym n00000000\n");

  files.write("noun", {"03 n 01 entity 0 004 ! 00000000 s 0101 ! 00000000 a 0102 + 00000000 s 0101 "
                       "@ 00000000 n 0000 | itself"});
  CHECK_THAT(files.read(), Catch::Matchers::ContainsSubstring("n00000000 antonym a00000000\n"
                                                              "n00000000 derivation a00000000\n"
                                                              "n00000000 hypernym n00000000\n"
                                                              "a00000000 antonym n00000000\n"));
}

TEST_CASE("the licence at the head of a file is skipped") {
  small_wordnet files;
  files.write_raw("noun", "  1 Licence  \n00000014 03 n 01 entity 0 000 | that which is  \n");
  files.write_raw("adj", "00000000 44 s 01 galore 0 000 | in great numbers  \n");
  CHECK_THAT(files.read(),
             Catch::Matchers::ContainsSubstring("n00000014 = [entity] that which is"));
}

TEST_CASE("an unreadable file names the package to install") {
  small_wordnet files;
  files.remove("adj");
  CHECK(files.read()
        == "io_error: cannot read data.adj: No such file or directory; install Debian's package "
           "wordnet-base (apt-get install wordnet-base) or name another folder");
  files.make_folder("adj");
  CHECK_THAT(files.read(),
             Catch::Matchers::ContainsSubstring("cannot read data.adj: Is a directory;"));
}

TEST_CASE("a malformed line is refused with file, line and field") {
  small_wordnet files;
  CHECK(files.read_noun("03 n 00 000 | none") == noun + "a synset without words");
  CHECK(files.read_noun("03 n zz entity 0 000 | x")
        == noun + "word count `zz` is not 2 hexadecimal digits");
  CHECK(files.read_noun("03 n 01 (p) 0 000 | x") == noun + "a word without letters");
  CHECK(files.read_noun("03 n 02 entity 0 000 | x")
        == noun + "lex_id `|` is not 1 hexadecimal digits");
  CHECK(files.read_noun("03 n 01 entity 0 0 | x") == noun + "pointer count `0` is not 3 digits");
  CHECK(files.read_noun("03 v 01 entity 0 000 | x")
        == noun + "synset type `v` does not belong into this file");
  CHECK(files.read_noun("03 nn 01 entity 0 000 | x")
        == noun + "synset type `nn` is not one letter");
  CHECK(files.read_noun("03 n 01 entity 0 001 ? 00000000 n 0000 | x")
        == noun + "unknown pointer symbol `?`");
  CHECK(files.read_noun("03 n 01 entity 0 001 @ 00000000 q 0000 | x")
        == noun + "unknown part of speech `q`");
  CHECK(files.read_noun("03 n 01 entity 0 001 @ 0000000 n 0000 | x")
        == noun + "pointer offset `0000000` is not 8 digits");
  CHECK(files.read_noun("03 n 01 entity 0 000 x") == noun + "no `|` before the gloss");
  CHECK(files.read_noun("03 n 01 entity 0 000") == noun + "no gloss mark");
  CHECK(files.read_noun("03 n 01 entity 0 001 @ 00000009 n 0000 | x")
        == noun + "a pointer to offset 9 of data.noun, where no synset begins");
}

TEST_CASE("verb frames are checked") {
  small_wordnet files;
  files.write("verb", {"29 v 01 breathe 0 000 01 - 02 00 | x"});
  CHECK(files.read() == "parse_error: data.verb:1: a frame that does not begin with `+`");
  files.write("verb", {"29 v 01 breathe 0 000 | x"});
  CHECK(files.read() == "parse_error: data.verb:1: frame count `|` is not 2 digits");
}

TEST_CASE("damage that moves or cuts lines is found") {
  small_wordnet files;
  files.write_raw("noun", "");
  CHECK(files.read() == "parse_error: data.noun:0: a file without synsets");
  files.write_raw("noun", "00000000 03 n 01 entity 0 000 | cut of");
  CHECK(files.read() == noun + "the file ends within a line");
  files.write_raw("noun", "00000001 03 n 01 entity 0 000 | x\n");
  CHECK(files.read() == noun + "the offset says 1, but the line begins at byte 0");
  files.write_raw("noun", "00000000 03 n 01 entity 0 000 | x\n\n");
  CHECK(files.read() == "parse_error: data.noun:2: no offset");
}
