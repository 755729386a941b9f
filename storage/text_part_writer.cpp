#include "storage/text_part_writer.hpp"

#include "storage/text_tokens.hpp"
#include "storage/text_varint.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <numeric>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace cmem {

namespace {

constexpr std::size_t short_attribute_bytes_max = 128;

void align(std::vector<std::byte>& bytes, std::size_t to) {
  bytes.resize((bytes.size() + to - 1) / to * to);
}

template <class Value>
packed_column append_column(std::vector<std::byte>& to, std::span<const text_document> documents,
                            Value value_of) {
  std::uint64_t least = ~std::uint64_t{0};
  std::uint64_t most = 0;
  for (const text_document& d : documents) {
    least = std::min<std::uint64_t>(least, value_of(d));
    most = std::max<std::uint64_t>(most, value_of(d));
  }
  if (documents.empty())
    least = 0;
  const auto width = static_cast<std::uint64_t>(std::bit_width(most - least));
  assert(width <= 56);
  const packed_column c{least, to.size(), width};
  to.resize(to.size() + (documents.size() * width + 7) / 8 + 8);
  std::byte* const at = to.data() + c.offset;
  for (std::size_t i = 0; i != documents.size(); ++i) {
    const std::uint64_t bit = i * width;
    std::uint64_t word = 0;
    std::memcpy(&word, at + bit / 8, 8);
    word |= (value_of(documents[i]) - least) << bit % 8;
    std::memcpy(at + bit / 8, &word, 8);
  }
  return c;
}

std::uint64_t append(std::vector<std::byte>& to, std::span<const std::byte> bytes) {
  const std::uint64_t offset = to.size();
  to.insert(to.end(), bytes.begin(), bytes.end());
  return offset;
}

} // namespace

void text_part_writer::add_term(std::string_view key, std::span<const posting> list) {
  assert(!list.empty() && (term_count_ == 0 || last_key_ < key));
  const bool first = term_count_ % terms_a_block == 0;
  if (first)
    blocks_.push_back({terms_.size(), postings_.size()});
  const auto shared =
    first ? 0
          : static_cast<std::size_t>(
            std::mismatch(key.begin(), key.end(), last_key_.begin(), last_key_.end()).first
            - key.begin());
  put_varint(terms_, shared);
  put_varint(terms_, key.size() - shared);
  const auto suffix = std::as_bytes(std::span(key.substr(shared)));
  terms_.insert(terms_.end(), suffix.begin(), suffix.end());
  put_varint(terms_, list.size());
  if (list.size() == 1) {
    put_varint(terms_, list[0].document);
    put_varint(terms_, list[0].times - 1);
  } else {
    const std::size_t before = postings_.size();
    pack_postings(list, postings_);
    put_varint(terms_, postings_.size() - before);
  }
  last_key_ = key;
  ++term_count_;
  posting_count_ += list.size();
}

std::shared_ptr<const text_part> text_part_writer::finish() {
  std::vector<std::byte> all(sizeof(text_part_head));
  all.reserve(sizeof(text_part_head) + documents_.size() * 8 + blocks_.size() * sizeof(term_block)
              + terms_.size() + postings_.size() + 128);
  text_part_head head{};
  head.magic = text_part_magic;
  head.documents = documents();
  head.terms = term_count_;
  head.postings = posting_count_;
  for (const text_document& d : documents_)
    head.words += d.words;
  head.index = append_column(all, documents_, [](const text_document& d) { return d.index; });
  head.words_of = append_column(all, documents_, [](const text_document& d) { return d.words; });
  align(all, 8);
  head.blocks_offset = append(all, std::as_bytes(std::span(blocks_)));
  head.terms_offset = append(all, terms_);
  head.postings_offset = append(all, postings_);
  align(all, 16);
  head.bytes = all.size();
  std::memcpy(all.data(), &head, sizeof(head));
  *this = {};
  return std::make_shared<const text_part>(std::move(all));
}

std::string attribute_term(std::string_view key, std::string_view value) {
  std::string both{static_cast<char>(key.size() & 0xFF), static_cast<char>(key.size() >> 8)};
  both.append(key).append(value);
  if (both.size() <= short_attribute_bytes_max)
    return static_cast<char>(term_field::attribute) + both;
  const concept_id hash = concept_id::from_name(both);
  std::string term{static_cast<char>(term_field::long_attribute)};
  term.append(reinterpret_cast<const char*>(hash.bytes.data()), hash.bytes.size());
  return term;
}

void text_part_builder::add(const graph_snapshot& s, std::uint32_t index) {
  assert(documents_.empty() || documents_.back().index < index);
  const concept_view c = s.at(index);
  if (fields_ == text_fields::attributes && c.encoded_attributes().empty())
    return;
  documents_.push_back({index, 0});
  if (fields_ == text_fields::all)
    count_words(c);
  auto attributes = c.attributes();
  for (attribute_update a; attributes.next(a);)
    count_term(attribute_term(a.key, a.value.value_or(std::string_view())));
}

void text_part_builder::count_words(const concept_view& c) {
  for (const std::string_view text : {c.content(), c.name()}) {
    word_reader reader(text);
    for (std::string_view word; reader.next(word);)
      count_word(word);
  }
  if (!c.name().empty()) {
    key_.assign(1, static_cast<char>(term_field::name)).append(c.name());
    count_term(key_);
  }
}

void text_part_builder::count_word(std::string_view word) {
  ++documents_.back().words;
  key_.assign(1, static_cast<char>(term_field::word)).append(word);
  count_term(key_);
}

void text_part_builder::count_term(std::string_view key) {
  const std::uint32_t number = term_for(key);
  term& t = terms_[number];
  const auto document = static_cast<std::uint32_t>(documents_.size()); // + 1
  if (t.last == document) {
    ++postings_[t.last_posting].what.times;
    return;
  }
  t.last = document;
  t.last_posting = postings_.size();
  ++t.count;
  postings_.push_back({number, {document - 1, 1}});
}

std::uint32_t text_part_builder::term_for(std::string_view key) {
  if (2 * (terms_.size() + 1) > slots_.size())
    grow();
  const auto hash = static_cast<std::uint32_t>(XXH3_64bits(key.data(), key.size()));
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash & mask;
  for (; slots_[slot] != 0; slot = (slot + 1) & mask) {
    const term& t = terms_[slots_[slot] - 1];
    if (t.hash == hash && std::string_view(keys_.data() + t.key, t.key_bytes) == key)
      return slots_[slot] - 1;
  }
  terms_.push_back({keys_.size(), static_cast<std::uint32_t>(key.size()), hash, 0, 0, 0});
  keys_.insert(keys_.end(), key.begin(), key.end());
  slots_[slot] = static_cast<std::uint32_t>(terms_.size());
  return slots_[slot] - 1;
}

void text_part_builder::grow() {
  slots_.assign(std::max<std::size_t>(1024, slots_.size() * 2), 0);
  const std::size_t mask = slots_.size() - 1;
  for (std::uint32_t i = 0; i != terms_.size(); ++i) {
    std::size_t slot = terms_[i].hash & mask;
    while (slots_[slot] != 0)
      slot = (slot + 1) & mask;
    slots_[slot] = i + 1;
  }
}

std::shared_ptr<const text_part> text_part_builder::finish() {
  const auto key_of = [this](std::uint32_t i) {
    return std::string_view(keys_.data() + terms_[i].key, terms_[i].key_bytes);
  };
  std::vector<std::uint32_t> order(terms_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return key_of(a) < key_of(b); });
  // By term, each in the order of documents: where the next of a term goes is noted in it.
  std::size_t begin = 0;
  for (const std::uint32_t i : order) {
    terms_[i].last_posting = begin;
    begin += terms_[i].count;
  }
  std::vector<posting> sorted(postings_.size());
  for (const occurrence& o : postings_)
    sorted[terms_[o.term].last_posting++] = o.what;
  text_part_writer writer;
  for (const text_document& d : documents_)
    writer.add_document(d);
  for (const std::uint32_t i : order)
    writer.add_term(key_of(i), std::span(sorted).subspan(terms_[i].last_posting - terms_[i].count,
                                                         terms_[i].count));
  documents_.clear();
  terms_.clear();
  keys_.clear();
  postings_.clear();
  slots_.clear();
  return writer.finish();
}

} // namespace cmem
