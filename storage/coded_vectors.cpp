#include "storage/coded_vectors.hpp"

#include "storage/segment_format.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace cmem {

std::uint32_t parts_for(std::size_t dimension, std::uint32_t ratio) noexcept {
  assert(ratio >= 4);
  constexpr std::uint64_t heads = sizeof(segment_block) + sizeof(coded_vector_head);
  const std::uint64_t room =
    segment_block_size(dimension * sizeof(float)) / ratio / segment_alignment * segment_alignment;
  return static_cast<std::uint32_t>(room > heads ? std::min(room - heads, dimension) : 0);
}

std::span<const float> stored_vector::read(std::vector<float>& room) const {
  if (!coded_)
    return floats();
  room.resize(codebook_view::trusted(codebook()).dimension());
  decode(room);
  return room;
}

coded_vector_head stored_vector::head() const noexcept {
  assert(coded_);
  coded_vector_head h;
  std::memcpy(&h, payload_.data(), sizeof h);
  return h;
}

void stored_vector::decode(std::span<float> to) const noexcept {
  const codebook_view book = codebook_view::trusted(codebook());
  assert(codes().size() == book.parts() && to.size() == book.dimension());
  book.decode(codes().data(), head().norm, to);
}

bool vector_comparison::same(const stored_vector& before, const stored_vector& after) {
  if (!after.coded())
    return true;
  if (!before.coded() || before.head().norm != after.head().norm
      || !std::ranges::equal(before.codes(), after.codes()))
    return false;
  const std::byte* const b = before.codebook();
  const std::byte* const a = after.codebook();
  for (const codebooks& k : known_)
    if (k.before == b && k.after == a)
      return k.equal;
  const std::size_t dimension = codebook_view::trusted(b).dimension();
  assert(codebook_view::trusted(a).dimension() == dimension);
  const bool equal = std::memcmp(b, a, vector_codebook::bytes_of(dimension)) == 0;
  known_.push_back({b, a, equal});
  return equal;
}

} // namespace cmem
