// What a compaction makes of vectors: floats as they were, or what a codebook says of them.

#include "tests/storage/coded_fixture.hpp"

#include <algorithm>

using namespace cmem;
using namespace cmem::test;

namespace {

vector_codebook book_of(const segment_reader& in) {
  const auto book = need(in.codebook());
  REQUIRE(book);
  return vector_codebook(*book);
}

coded_store::vectors both(coded_store::vectors a, const coded_store::vectors& b) {
  for (const auto& [id, v] : b)
    a[id] = v;
  return a;
}

/// Norm and codes of each.
std::map<concept_id, std::vector<std::byte>> raw_codes(const segment_reader& in) {
  std::map<concept_id, std::vector<std::byte>> all;
  for (std::uint64_t i = 0; i != in.concept_count(); ++i) {
    const segment_concept& c = *need(in.at(i));
    const stored_vector v = need(in.vector(c));
    if (!v.coded())
      continue;
    const double norm = v.head().norm;
    const auto head = std::as_bytes(std::span(&norm, 1));
    auto& bytes = all[c.id];
    bytes.assign(head.begin(), head.end());
    const auto codes = std::as_bytes(v.codes());
    bytes.insert(bytes.end(), codes.begin(), codes.end());
  }
  return all;
}

bool contains(const std::vector<std::byte>& file, const std::vector<float>& v) {
  const auto bytes = std::as_bytes(std::span(v));
  return std::search(file.begin(), file.end(), bytes.begin(), bytes.end()) != file.end();
}

double mean_distance(const coded_store::vectors& a, const coded_store::vectors& b) {
  double sum = 0;
  for (const auto& [id, v] : a) {
    double square = 0;
    for (std::size_t i = 0; i != v.size(); ++i)
      square += std::pow(static_cast<double>(v[i] - b.at(id)[i]), 2);
    sum += std::sqrt(square);
  }
  return sum / static_cast<double>(a.size());
}

} // namespace

TEST_CASE("where originals are kept, a compaction writes what it always wrote") {
  coded_store s;
  const auto all = vectors_of(0, 600);
  const auto made = s.merge({s.write(all)}, quick_coding(true));
  const auto r = s.open(made);
  CHECK(r.header().version == 1);
  CHECK(r.header().flags == segment_header::association_times);
  CHECK(codes_in(r) == 0);
  CHECK(vectors_in(r) == all);
  CHECK_FALSE(need(r.codebook()));
}

TEST_CASE("enough vectors without originals are what a codebook says of them, in less room") {
  coded_store s;
  auto all = vectors_of(0, 600);
  all[cid(7)] = std::vector<float>(some_vectors::dimension, 0.0F);
  all[cid(1'000)] = {}; // has none
  const segment_ref before = s.write(all);
  const std::uint64_t step = GENERATE(1U, 100'000U);
  const auto made = s.merge({before}, quick_coding(), step);
  const auto r = s.open(made);
  CHECK(r.header().version == 2);
  CHECK(r.header().flags == (segment_header::association_times | segment_header::coded_vectors));
  CHECK(codes_in(r) == 600);
  const vector_codebook book = book_of(r);
  CHECK(book.parts() == 8);
  CHECK(book.trained_rows() == 599); // all but the one that is zero
  CHECK(vectors_in(r) == as_codes_say(book, all));
  CHECK(vectors_in(r).at(cid(7)) == all[cid(7)]);
  CHECK(vectors_in(r).at(cid(1'000)).empty());
  CHECK(mean_distance(vectors_in(r), all) < 0.25); // they lie 0.33 from their center
  const auto section = [&](const segment_ref& of) {
    return s.open(of).header().at(segment_section::vectors).bytes;
  };
  CHECK(section(before) == 600 * 144);
  CHECK(section(made)
        == 600 * 32 + segment_block_size(vector_codebook::bytes_of(some_vectors::dimension)));
  // All else is as it was.
  for (std::uint64_t i = 0; i != r.concept_count(); ++i)
    REQUIRE(need(r.content(*need(r.at(i)))) == "content");
}

TEST_CASE("too few vectors, or too short ones, stay as they are") {
  coded_store s;
  const auto few = vectors_of(0, 299);
  CHECK(codes_in(s.open(s.merge({s.write(few)}))) == 0);
  CHECK(codes_in(s.open(s.merge({s.write(few), s.write(vectors_of(299, 1))}))) == 300);
  auto eight = quick_coding();
  eight.ratio = 8; // 32 floats are not worth it
  CHECK(codes_in(s.open(s.merge({s.write(vectors_of(0, 600))}, eight))) == 0);
  coded_store::vectors zeros;
  for (std::uint64_t i = 0; i != 400; ++i)
    zeros[cid(i)] = std::vector<float>(some_vectors::dimension, 0.0F);
  const auto r = s.open(s.merge({s.write(zeros)}));
  CHECK(codes_in(r) == 0);
  CHECK(vectors_in(r) == zeros);
}

TEST_CASE("the same run becomes the same codes") {
  coded_store s;
  const auto run = s.write(vectors_of(0, 600));
  const auto first = s.bytes(s.merge({run}, quick_coding(), 1));
  --s.next_number;
  CHECK(s.bytes(s.merge({run})) == first);
}

TEST_CASE("codes are copied byte for byte from then on, with their codebook") {
  coded_store s;
  const auto all = vectors_of(0, 600);
  const auto first = s.merge({s.write(all)});
  const auto codes = raw_codes(s.open(first));
  const bool keep = GENERATE(false, true);
  auto last = first;
  for (std::uint64_t round = 0; round != 3; ++round) { // others come, of the same kind
    const auto more = vectors_of(1'000 + 100 * round, 20);
    last = s.merge({last, s.write(more)}, quick_coding(keep));
    const auto r = s.open(last);
    CHECK(book_of(r) == book_of(s.open(first)));
    const auto now = raw_codes(r);
    for (const auto& [id, bytes] : codes)
      REQUIRE(now.at(id) == bytes);
    const auto read = vectors_in(r);
    const auto said = as_codes_say(book_of(r), more);
    for (const auto& [id, v] : more)
      REQUIRE(read.at(id) == (keep ? v : said.at(id)));
    CHECK(codes_in(r) == (keep ? 600 : 620 + 20 * round));
  }
}

TEST_CASE("originals beside codes are coded by whoever does not keep them") {
  coded_store s;
  const auto more = vectors_of(1'000, 20);
  const auto mixed =
    s.merge({s.merge({s.write(vectors_of(0, 600))}), s.write(more)}, quick_coding(true));
  CHECK(codes_in(s.open(mixed)) == 600);
  CHECK(need(vector_coding::wants(s.open(mixed), quick_coding())));
  CHECK_FALSE(need(vector_coding::wants(s.open(mixed), quick_coding(true))));
  const auto coded = s.merge({mixed});
  CHECK(codes_in(s.open(coded)) == 620);
  CHECK_FALSE(need(vector_coding::wants(s.open(coded), quick_coding())));
  CHECK(need(vector_coding::wants(s.open(s.write(vectors_of(0, 300))), quick_coding())));
  CHECK_FALSE(need(vector_coding::wants(s.open(s.write(vectors_of(0, 299))), quick_coding())));
}

TEST_CASE("of two codebooks the one that tells more stays, and loses none of its codes") {
  coded_store s;
  const auto many = s.merge({s.write(vectors_of(0, 600))});
  const auto fewer = s.merge({s.write(vectors_of(1'000, 400))});
  REQUIRE_FALSE(book_of(s.open(many)) == book_of(s.open(fewer)));
  const bool keep = GENERATE(false, true);
  const bool first = GENERATE(false, true);
  const auto r = s.open(
    s.merge(first ? std::vector{many, fewer} : std::vector{fewer, many}, quick_coding(keep)));
  CHECK(book_of(r) == book_of(s.open(many)));
  const auto read = vectors_in(r);
  for (const auto& [id, v] : vectors_in(s.open(many)))
    REQUIRE(read.at(id) == v);
  const auto decoded = vectors_in(s.open(fewer));
  const auto again = as_codes_say(book_of(r), decoded);
  for (const auto& [id, v] : decoded) // who keeps originals loses nothing
    REQUIRE(read.at(id) == (keep ? v : again.at(id)));
  CHECK(codes_in(r) == (keep ? 600 : 1'000));
  if (!keep)
    CHECK(mean_distance(again, vectors_of(1'000, 400)) < 0.3);
}

TEST_CASE("vectors that have become others get a codebook of their own") {
  coded_store s;
  auto how = quick_coding();
  how.vectors_min = 2'000; // what is told of fewer is too good to judge others by
  const auto first = s.merge({s.write(vectors_of(0, 3'000))}, how);
  const auto old_book = book_of(s.open(first));
  const auto alike = s.merge({first, s.write(vectors_of(10'000, 3'000))}, how);
  CHECK(book_of(s.open(alike)) == old_book);
  const auto others = vectors_of(20'000, 3'000, 1);
  const auto r = s.open(s.merge({first, s.write(others)}, how));
  const auto book = book_of(r);
  CHECK_FALSE(book == old_book);
  CHECK(codes_in(r) == 6'000);
  const auto now = as_codes_say(book, others);
  CHECK(mean_distance(now, others) < 0.7 * mean_distance(as_codes_say(old_book, others), others));
  // Those that were codes were decoded and coded again.
  const auto read = vectors_in(r);
  for (const auto& [id, v] : as_codes_say(book, vectors_in(s.open(first))))
    REQUIRE(read.at(id) == v);
  CHECK(codes_in(s.open(s.merge({first, s.write(others)}, quick_coding(true)))) == 3'000);
}

TEST_CASE("nothing of vectors that were forgotten or replaced is in the new file") {
  coded_store s;
  const auto all = vectors_of(0, 600);
  const auto newer = vectors_of(0, 100, 1);
  const auto old_run = s.write(all);
  REQUIRE(contains(s.bytes(old_run), all.at(cid(500))));
  std::vector<concept_id> gone;
  for (std::uint64_t i = 200; i != 300; ++i)
    gone.push_back(cid(i));
  const auto made = s.merge({old_run, s.write(newer), s.forget(gone)});
  const auto r = s.open(made);
  CHECK(codes_in(r) == 500);
  for (const auto& [id, v] : both(all, newer))
    REQUIRE_FALSE(contains(s.bytes(made), v));
  const auto read = vectors_in(r);
  for (const concept_id& id : gone)
    REQUIRE_FALSE(read.contains(id));
  // A codebook that tells nothing any more goes too.
  std::vector<concept_id> rest;
  for (std::uint64_t i = 0; i != 600; ++i)
    rest.push_back(cid(i));
  const auto few = vectors_of(2'000, 10);
  for (const bool keep : {false, true}) {
    const auto left = s.open(s.merge({made, s.forget(rest), s.write(few)}, quick_coding(keep)));
    CHECK(left.header().version == 1);
    CHECK(vectors_in(left) == few);
  }
}

TEST_CASE("a sample stays small, and is even") {
  coded_store s;
  auto how = quick_coding();
  how.rounds = 1;
  const auto r = s.open(s.merge({s.write(vectors_of(0, 20'000))}, how, 50'000));
  CHECK(codes_in(r) == 20'000);
  CHECK(book_of(r).trained_rows() == 10'000); // every second one
}
