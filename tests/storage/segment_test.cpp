// Segments of snapshots, written and read back, on a real disk and in memory.

#include "tests/storage/segment_fixture.hpp"

#include "storage/span_ranges.hpp"

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

void check_round_trip(const env& e, const std::string& folder, random_graph& g,
                      std::uint64_t number) {
  const graph_snapshot& s = g.newest();
  const auto ref = need(write_segment(e, folder, identity(number), s, all_of(s)));
  const auto opened = segment_reader::open(e, folder, ref, 0xC0FFEE);
  const segment_reader& r = need(opened);
  const auto expected = describe(s);
  REQUIRE(r.concept_count() == expected.size());
  REQUIRE(r.header().last_sequence == s.sequence());
  REQUIRE(r.header().timestamp_us == s.timestamp());
  REQUIRE(need(r.verify()) == ref.bytes);
  REQUIRE(need(r.kinds()) == kind_names);
  std::uint64_t index = 0;
  for (const auto& [id, text] : expected) {
    REQUIRE(describe(r, *need(r.at(index++))) == text);
    const segment_concept* const found = need(r.find(id));
    REQUIRE(found != nullptr);
    REQUIRE(describe(r, *found) == text);
  }
  for (std::size_t n = 0; n != g.names(); ++n)
    REQUIRE((need(r.find(g.id(n))) != nullptr) == expected.contains(g.id(n)));
  for (std::uint64_t n = 0; n != 50; ++n) {
    const concept_id absent = concept_id::from_halves(g.random().next(), g.random().next());
    REQUIRE(need(r.search(absent)) == nullptr);
    REQUIRE(need(r.find(absent)) == nullptr);
  }
}

} // namespace

TEST_CASE("segment: what a snapshot has is read back, in memory") {
  for (std::uint64_t seed = 1; seed <= sweep(60); ++seed) {
    INFO("seed " << seed);
    const env e(new_disk(seed));
    random_graph g(seed, 1 + seed * 3, seed % 2 == 0);
    for (std::uint64_t number = 1; number <= 3; ++number) {
      g.change(seed * 8);
      check_round_trip(e, "/s", g, number);
    }
  }
}

TEST_CASE("segment: what a snapshot has is read back, from a real disk") {
  const real_folder folder;
  random_graph g(7, 3'000);
  g.change(30'000);
  check_round_trip(env(), folder.path, g, 1);
}

TEST_CASE("segment: nothing is a segment too") {
  const env e(new_disk());
  random_graph g(1, 1);
  check_round_trip(e, "/s", g, 1);
}

TEST_CASE("segment: payloads lie as the arena's blocks do") {
  const real_folder folder;
  for (const env& e : {env(), env(new_disk())}) {
    const std::string path = e.list("/s") ? "/s" : folder.path;
    random_graph g(3, 600);
    g.change(6'000);
    const auto ref = need(write_segment(e, path, identity(1), g.newest(), all_of(g.newest())));
    const auto opened = segment_reader::open(e, path, ref, 0xC0FFEE);
    const segment_reader& r = need(opened);
    arena memory(std::size_t{16} << 20);
    span_ranges ranges(memory);
    const std::size_t spans =
      static_cast<std::size_t>((r.payloads().bytes + span_bytes - 1) / span_bytes);
    const handle first = ranges.take(spans);
    {
      const auto mapped = r.map_payloads(memory.at(first));
      REQUIRE(mapped);
      const auto at = [&](std::uint64_t offset) {
        return offset == 0
                 ? const_bytes()
                 : payload_pool::bytes_at(
                   memory.base(),
                   first + static_cast<handle>((offset - r.payloads().offset) / handle_unit));
      };
      for (std::uint64_t i = 0; i != r.concept_count(); ++i) {
        const segment_concept& c = *need(r.at(i));
        const std::string_view content = need(r.content(c));
        REQUIRE(std::ranges::equal(at(c.content_at), std::as_bytes(std::span(content))));
        REQUIRE(std::ranges::equal(at(c.vector_at), std::as_bytes(need(r.vector(c)).floats())));
        const const_bytes extras = at(c.extras_at);
        if (!extras.empty()) {
          const auto* head = reinterpret_cast<const node_extras*>(extras.data());
          CHECK(head->name_bytes == need(r.extras(c)).name.size());
          CHECK(head->attribute_bytes == need(r.extras(c)).attributes.size());
        }
      }
    }
    ranges.give_back(first, spans);
  }
}

TEST_CASE("segment: a hub's associations go through in order, many pieces long") {
  const env e(new_disk());
  builder_fixture g;
  for (std::uint64_t i = 0; i != 5'000; ++i)
    g.write(op::learn_association{"hub", cid(i), static_cast<kind_id>(i % 5)});
  REQUIRE(g.publish().empty());
  const auto ref = need(write_segment(e, "/s", identity(1), g.newest(), all_of(g.newest())));
  const auto opened = segment_reader::open(e, "/s", ref, 0xC0FFEE);
  const segment_concept* const hub = need(need(opened).find(named("hub")));
  REQUIRE(hub != nullptr);
  CHECK(need(opened).concept_count() == 1); // nobody needs the other placeholders
  CHECK_FALSE(hub->has(segment_concept::learned));
  const auto list = need(need(opened).associations(*hub));
  REQUIRE(list.size() == 5'000);
  for (std::uint64_t i = 0; i != 5'000; ++i)
    REQUIRE(list[i].target == cid(i));
}

TEST_CASE("segment: a change leaves to older segments what it is told to, and says what went") {
  const env e(new_disk());
  builder_fixture g;
  g.write(op::learn_concept{cid(1), "one"});
  g.write(op::learn_association{cid(1), cid(2)});
  g.write(op::learn_concept{cid(3), "three"});
  REQUIRE(g.publish().empty());
  const graph_snapshot& s = g.newest();
  const std::vector<segment_change> changes{{cid(1), *s.index_of(cid(1)), false, false},
                                            {cid(2), 1},                   // a bare placeholder
                                            {cid(3), *s.index_of(cid(1))}, // of somebody else
                                            {cid(4)}};
  const auto ref = need(write_segment(e, "/s", identity(1), s, changes));
  const auto opened = segment_reader::open(e, "/s", ref, 0xC0FFEE);
  const segment_reader& r = need(opened);
  CHECK(need(r.verify()) == ref.bytes);
  CHECK(need(r.at(0))->flags
        == (segment_concept::learned | segment_concept::older_payload
            | segment_concept::older_associations));
  CHECK(need(r.content(*need(r.at(0)))).empty());
  CHECK(need(r.associations(*need(r.at(0)))).empty());
  for (std::uint64_t i = 1; i != 4; ++i)
    CHECK(need(r.at(i))->flags == segment_concept::forgotten);
  CHECK(r.header().forgotten == 3);
}

TEST_CASE("segment: a file of the same number that a crash left does not show through") {
  const auto faults = new_disk();
  const env e(faults);
  random_graph g(5, 100);
  g.change(1'000);
  const auto large = need(write_segment(e, "/s", identity(1), g.newest(), all_of(g.newest())));
  builder_fixture small;
  REQUIRE(small.apply(op::learn_concept{"a", "b"}) == errc::ok);
  const auto ref =
    need(write_segment(e, "/s", identity(1), small.newest(), all_of(small.newest())));
  CHECK(ref.bytes < large.bytes);
  CHECK(need(need(segment_reader::open(e, "/s", ref, 0xC0FFEE)).verify()) == ref.bytes);
  CHECK(faults->content("/s/segment-1.cmseg").size() == ref.bytes);
}

TEST_CASE("segment: a plan that is not kept is found out") {
  const env e(new_disk());
  const std::string content = "content";
  segment_entry entry;
  entry.id = cid(1);
  entry.flags = segment_concept::learned;
  entry.content = std::as_bytes(std::span(content));
  segment_plan none;
  auto w = segment_writer::create(e, "/s", identity(1), none);
  REQUIRE(w);
  CHECK(w->add(entry).error().code == errc::internal);
  segment_plan more;
  more.add(entry, 1);
  w = segment_writer::create(e, "/s", identity(1), more);
  REQUIRE(w);
  REQUIRE(w->add(entry));
  const auto done = w->finish();
  CHECK(done.error().code == errc::internal);
  CHECK_THAT(done.error().detail, ContainsSubstring("segment-1.cmseg at offset"));
  CHECK(segment_reader::open(e, "/s/segment-1.cmseg").error().code == errc::corrupt);
}

TEST_CASE("segment: another file under a name that the manifest has is not taken") {
  const env e(new_disk());
  random_graph g(5, 20);
  g.change(100);
  auto ref = need(write_segment(e, "/s", identity(1), g.newest(), all_of(g.newest())));
  CHECK(segment_reader::open(e, "/s", ref, 0xC0FFEE));
  CHECK(segment_reader::open(e, "/s", ref, 0xC0FFEF).error().code == errc::corrupt);
  ++ref.checksum;
  const auto other = segment_reader::open(e, "/s", ref, 0xC0FFEE);
  CHECK(other.error().code == errc::corrupt);
  CHECK_THAT(other.error().detail, ContainsSubstring("/s/segment-1.cmseg")
                                     && ContainsSubstring("not the file that the manifest names"));
  ref.number = 2;
  CHECK(segment_reader::open(e, "/s", ref, 0xC0FFEE).error().code == errc::not_found);
}

TEST_CASE("segment: a call that fails once or for ever is a clean error, and a short one none") {
  random_graph g(9, 200);
  g.change(2'000);
  const auto all = all_of(g.newest());
  const auto expected = describe(g.newest());
  for (const fault f : {fault::eio, fault::enospc, fault::sync_eio, fault::short_io, fault::eintr})
    for (const bool for_ever : {false, true})
      for (std::uint64_t n = 0, hit = 1; hit != 0; ++n) {
        INFO(to_string(f) << (for_ever ? " for ever" : "") << ", call " << n);
        const auto faults = new_disk();
        const env e(faults);
        faults->inject(f, n, for_ever);
        const auto ref = write_segment(e, "/s", identity(1), g.newest(), all);
        hit = faults->hit();
        REQUIRE((hit != 0 || ref));
        if (!ref) {
          REQUIRE((f == fault::eio || f == fault::enospc || f == fault::sync_eio));
          REQUIRE(ref.error().code == (f == fault::enospc ? errc::disk_full : errc::io_error));
          continue;
        }
        REQUIRE((hit == 0 || f == fault::short_io || f == fault::eintr));
        faults->heal();
        faults->power_cut(n); // what was finished stays
        const auto r = segment_reader::open(e, "/s", *ref, 0xC0FFEE);
        REQUIRE(need(need(r).verify()) == ref->bytes);
      }
}

TEST_CASE("segment: a read that fails is reported, and the next one starts anew") {
  random_graph g(9, 200);
  g.change(2'000);
  const auto faults = new_disk();
  const env e(faults);
  const auto ref = need(write_segment(e, "/s", identity(1), g.newest(), all_of(g.newest())));
  const auto expected = describe(g.newest());
  for (const fault f : {fault::eio, fault::bit_flip, fault::truncation, fault::short_io}) {
    std::size_t unnoticed = 0;
    for (std::uint64_t n = 0, hit = 1; hit != 0; ++n) {
      INFO(to_string(f) << ", call " << n);
      faults->inject(f, n);
      auto r = segment_reader::open(e, "/s", ref, 0xC0FFEE);
      const auto verified = r ? r->verify() : result<std::uint64_t>(r.error());
      hit = faults->hit();
      faults->heal();
      unnoticed += hit != 0 && verified;
      if (hit == 0 || f == fault::short_io)
        REQUIRE(verified);
      else if (f == fault::eio)
        REQUIRE(verified.error().code == errc::io_error);
      else
        REQUIRE((verified || verified.error().code == errc::corrupt));
      if (r && f == fault::eio)
        for (const auto& [id, text] : expected)
          REQUIRE(describe(*r, *need(r->find(id))) == text);
      faults->power_cut(1); // the disk is whole again
    }
    if (f == fault::bit_flip)
      CHECK(unnoticed <= 1); // in the mapping, which is read after its bytes were verified
  }
}
