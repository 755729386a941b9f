// D3: whatever happened to the bytes of a segment is reported with file and offset, and never
// returned as data.

#include "tests/storage/segment_fixture.hpp"

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A segment on a disk, all that it holds, and verbs to spoil it.
struct damaged_segment {
  static constexpr const char* path = "/s/segment-1.cmseg";

  std::shared_ptr<fault_env> faults = new_disk();
  env e{faults};
  random_graph g;
  segment_ref ref;
  std::map<concept_id, std::string> expected;
  std::vector<std::byte> good;

  damaged_segment(std::uint64_t seed, std::size_t names, std::size_t writes) : g(seed, names) {
    g.change(writes);
    ref = need(write_segment(e, "/s", identity(1), g.newest(), all_of(g.newest())));
    expected = describe(g.newest());
    good = faults->content(path);
  }

  void put(const std::vector<std::byte>& bytes) { faults->set_content(path, bytes); }

  static void judge(const failure& f) {
    REQUIRE((f.code == errc::corrupt || f.code == errc::unsupported));
    REQUIRE_THAT(f.detail, ContainsSubstring(path)
                             && (f.code == errc::unsupported ? ContainsSubstring("version")
                                                             : ContainsSubstring("offset")));
  }

  /// verify() reports it; without, each answer is right or a report.
  void must_be_reported() {
    const auto r = segment_reader::open(e, path);
    if (!r)
      return judge(r.error());
    for (const auto& [id, text] : expected) {
      const auto found = r->find(id);
      if (!found) {
        judge(found.error());
        continue;
      }
      REQUIRE(*found != nullptr);
      const auto content = r->content(**found);
      const auto vector = r->vector(**found);
      const auto extras = r->extras(**found);
      const auto list = r->associations(**found);
      if (content && vector && extras && list)
        REQUIRE(describe(*r, **found) == text);
    }
    const auto verified = r->verify();
    REQUIRE_FALSE(verified);
    judge(verified.error());
  }
};

/// Asks for everything, believing nothing.
void ask_all(const segment_reader& r, const std::vector<concept_id>& ids) {
  std::size_t sum = 0;
  const auto look = [&](const segment_concept& c) {
    if (const auto text = r.content(c))
      sum += static_cast<std::size_t>(std::count(text->begin(), text->end(), 'x'));
    std::vector<float> room;
    if (const auto v = r.vector(c))
      sum += v->read(room).size();
    if (const auto x = r.extras(c)) {
      attribute_reader attributes(x->attributes);
      for (attribute_update a; attributes.next(a);)
        sum += a.key.size() + a.value.value_or("").size();
    }
    if (const auto list = r.associations(c))
      sum += list->size();
  };
  for (std::uint64_t i = 0; i != r.concept_count(); ++i)
    if (const auto c = r.at(i))
      look(**c);
  for (const concept_id& id : ids)
    if (const auto c = r.find(id); c && *c != nullptr)
      look(**c);
  if (const auto names = r.kinds())
    sum += names->size();
  CHECK((r.verify() || sum != ~std::size_t{0}));
}

} // namespace

TEST_CASE("D3: every flipped bit of a segment is reported") {
  damaged_segment d(11, 6, 60);
  auto bytes = d.good;
  for (std::size_t bit = 0; bit != 8 * bytes.size(); ++bit) {
    INFO("bit " << bit);
    bytes[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    d.put(bytes);
    d.must_be_reported();
    bytes[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
  }
}

TEST_CASE("D3: verify goes on behind a bad piece for whoever is told") {
  damaged_segment d(12, 2'000, 9'000);
  auto bytes = d.good;
  std::vector<std::uint64_t> places;
  for (const segment_section s :
       {segment_section::concepts, segment_section::associations, segment_section::bloom}) {
    const segment_extent section =
      need(segment_reader::open(d.e, damaged_segment::path)).header().at(s);
    const std::uint64_t piece = (segment_pieces(section.bytes) - 1) * segment_block_bytes;
    places.push_back(section.offset + piece);
    bytes[static_cast<std::size_t>(section.end() - 1)] ^= std::byte{1};
  }
  d.put(bytes);
  const auto opened = segment_reader::open(d.e, damaged_segment::path);
  std::vector<std::string> faults;
  std::uint64_t read = 0;
  verify_watch watch;
  watch.on_fault = [&](const failure& f) { faults.push_back(f.detail); };
  watch.on_bytes = [&](std::uint64_t more) { read += more; };
  CHECK(need(need(opened).verify(watch)) == bytes.size());
  CHECK(read == bytes.size());
  REQUIRE(faults.size() == places.size());
  for (std::size_t i = 0; i != places.size(); ++i)
    CHECK_THAT(faults[i], ContainsSubstring("offset " + std::to_string(places[i]) + ":"));
  CHECK(places[0] > sizeof(segment_header)); // not the first piece
}

TEST_CASE("D3: verify names the first bad piece") {
  damaged_segment d(12, 2'600, 26'000);
  segment_header h;
  std::memcpy(&h, d.good.data(), sizeof h);
  for (const auto s : {segment_section::concepts, segment_section::associations,
                       segment_section::content, segment_section::extras}) {
    const segment_extent& section = h.at(s);
    REQUIRE(section.bytes > segment_block_bytes);
    const std::uint64_t second = section.offset + segment_block_bytes;
    auto bytes = d.good;
    bytes[static_cast<std::size_t>(second + 5)] ^= std::byte{1};
    bytes[static_cast<std::size_t>(d.good.size() - h.at(segment_section::checksums).bytes - 1)] ^=
      std::byte{1}; // a later one too
    d.put(bytes);
    const auto r = segment_reader::open(d.e, d.path);
    REQUIRE(r);
    CHECK_THAT(r->verify().error().detail, ContainsSubstring("segment-1.cmseg is corrupt at offset "
                                                             + std::to_string(second) + ": ")
                                             && ContainsSubstring("fail their checksum"));
  }
}

TEST_CASE("D3: what lies in several pieces is checked in all of them") {
  const auto faults = new_disk();
  const env e(faults);
  builder_fixture g;
  const std::string content(3 * segment_block_bytes, 'x');
  g.write(op::learn_concept{"hub", content});
  for (std::uint64_t i = 0; i != 3'000; ++i)
    g.write(op::learn_association{"hub", cid(i)});
  REQUIRE(g.publish().empty());
  const auto ref = need(write_segment(e, "/s", identity(1), g.newest(), all_of(g.newest())));
  const auto good = faults->content("/s/segment-1.cmseg");
  const segment_header h = need(segment_reader::open(e, "/s", ref, 0xC0FFEE)).header();
  for (const auto s : {segment_section::content, segment_section::associations})
    for (std::uint64_t piece = 0; piece != 3; ++piece) {
      INFO("section " << static_cast<int>(s) << ", piece " << piece);
      const std::uint64_t from = h.at(s).offset + piece * segment_block_bytes;
      REQUIRE(from + 100 < h.at(s).end());
      auto bytes = good;
      bytes[static_cast<std::size_t>(from + 100)] ^= std::byte{1};
      faults->set_content("/s/segment-1.cmseg", bytes);
      const auto opened = segment_reader::open(e, "/s", ref, 0xC0FFEE);
      const segment_concept* const hub = need(need(opened).find(named("hub")));
      REQUIRE(hub != nullptr);
      const auto text = need(opened).content(*hub);
      const auto list = need(opened).associations(*hub);
      CHECK(text.has_value() == (s != segment_section::content));
      CHECK(list.has_value() == (s != segment_section::associations));
      const failure& f = text ? list.error() : text.error();
      CHECK_THAT(f.detail, ContainsSubstring("corrupt at offset " + std::to_string(from) + ": "));
    }
}

TEST_CASE("D3: a segment that was cut anywhere, or grew, is reported") {
  damaged_segment d(13, 20, 200);
  for (std::size_t bytes = 0; bytes != d.good.size(); ++bytes) {
    INFO("cut to " << bytes);
    d.put({d.good.begin(), d.good.begin() + static_cast<std::ptrdiff_t>(bytes)});
    const auto r = segment_reader::open(d.e, d.path);
    REQUIRE_FALSE(r);
    d.judge(r.error());
  }
  auto longer = d.good;
  longer.push_back(std::byte{0});
  d.put(longer);
  CHECK(segment_reader::open(d.e, d.path).error().code == errc::corrupt);
}

TEST_CASE("D5: a segment of a later version is not read, and not called damaged") {
  damaged_segment d(13, 20, 200);
  segment_header h;
  std::memcpy(&h, d.good.data(), sizeof h);
  h.version = segment_version + 1;
  h.reserved[3] = 1;
  h = sealed(h);
  auto bytes = d.good;
  std::memcpy(bytes.data(), &h, sizeof h);
  d.put(bytes);
  const auto r = segment_reader::open(d.e, d.path);
  CHECK(r.error().code == errc::unsupported);
  CHECK_THAT(r.error().detail, ContainsSubstring("has format version 3"));
}

TEST_CASE("D3: bytes under right checksums that no writer writes are found out, or harmless") {
  std::vector<concept_id> ids;
  for (std::size_t round = 0; round != sweep(40); ++round) {
    damaged_segment d(100 + round, 12, 120);
    for (std::size_t n = 0; n != d.g.names(); ++n)
      ids.push_back(d.g.id(n));
    splitmix random(round);
    for (int variant = 0; variant != 200; ++variant) {
      auto bytes = d.good;
      for (std::uint64_t changes = 1 + random.below(4); changes != 0; --changes) {
        const std::size_t at =
          sizeof(segment_header) + random.below(bytes.size() - sizeof(segment_header));
        constexpr std::uint8_t ugly[] = {0x00, 0x01, 0x7F, 0x80, 0xFF};
        bytes[at] =
          static_cast<std::byte>(random.one_in(2) ? ugly[random.below(5)] : random.below(256));
      }
      reseal(bytes);
      d.put(bytes);
      if (const auto r = segment_reader::open(d.e, d.path))
        ask_all(*r, ids);
    }
  }
}

TEST_CASE("D3: what the checksums cannot see, the other checks do") {
  damaged_segment d(14, 8, 100);
  segment_header h;
  std::memcpy(&h, d.good.data(), sizeof h);
  const auto concept_at = [&](std::size_t i) {
    return static_cast<std::size_t>(h.at(segment_section::concepts).offset)
           + i * sizeof(segment_concept);
  };
  const auto spoil = [&](std::size_t at, std::uint8_t with) {
    auto bytes = d.good;
    bytes[at] ^= static_cast<std::byte>(with);
    reseal(bytes);
    d.put(bytes);
    const auto r = segment_reader::open(d.e, d.path);
    REQUIRE(r);
    const auto verified = r->verify();
    REQUIRE_FALSE(verified);
    d.judge(verified.error());
    return verified.error().detail;
  };
  // of the second concept: id, flags, an offset, a size, a count, a reserved byte
  CHECK_THAT(spoil(concept_at(0), 0xFF), ContainsSubstring("ascend") || ContainsSubstring("filter")
                                           || ContainsSubstring("source"));
  CHECK_THAT(spoil(concept_at(1) + 44, 0x80), ContainsSubstring("does not write"));
  CHECK_THAT(spoil(concept_at(1) + 35, 0x80), ContainsSubstring("strength")); // negative or NaN
  CHECK_THAT(spoil(concept_at(1) + 127, 1), ContainsSubstring("does not write"));
  CHECK_THAT(spoil(concept_at(1) + 70, 1), ContainsSubstring("outside"));
  CHECK_THAT(spoil(concept_at(1) + 83, 0x10), ContainsSubstring("associations"));
  // an association: kind, reserved byte
  const auto list = static_cast<std::size_t>(h.at(segment_section::associations).offset);
  CHECK_THAT(spoil(list + 57, 1), ContainsSubstring("kind without a name"));
  CHECK_THAT(spoil(list + 63, 1), ContainsSubstring("association"));
  CHECK_THAT(spoil(list, 1), ContainsSubstring("source"));
  // the head of the first block of extras, and the archive's
  const auto extras = static_cast<std::size_t>(h.at(segment_section::extras).offset);
  CHECK_THAT(spoil(extras + 16, 1), ContainsSubstring("block"));
  CHECK_THAT(spoil(extras + 24, 1), ContainsSubstring("name and attributes"));
  CHECK_THAT(spoil(extras, 1), ContainsSubstring("archive"));
  CHECK_THAT(spoil(static_cast<std::size_t>(h.at(segment_section::kinds).offset) + 1, 0x40),
             ContainsSubstring("names"));
}
