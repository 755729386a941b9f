#pragma once
// Reads the WordNet database, as Debian's package wordnet-base installs it, as a concept graph:
// synsets and the typed pointers between them. The file format is wndb(5WN).

#include "storage/result.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace cmem::tools {

/// Where wordnet-base puts data.noun, data.verb, data.adj and data.adv.
inline constexpr std::string_view wordnet_folder_default = "/usr/share/wordnet";

/// A pointer type: the symbol in the files, and the name its associations get as their kind.
struct wordnet_kind {
  std::string_view symbol;
  std::string_view name;
};

/// Every pointer type of WordNet 3.0. A pointer's `kind` is an index into this.
inline constexpr std::array<wordnet_kind, 26> wordnet_kinds{{
  {"@", "hypernym"},          {"~", "hyponym"},         {"@i", "instance_hypernym"},
  {"~i", "instance_hyponym"}, {"#m", "member_holonym"}, {"#s", "substance_holonym"},
  {"#p", "part_holonym"},     {"%m", "member_meronym"}, {"%s", "substance_meronym"},
  {"%p", "part_meronym"},     {"=", "attribute"},       {"+", "derivation"},
  {";c", "topic_domain"},     {"-c", "topic_member"},   {";r", "region_domain"},
  {"-r", "region_member"},    {";u", "usage_domain"},   {"-u", "usage_member"},
  {"!", "antonym"},           {"*", "entailment"},      {">", "cause"},
  {"^", "also_see"},          {"$", "verb_group"},      {"&", "similar_to"},
  {"<", "participle"},        {"\\", "pertainym"},
}};

/// A set of synonyms: one concept.
struct synset {
  /// Letter of the file (n, v, a, r) and the 8 digits of the offset in it: "n00001740". Adjective
  /// satellites live in the file of the adjectives and are written with its letter, a.
  std::string name;
  /// At least one; blanks for underscores, without an adjective's position mark: "take a breath".
  std::vector<std::string> words;
  /// Definition and examples: what the concept says.
  std::string gloss;
};

/// A typed pointer between two synsets: one association.
struct synset_pointer {
  std::uint32_t source = 0; ///< index into wordnet::synsets
  std::uint32_t target = 0; ///< index into wordnet::synsets
  std::uint8_t kind = 0;    ///< index into wordnet_kinds

  friend auto operator<=>(const synset_pointer&, const synset_pointer&) = default;
};

/// The whole database, about 40 MB in memory.
struct wordnet {
  /// Nouns, verbs, adjectives, adverbs; in each the order of the file.
  std::vector<synset> synsets;
  /// Distinct, grouped by source in the order of `synsets`. Pointers between words of the synsets
  /// (antonyms, derivations) count as pointers between the synsets; some lead back to their source.
  std::vector<synset_pointer> pointers;
};

/// Reads all four files of `folder`. Fails with `io_error` where a file cannot be read, naming the
/// package to install, and with `parse_error`, naming file and line, where one is malformed.
[[nodiscard]] result<wordnet> read_wordnet(
  const std::filesystem::path& folder = wordnet_folder_default);

} // namespace cmem::tools
