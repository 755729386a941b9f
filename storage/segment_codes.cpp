// What a segment_reader makes sure of where vectors are codes: whoever reads them follows `back`.

#include "storage/limits.hpp"
#include "storage/segment_reader.hpp"

#include <algorithm>
#include <cmath>

namespace cmem {

/// So much of it as tells how large it and the codes are. The rest is looked at by codebook().
result<void> segment_reader::look_at_codebook() {
  const segment_extent& section = header_.at(segment_section::vectors);
  const std::uint64_t bytes = vector_codebook::bytes_of(header_.vector_dimension);
  if (header_.vector_dimension == 0 || header_.vector_dimension > vector_dimension_max
      || segment_block_size(bytes) > section.bytes)
    return corrupt(section.offset, "there is no room for a codebook");
  if (auto done = trust(segment_section::vectors, 0, segment_alignment); !done)
    return done;
  const auto* const head = look_at<segment_block>(section.offset);
  if (head->next != 0 || head->bytes != bytes)
    return corrupt(section.offset, "the codebook's block is not of its size");
  if (auto done = trust(segment_section::vectors, 0, std::min<std::uint64_t>(bytes, 64)); !done)
    return done;
  const auto book = codebook_view::of(codebook_bytes());
  if (!book)
    return corrupt(section.offset, book.error().detail);
  if (book->dimension() != header_.vector_dimension)
    return corrupt(section.offset, "the codebook is of another dimension");
  const std::size_t coded = coded_vector_bytes(book->parts());
  if (coded == book->dimension() * sizeof(float))
    return corrupt(section.offset, "codes are as large as floats");
  codebook_block_ = segment_block_size(bytes);
  coded_bytes_ = coded;
  return {};
}

const_bytes segment_reader::codebook_bytes() const noexcept {
  return mapped_.bytes().subspan(
    static_cast<std::size_t>(header_.at(segment_section::vectors).offset + sizeof(segment_block)),
    vector_codebook::bytes_of(header_.vector_dimension));
}

result<std::optional<codebook_view>> segment_reader::codebook() const {
  if (codebook_block_ == 0)
    return std::optional<codebook_view>();
  if (auto done = trust(segment_section::vectors, 0, codebook_block_); !done)
    return done.error();
  const codebook_view book = codebook_view::trusted(codebook_bytes().data());
  // Pairs with nothing: whoever comes meanwhile looks too, and the bytes do not change.
  if (std::atomic<bool>& looked_at = trusted_[checksums_.size()];
      !looked_at.load(std::memory_order_relaxed)) {
    if (!book.directions())
      return corrupt(header_.at(segment_section::vectors).offset,
                     "a centroid of the codebook is no part of a direction");
    looked_at.store(true, std::memory_order_relaxed);
  }
  return std::optional(book);
}

/// Of codes in the block at that offset; empty if there is none.
std::string_view segment_reader::fault_in(const stored_vector& v, std::uint64_t at) const noexcept {
  const coded_vector_head head = v.head();
  if (head.back != at - header_.at(segment_section::vectors).offset)
    return "codes do not lead to the codebook";
  if (!std::isfinite(head.norm) || head.norm < 0.0)
    return "the norm of a vector is none";
  return {};
}

/// All that may be read where it is mapped. Precondition: the section is trusted, and has codes.
result<void> segment_reader::check_vector_blocks() const {
  if (const auto book = codebook(); !book)
    return book.error();
  const segment_extent& section = header_.at(segment_section::vectors);
  for (std::uint64_t at = section.offset + codebook_block_; at != section.end();) {
    const auto* const head = look_at<segment_block>(at);
    const std::uint64_t size = segment_block_size(head->bytes);
    if (head->next != 0 || size > section.end() - at
        || (head->bytes != coded_bytes_ && head->bytes != header_.vector_dimension * sizeof(float)))
      return corrupt(at, "a block of vectors is not of the size of any");
    const stored_vector v(
      mapped_.bytes().subspan(static_cast<std::size_t>(at + sizeof *head), head->bytes),
      header_.vector_dimension);
    if (v.coded())
      if (const std::string_view fault = fault_in(v, at); !fault.empty())
        return corrupt(at, fault);
    at += size;
  }
  return {};
}

} // namespace cmem
