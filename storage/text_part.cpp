#include "storage/text_part.hpp"

#include "storage/text_varint.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace cmem {

namespace {

std::string_view as_text(const std::byte* at, std::size_t size) noexcept {
  return {reinterpret_cast<const char*>(at), size};
}

} // namespace

text_part::text_part(std::vector<std::byte> bytes)
  : owned_(std::move(bytes)),
    at_(owned_.data()),
    head_(reinterpret_cast<const text_part_head*>(owned_.data())) {
  assert(reinterpret_cast<std::uintptr_t>(at_) % 16 == 0);
  assert(owned_.size() >= sizeof(text_part_head) && owned_.size() % 16 == 0);
  assert(head_->magic == text_part_magic && head_->bytes == owned_.size());
}

text_document text_part::document(std::uint32_t number) const noexcept {
  return {index_of(number), words_of(number)};
}

// Indices are close to evenly spread, mostly without a gap: a guess in proportion is right or near.
std::uint32_t text_part::number_of(std::uint32_t index) const noexcept {
  if (documents() == 0)
    return none;
  std::uint32_t low = 0;
  std::uint32_t high = documents() - 1;
  std::uint32_t first = index_of(low);
  std::uint32_t last = index_of(high);
  for (int guesses = 0; index >= first && index <= last; ++guesses) {
    if (first == last)
      return low;
    const std::uint32_t middle = guesses < 4
                                   ? low
                                       + static_cast<std::uint32_t>(std::uint64_t{index - first}
                                                                    * (high - low) / (last - first))
                                   : low + (high - low) / 2;
    const std::uint32_t found = index_of(middle);
    if (found == index)
      return middle;
    if (found < index) {
      if (middle == high)
        return none;
      low = middle + 1;
      first = index_of(low);
    } else {
      if (middle == low)
        return none;
      high = middle - 1;
      last = index_of(high);
    }
  }
  return none;
}

term_block text_part::block(std::uint32_t number) const noexcept {
  term_block b{};
  std::memcpy(&b, at_ + head_->blocks_offset + std::size_t{number} * sizeof(b), sizeof(b));
  return b;
}

std::string_view text_part::first_of(std::uint32_t number) const noexcept {
  const std::byte* at = at_ + head_->terms_offset + block(number).term;
  (void) get_varint(at); // shares nothing
  const std::uint64_t size = get_varint(at);
  return as_text(at, size);
}

std::uint32_t text_part::block_for(std::string_view key) const noexcept {
  std::uint32_t low = 0;
  for (std::uint32_t count = blocks(); count > 1;) {
    const std::uint32_t half = count / 2;
    if (first_of(low + half) <= key)
      low += half;
    count -= half;
  }
  return low;
}

posting_list text_part::find(std::string_view key) const noexcept {
  if (terms() == 0)
    return {};
  const std::uint32_t number = block_for(key);
  const term_block b = block(number);
  const std::byte* term = at_ + head_->terms_offset + b.term;
  const std::byte* postings = at_ + head_->postings_offset + b.postings;
  std::uint32_t left = std::min(terms_a_block, terms() - number * terms_a_block);
  std::size_t equal = 0; // bytes of `key` that the last term has in common with it
  for (; left != 0; --left) {
    const std::uint64_t shared = get_varint(term);
    const std::uint64_t size = get_varint(term);
    const std::byte* const suffix = term;
    term += size;
    posting_list list;
    list.count = static_cast<std::uint32_t>(get_varint(term));
    list.packed = postings;
    if (list.count == 1) {
      list.document = static_cast<std::uint32_t>(get_varint(term));
      list.times = static_cast<std::uint32_t>(get_varint(term)) + 1;
    } else {
      postings += get_varint(term);
    }
    if (shared > equal)
      continue; // differs where the last one did, which was smaller
    if (shared < equal)
      return {}; // larger than the last one, where that was as `key`
    const std::string_view rest = key.substr(equal);
    const std::string_view here = as_text(suffix, size);
    const std::size_t both = std::min(rest.size(), here.size());
    const auto same = static_cast<std::size_t>(
      std::mismatch(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(both), here.begin())
        .first
      - rest.begin());
    equal += same;
    if (same == rest.size() && same == here.size())
      return list;
    if (same == rest.size()
        || (same != here.size()
            && static_cast<unsigned char>(here[same]) > static_cast<unsigned char>(rest[same])))
      return {};
  }
  return {};
}

term_walk::term_walk(const text_part& part, std::string_view from) {
  if (part.terms() == 0)
    return;
  const std::uint32_t number = part.block_for(from);
  const term_block b = part.block(number);
  term_ = part.at_ + part.head_->terms_offset + b.term;
  postings_ = part.at_ + part.head_->postings_offset + b.postings;
  left_ = part.terms() - number * terms_a_block;
  read();
  while (!done() && key_ < from)
    next();
}

void term_walk::read() {
  const std::uint64_t shared = get_varint(term_);
  const std::uint64_t size = get_varint(term_);
  key_.resize(shared);
  key_ += as_text(term_, size);
  term_ += size;
  list_ = {};
  list_.count = static_cast<std::uint32_t>(get_varint(term_));
  list_.packed = postings_;
  if (list_.count == 1) {
    list_.document = static_cast<std::uint32_t>(get_varint(term_));
    list_.times = static_cast<std::uint32_t>(get_varint(term_)) + 1;
  } else {
    postings_ += get_varint(term_);
  }
}

} // namespace cmem
