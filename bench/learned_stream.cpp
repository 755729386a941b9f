#include "bench/learned_stream.hpp"

#include "bench/workbench.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace cmem::bench {
namespace {

constexpr std::size_t words = 4'096;
constexpr std::size_t content_min = 150;
constexpr std::size_t content_spread = 101;
constexpr std::uint64_t named_every = 4;

/// One to four syllables each.
std::vector<std::string> make_vocabulary() {
  constexpr std::array<const char*, 16> begins = {"b", "c", "d", "f", "g", "l",  "m",  "n",
                                                  "p", "r", "s", "t", "v", "st", "tr", "pl"};
  constexpr std::array<const char*, 12> ends = {"a",  "e",  "i",   "o",  "u",  "er",
                                                "an", "in", "ion", "es", "al", "ous"};
  tools::random_numbers random(5);
  std::vector<std::string> vocabulary(words);
  for (std::string& word : vocabulary)
    for (std::uint64_t left = 1 + random.below(4); left != 0; --left) {
      word += begins[random.below(begins.size())];
      word += ends[random.below(ends.size())];
    }
  return vocabulary;
}

} // namespace

learned_stream::learned_stream(std::uint64_t concepts)
  : concepts_(concepts), vocabulary_(make_vocabulary()), names_(batch), contents_(batch) {
  ops_.reserve(batch);
}

void learned_stream::fill(std::string& content) {
  const std::size_t bytes = content_min + random_.below(content_spread);
  content.clear();
  while (content.size() < bytes) {
    // Few words are frequent, as in a language.
    const double u = static_cast<double>(random_.unit());
    content += vocabulary_[static_cast<std::size_t>(u * u * u * words)];
    content += ' ';
  }
  content.resize(bytes);
}

std::span<const write_op> learned_stream::next() {
  ops_.clear();
  const std::uint64_t count = std::min<std::uint64_t>(batch, 2 * concepts_ - learned_);
  for (std::size_t i = 0; i != count; ++i, ++learned_) {
    const std::uint64_t which = learned_ < concepts_ ? learned_ : random_.below(concepts_);
    fill(contents_[i]);
    op::learn_concept o{.id = id_of(which), .content = contents_[i]};
    if (which % named_every == 0) {
      names_[i] = "concept number " + std::to_string(which);
      o.id = names_[i];
    }
    ops_.emplace_back(o);
  }
  return ops_;
}

std::uint64_t learned_bytes(const write_op& o) {
  const auto& c = std::get<op::learn_concept>(o);
  const std::size_t id = c.id.name.empty() ? sizeof(concept_id) : c.id.name.size();
  return id + c.content.size() + c.vector.size_bytes() + sizeof(c.strength) + sizeof(c.confidence);
}

void encode_value(const write_op& o, std::string& value) {
  const auto& c = std::get<op::learn_concept>(o);
  value.clear();
  const auto add = [&](const void* from, std::size_t bytes) {
    value.append(static_cast<const char*>(from), bytes);
  };
  const auto name_bytes = static_cast<std::uint16_t>(c.id.name.size());
  const auto numbers = static_cast<std::uint16_t>(c.vector.size());
  add(&c.strength, sizeof(c.strength));
  add(&c.confidence, sizeof(c.confidence));
  add(&name_bytes, sizeof(name_bytes));
  add(&numbers, sizeof(numbers));
  value += c.id.name;
  add(c.vector.data(), c.vector.size_bytes());
  value += c.content;
}

} // namespace cmem::bench
