// Vectors as they lie: floats or codes.

#include "storage/coded_vectors.hpp"

#include "storage/segment_format.hpp"
#include "tests/storage/coded_fixture.hpp"

using namespace cmem;
using namespace cmem::test;

TEST_CASE("codes take a fourth or an eighth of the floats' block, or are not made") {
  for (const std::uint32_t ratio : {4U, 8U})
    for (std::size_t dimension = 1; dimension <= 4'096; ++dimension) {
      const std::uint64_t floats = segment_block_size(dimension * sizeof(float));
      const std::uint32_t parts = parts_for(dimension, ratio);
      if (parts == 0) {
        REQUIRE(dimension < 8 * ratio);
        continue;
      }
      REQUIRE(parts <= dimension);
      REQUIRE(ratio * segment_block_size(coded_vector_bytes(parts)) <= floats);
      REQUIRE(ratio * segment_block_size(coded_vector_bytes(parts + 1)) > floats);
      REQUIRE(coded_vector_bytes(parts) != dimension * sizeof(float)); // its size tells which it is
    }
  CHECK(parts_for(26, 4) == 0);
  CHECK(parts_for(27, 4) == 8);
  CHECK(parts_for(58, 8) == 0);
  CHECK(parts_for(59, 8) == 8);
  CHECK(parts_for(100, 4) == 72);
  CHECK(parts_for(100, 8) == 24);
  CHECK(parts_for(768, 4) == 744);
}

namespace {

/// A codebook's block and behind it those of vectors, as a section has them.
struct section {
  alignas(16) std::vector<std::byte> bytes;

  std::uint64_t add(std::initializer_list<const_bytes> parts) {
    const std::uint64_t at = bytes.size();
    bytes.resize(at + sizeof(segment_block));
    for (const const_bytes p : parts)
      bytes.insert(bytes.end(), p.begin(), p.end());
    bytes.resize(segment_padded(bytes.size()));
    return at;
  }
  stored_vector at(std::uint64_t block, std::size_t size) const {
    return {const_bytes(bytes).subspan(block + sizeof(segment_block), size),
            some_vectors::dimension};
  }
};

struct two_sections {
  vector_codebook book;
  section one;
  section other; // the same behind something else
  std::vector<std::uint64_t> in_one;
  std::vector<std::uint64_t> in_other;
  std::vector<std::vector<float>> vectors;

  explicit two_sections(const vector_codebook& of_other)
    : book(
      need(vector_codebook::train(rows(), some_vectors::dimension, {.parts = 8, .rounds = 2}))) {
    some_vectors some(9);
    for (int i = 0; i != 5; ++i)
      vectors.push_back(some.next());
    fill(one, book, in_one);
    other.bytes.resize(64);
    fill(other, of_other, in_other);
  }
  static std::vector<float> rows(std::uint32_t seed = 1) {
    std::vector<float> all;
    some_vectors some(seed);
    for (int i = 0; i != 400; ++i) {
      const auto v = some.next();
      all.insert(all.end(), v.begin(), v.end());
    }
    return all;
  }
  void fill(section& to, const vector_codebook& with, std::vector<std::uint64_t>& at) const {
    const std::uint64_t begin = to.add({with.to_bytes()});
    std::vector<std::uint8_t> codes(with.parts());
    for (const auto& v : vectors) {
      const double norm = with.encode(v, codes.data()).norm;
      const coded_vector_head head{to.bytes.size() - begin, norm};
      at.push_back(to.add({std::as_bytes(std::span(&head, 1)), std::as_bytes(std::span(codes))}));
    }
  }
};

vector_codebook trained(std::uint32_t seed) {
  return need(vector_codebook::train(two_sections::rows(seed), some_vectors::dimension,
                                     {.parts = 8, .rounds = 2}));
}

} // namespace

TEST_CASE("codes are read wherever the section lies; floats are where they are") {
  const two_sections s(trained(1));
  std::vector<float> room;
  std::vector<float> expected(some_vectors::dimension);
  std::vector<std::uint8_t> codes(8);
  for (std::size_t i = 0; i != s.vectors.size(); ++i) {
    const double norm = s.book.encode(s.vectors[i], codes.data()).norm;
    s.book.decode(codes.data(), norm, expected);
    for (const stored_vector v : {s.one.at(s.in_one[i], 24), s.other.at(s.in_other[i], 24)}) {
      CHECK(v.coded());
      CHECK_FALSE(v.empty());
      CHECK(v.bytes() == 24);
      CHECK(v.head().norm == norm);
      CHECK(std::ranges::equal(v.codes(), codes));
      CHECK(std::ranges::equal(v.read(room), expected));
    }
  }
  const auto floats = std::as_bytes(std::span(s.vectors[0]));
  const stored_vector v(floats, some_vectors::dimension);
  CHECK_FALSE(v.coded());
  CHECK(v.read(room).data() == s.vectors[0].data());
  CHECK(stored_vector().empty());
  CHECK(stored_vector().read(room).empty());
  CHECK(stored_vector({}, 3).empty());
}

TEST_CASE("a vector reads as before where codes and codebook are the same, and as floats") {
  const two_sections same(trained(1));
  vector_comparison c;
  const auto floats = std::as_bytes(std::span(same.vectors[0]));
  const stored_vector original(floats, some_vectors::dimension);
  for (std::size_t i = 0; i != same.vectors.size(); ++i) {
    const stored_vector before = same.one.at(same.in_one[i], 24);
    CHECK(c.same(before, same.other.at(same.in_other[i], 24)));
    CHECK(c.same(before, original)); // decoded, that is
    CHECK_FALSE(c.same(original, before));
    CHECK(c.same(before, same.other.at(same.in_other[0], 24)) == (i == 0));
  }
  CHECK(c.same(original, original));
  const two_sections others(trained(2));
  bool all = true;
  vector_comparison d;
  for (std::size_t i = 0; i != others.vectors.size(); ++i)
    all =
      all && d.same(others.one.at(others.in_one[i], 24), others.other.at(others.in_other[i], 24));
  CHECK_FALSE(all);
  // The codes alone do not say it.
  section copied = others.other;
  const stored_vector mine = others.one.at(others.in_one[0], 24);
  std::memcpy(copied.bytes.data() + others.in_other[0] + sizeof(segment_block) + 8,
              reinterpret_cast<const std::byte*>(mine.codes().data()) - 8, 16);
  CHECK_FALSE(d.same(mine, copied.at(others.in_other[0], 24)));
}
