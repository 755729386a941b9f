// D3: codes, their codebook and the way to it are reported where they are damaged, and never
// followed.

#include "storage/graph_loader.hpp"
#include "tests/storage/coded_fixture.hpp"

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

struct damaged_codes {
  coded_store s;
  coded_store::vectors all = vectors_of(0, 600);
  segment_ref ref;
  std::string path;
  std::vector<std::byte> good;
  segment_header h;
  coded_store::vectors expected;

  damaged_codes() {
    all[cid(5)] = {};
    const auto coded = s.merge({s.write(all)});
    ref = s.merge({coded, s.write(vectors_of(1'000, 3))}, quick_coding(true)); // and some floats
    path = "/s/" + segment_file_name(ref.number);
    good = s.bytes(ref);
    std::memcpy(&h, good.data(), sizeof h);
    expected = vectors_in(s.open(ref));
  }
  [[nodiscard]] std::size_t section() const {
    return static_cast<std::size_t>(h.at(segment_section::vectors).offset);
  }
  [[nodiscard]] static std::size_t codebook_block() {
    return segment_block_size(vector_codebook::bytes_of(some_vectors::dimension));
  }
  /// Of the block of the n-th vector.
  [[nodiscard]] std::size_t block(std::size_t n) const {
    return section() + codebook_block() + n * segment_block_size(coded_vector_bytes(8));
  }
  void judge(const failure& f) const {
    REQUIRE(f.code == errc::corrupt);
    REQUIRE_THAT(f.detail, ContainsSubstring(path + " is corrupt at offset "));
  }
  /// Maps it as an engine would.
  result<void> map() const {
    const auto r = segment_reader::open(s.e, path);
    if (!r)
      return r.error();
    arena memory(std::size_t{64} << 20);
    span_ranges ranges(memory);
    auto placed = need(place_payloads(*r, ranges));
    const auto mapped = r->map_payloads(memory.at(placed.first));
    return mapped ? result<void>() : mapped.error();
  }
  /// What is said of bytes that are under right checksums, by whoever reads, maps and verifies.
  std::string spoil(std::size_t at, const std::vector<std::uint8_t>& with) {
    auto bytes = good;
    for (std::size_t i = 0; i != with.size(); ++i)
      bytes[at + i] = static_cast<std::byte>(with[i]);
    reseal(bytes);
    s.disk->set_content(path, bytes);
    const auto mapped = map();
    REQUIRE_FALSE(mapped);
    judge(mapped.error());
    const auto r = segment_reader::open(s.e, path);
    if (!r) {
      judge(r.error());
      return r.error().detail;
    }
    const auto verified = r->verify();
    REQUIRE_FALSE(verified);
    judge(verified.error());
    return verified.error().detail;
  }
};

} // namespace

TEST_CASE("D3: a flipped bit of codes or codebook is reported, and never read") {
  damaged_codes d;
  REQUIRE(d.map());
  splitmix random(4);
  const auto& v = d.h.at(segment_section::vectors);
  std::vector<float> room;
  for (std::size_t at = d.section(); at < v.end(); at += 1 + random.below(sweep(1) * 97)) {
    INFO("at " << at);
    auto bytes = d.good;
    bytes[at] ^= static_cast<std::byte>(1U << random.below(8));
    d.s.disk->set_content(d.path, bytes);
    const auto mapped = d.map();
    REQUIRE_FALSE(mapped);
    d.judge(mapped.error());
    const auto r = segment_reader::open(d.s.e, d.path);
    if (!r) {
      d.judge(r.error());
      continue;
    }
    for (std::uint64_t i = 0; i < r->concept_count(); i += 50) {
      const segment_concept& c = *need(r->at(i));
      if (const auto read = r->vector(c))
        REQUIRE(std::ranges::equal(read->read(room), d.expected.at(c.id)));
      else
        d.judge(read.error());
    }
    const auto verified = r->verify();
    REQUIRE_FALSE(verified);
    d.judge(verified.error());
  }
}

TEST_CASE("D3: what the checksums cannot see of codes, the other checks do") {
  damaged_codes d;
  const auto at = [&](std::size_t offset) { return "offset " + std::to_string(offset) + ": "; };
  const std::size_t book = d.section();
  // the codebook: its block, magic, dimension, parts, expected error, a centroid
  CHECK_THAT(d.spoil(book, {1}), ContainsSubstring(at(book) + "the codebook's block"));
  CHECK_THAT(d.spoil(book + 4, {1}), ContainsSubstring(at(book) + "the codebook's block"));
  CHECK_THAT(d.spoil(book + 8, {0}), ContainsSubstring(at(book) + "codebook: neither magic"));
  CHECK_THAT(d.spoil(book + 16, {31}), ContainsSubstring(at(book) + "codebook: "));
  CHECK_THAT(d.spoil(book + 20, {0}), ContainsSubstring(at(book) + "codebook: dimension 32 in 0"));
  CHECK_THAT(d.spoil(book + 20, {33}),
             ContainsSubstring(at(book) + "codebook: dimension 32 in 33"));
  CHECK_THAT(d.spoil(book + 38, {0xF8, 0x7F}), ContainsSubstring(at(book) + "codebook: the error"));
  CHECK_THAT(d.spoil(book + 40 + 4'000, {0, 0, 0xC0, 0x7F}),
             ContainsSubstring(at(book) + "a centroid"));
  // one more part: then no vector's codes are of the size
  CHECK_THAT(d.spoil(book + 20, {9}), ContainsSubstring("offset "));
  // codes: their block's head, the way back, the norm
  const std::size_t codes = d.block(3);
  CHECK_THAT(d.spoil(codes, {1}), ContainsSubstring(at(codes)));
  CHECK_THAT(d.spoil(codes + 4, {25}), ContainsSubstring(at(codes)));
  for (const std::size_t byte : {0U, 1U, 2U, 7U})
    CHECK_THAT(d.spoil(codes + 8 + byte, {0xAB}),
               ContainsSubstring(at(codes) + "codes do not lead to the codebook"));
  CHECK_THAT(d.spoil(codes + 22, {0xF0, 0x7F}), ContainsSubstring(at(codes) + "the norm"));
  CHECK_THAT(d.spoil(codes + 22, {0xF8, 0x7F}), ContainsSubstring(at(codes) + "the norm"));
  CHECK_THAT(d.spoil(codes + 23, {0xC0}), ContainsSubstring(at(codes) + "the norm"));
}

TEST_CASE("D3: a record that takes codebook or codes for something else is refused") {
  damaged_codes d;
  const auto record = static_cast<std::size_t>(d.h.at(segment_section::concepts).offset);
  const auto say = [&](std::size_t at, std::uint64_t value, std::size_t size) {
    auto bytes = d.good;
    std::memcpy(bytes.data() + at, &value, size);
    reseal(bytes);
    d.s.disk->set_content(d.path, bytes);
    const auto r = segment_reader::open(d.s.e, d.path);
    const auto verified = need(r).verify();
    REQUIRE_FALSE(verified);
    d.judge(verified.error());
    const auto c = need(r).at(0);
    if (c)
      CHECK_FALSE(need(r).vector(**c));
    return verified.error().detail;
  };
  CHECK_THAT(say(record + offsetof(segment_concept, vector_at), d.section(), 8),
             ContainsSubstring("outside"));
  CHECK_THAT(say(record + offsetof(segment_concept, vector_bytes), 23, 4),
             ContainsSubstring("outside"));
  CHECK_THAT(say(record + offsetof(segment_concept, vector_bytes), 128, 4),
             ContainsSubstring("block"));
  CHECK_THAT(say(record + offsetof(segment_concept, vector_at), d.block(2) + 16, 8),
             ContainsSubstring("block"));
}

TEST_CASE("D5: version and flag of codes go together") {
  damaged_codes d;
  const auto opened = [&](std::uint32_t version, std::uint32_t flags) {
    segment_header h = d.h;
    h.version = version;
    h.flags = flags;
    h = sealed(h);
    auto bytes = d.good;
    std::memcpy(bytes.data(), &h, sizeof h);
    d.s.disk->set_content(d.path, bytes);
    const auto r = segment_reader::open(d.s.e, d.path);
    return r ? errc::ok : r.error().code;
  };
  CHECK(opened(2, 3) == errc::ok);
  CHECK(opened(1, 3) == errc::corrupt); // an older program would not know the flag
  CHECK(opened(2, 1) == errc::corrupt);
  CHECK(opened(2, 7) == errc::corrupt);
  CHECK(opened(3, 3) == errc::unsupported);
}

TEST_CASE("D3: compaction: damaged codes are reported, and no file is left") {
  damaged_codes d;
  splitmix random(9);
  const compaction_job job = d.s.job({d.ref}, quick_coding());
  const auto& v = d.h.at(segment_section::vectors);
  for (std::size_t at = d.section(); at < v.end(); at += 1 + random.below(400)) {
    auto bytes = d.good;
    bytes[at] ^= static_cast<std::byte>(1U << random.below(8));
    d.s.disk->set_content(d.path, bytes);
    const auto made = d.s.try_merge(job);
    REQUIRE_FALSE(made);
    d.judge(made.error());
    REQUIRE(d.s.disk->content("/s/" + segment_file_name(job.number)).empty());
  }
}

TEST_CASE("D4: compaction: whatever call fails while vectors are coded, the next one succeeds") {
  coded_store s;
  const auto all = vectors_of(0, 320);
  const std::vector<segment_ref> run{s.write(all), s.write(vectors_of(0, 10, 1))};
  auto how = quick_coding();
  how.rounds = 1;
  const compaction_job job = s.job(run, how);
  for (const fault f :
       {fault::eio, fault::enospc, fault::sync_eio, fault::short_io, fault::eintr}) {
    bool hit = true;
    for (std::uint64_t n = 0; hit; n += 1 + n / 4) {
      INFO(to_string(f) << ", call " << n);
      s.disk->inject(f, n);
      const auto made = s.try_merge(job);
      hit = s.disk->hit();
      s.disk->heal();
      if (made) {
        REQUIRE(need(s.open(**made).verify()) == (*made)->bytes);
        REQUIRE(s.e.remove("/s/" + segment_file_name(job.number)));
      } else {
        REQUIRE(s.disk->content("/s/" + segment_file_name(job.number)).empty());
      }
    }
  }
  CHECK(codes_in(s.open(s.merge(run, how))) == 320);
}
