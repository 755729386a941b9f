// Concepts and their neighbors straight from segments: the same as the snapshot that they hold.

#include "tests/storage/checkpoint_fixture.hpp"

#include <thread>

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string text_of(const std::vector<association_record>& list) {
  std::string text;
  for (const association_record& a : list)
    text += describe(a) + "\n";
  return text;
}

/// As cmem::neighbors() answers on the snapshot.
std::string expected_neighbors(const graph_snapshot& s, const concept_id& id,
                               const neighbor_filter& f) {
  std::vector<association_record> out;
  for (const neighbor& n : need(neighbors(s, id, direction::outgoing, f)))
    out.push_back({id, s.at(n.index).id(), n.kind, n.confidence, n.weight});
  return text_of(out);
}

std::string without_times(std::vector<association_record> list) {
  for (association_record& a : list)
    a.created = a.last_used = 0;
  return text_of(list);
}

} // namespace

TEST_CASE("cold_reader: many segments together are the snapshot") {
  for (std::uint64_t seed = 1; seed <= sweep(40); ++seed) {
    INFO("seed " << seed);
    const env e(std::make_shared<fault_env>(seed));
    random_graph g(seed, 20 + seed, seed % 2 == 0);
    auto m = manifest_file::create(e, "/s", new_store(g));
    REQUIRE(m);
    std::vector<concept_id> ids;
    for (std::size_t n = 0; n != g.names() + 5; ++n)
      ids.push_back(g.id(n));
    known_graph before;
    for (int round = 0; round != 12; ++round) {
      g.change(1 + g.random().below(120));
      const graph_snapshot& s = g.newest();
      REQUIRE(checkpoint(e, "/s", *m, s, before, g.random().one_in(10)));
      before = know(s);
      check_store(e, "/s", before, ids);
      const auto opened = cold_reader::open(e, "/s");
      const cold_reader& r = need(opened);
      REQUIRE(r.store() == m->current());
      for (const concept_id& id : ids) {
        const auto here = s.find(id);
        REQUIRE(need(r.outgoing(id)) == (here ? s.out(here->index()).size() : 0));
        if (!here)
          continue;
        REQUIRE(need(r.name(id)) == here->name());
        for (const neighbor_filter& f :
             {neighbor_filter{}, neighbor_filter{.kinds = {kinds::causal}},
              neighbor_filter{.confidence_min = 0.5F}, neighbor_filter{.limit = 2}})
          REQUIRE(without_times(need(r.neighbors(id, f))) == expected_neighbors(s, id, f));
        REQUIRE(r.neighbors(id, {.strength_min = 0.5F}).error().code == errc::unsupported);
      }
    }
  }
}

TEST_CASE("cold_reader: filters keep most segments out of a look-up, and change no answer") {
  const env e(std::make_shared<fault_env>());
  random_graph g(1, 4'000);
  auto m = manifest_file::create(e, "/s", new_store(g));
  REQUIRE(m);
  known_graph before;
  for (int round = 0; round != 20; ++round) {
    g.change(2'000);
    REQUIRE(checkpoint(e, "/s", *m, g.newest(), before, false));
    before = know(g.newest());
  }
  auto opened = cold_reader::open(e, "/s");
  REQUIRE(opened);
  REQUIRE(m->current().segments.size() == 20);
  for (std::uint64_t n = 0; n != 5'000; ++n)
    REQUIRE_FALSE(need(opened->learned(concept_id::from_halves(n, n))));
  auto counted = opened->counted();
  CHECK(counted.asked == 100'000);
  CHECK(counted.passed <= 1'000);
  CHECK(counted.found == 0);
  opened->use_filters(false);
  for (std::uint64_t n = 0; n != 100; ++n)
    REQUIRE_FALSE(need(opened->learned(concept_id::from_halves(n, n))));
  CHECK(opened->counted().passed == counted.passed + 2'000);
}

TEST_CASE("D6: a cold reader sees its checkpoint while a writer goes on, or the next one") {
  const real_folder folder;
  const env e;
  random_graph g(3, 50);
  const std::string path = folder.path + "/store";
  auto m = manifest_file::create(e, path, new_store(g));
  REQUIRE(m);
  g.change(300);
  REQUIRE(checkpoint(e, path, *m, g.newest(), {}, false));
  const known_graph first = know(g.newest());
  const auto opened = cold_reader::open(e, path);
  REQUIRE(opened);
  g.change(300);
  REQUIRE(checkpoint(e, path, *m, g.newest(), first, true)); // removes what `opened` reads
  std::vector<concept_id> ids;
  for (std::size_t n = 0; n != g.names(); ++n)
    ids.push_back(g.id(n));
  check_store(e, path, know(g.newest()), ids);
  for (const auto& [id, k] : first)
    if (k.learned)
      REQUIRE(describe(*need(opened->get(id)), {}, true) == k.whole.substr(0, k.whole.find(" ->")));
}

TEST_CASE("D6: a cold reader opens whole checkpoints beside a writer that never rests") {
  const real_folder folder;
  const env e;
  const std::string path = folder.path + "/store";
  random_graph g(6, 20);
  auto m = manifest_file::create(e, path, new_store(g));
  REQUIRE(m);
  std::atomic<bool> done{false};
  std::atomic<bool> stopped{false};
  std::atomic<std::uint64_t> opened{0};
  std::string failed; // the reader's, until it is joined
  result<void> written;
  std::thread reader([&] {
    std::uint64_t last = 0;
    while (!done.load() && failed.empty()) {
      const auto r = cold_reader::open(e, path);
      if (!r)
        failed = to_string(r.error());
      else if (r->store().checkpoint < last)
        failed = "it went back to " + std::to_string(r->store().checkpoint);
      else
        last = r->store().checkpoint;
      ++opened;
    }
    stopped = true;
  });
  // Each checkpoint removes what the one before is made of.
  for (std::size_t round = 0; round < sweep(300) || (opened.load() < 30 && !stopped.load());
       ++round) {
    g.change(10);
    written = checkpoint(e, path, *m, g.newest(), {}, true);
    if (!written)
      break;
  }
  done = true;
  reader.join();
  CHECK(written);
  CHECK(failed == "");
}

TEST_CASE("D3: a segment that is missing, and a part that no segment has, are corruption") {
  const auto faults = std::make_shared<fault_env>();
  const env e(faults);
  random_graph g(4, 10);
  REQUIRE(g.graph().apply(op::learn_concept{"a", "content"}) == errc::ok);
  auto m = manifest_file::create(e, "/s", new_store(g));
  REQUIRE(m);
  const auto index = *g.newest().index_of(named("a"));
  const std::vector<segment_change> change{{named("a"), index, false, false}};
  const auto ref = need(write_segment(e, "/s", identity(1), g.newest(), change));
  manifest next = m->current();
  next.next_segment = 2;
  next.segments.push_back(ref);
  REQUIRE(m->update(next));
  {
    const auto r = cold_reader::open(e, "/s");
    const auto got = need(r).get(named("a"));
    CHECK(got.error().code == errc::corrupt);
    CHECK_THAT(got.error().detail, ContainsSubstring("/s/segment-1.cmseg leaves a part of"));
    CHECK(need(r).neighbors(named("a")).error().code == errc::corrupt);
    CHECK(need(need(r).learned(named("a"))));
  }
  REQUIRE(e.remove("/s/segment-1.cmseg"));
  const auto lost = cold_reader::open(e, "/s");
  CHECK(lost.error().code == errc::corrupt);
  CHECK_THAT(lost.error().detail, ContainsSubstring("segment-1.cmseg: No such file")
                                    && ContainsSubstring("the manifest in /s names it"));
}

TEST_CASE("D3: a placeholder has no content to leave to a concept that was learned later") {
  const auto faults = std::make_shared<fault_env>();
  const env e(faults);
  random_graph g(6, 10);
  auto m = manifest_file::create(e, "/s", new_store(g));
  REQUIRE(m);
  manifest next = m->current();
  const auto add = [&](bool payload) {
    const auto index = *g.newest().index_of(named("a"));
    const std::vector<segment_change> change{{named("a"), index, payload, true}};
    const auto ref = write_segment(e, "/s", identity(next.next_segment), g.newest(), change);
    next.segments.push_back(need(ref));
    ++next.next_segment;
  };
  REQUIRE(g.graph().apply(op::learn_association{"a", "b"}) == errc::ok);
  add(true);
  REQUIRE(g.graph().apply(op::learn_concept{"a", "content"}) == errc::ok);
  add(false); // as no writer does it: what was a placeholder is said whole
  REQUIRE(m->update(next));
  const auto r = cold_reader::open(e, "/s");
  const auto got = need(r).get(named("a"));
  REQUIRE_FALSE(got);
  CHECK(got.error().code == errc::corrupt);
  CHECK_THAT(got.error().detail, ContainsSubstring("/s/segment-2.cmseg leaves a part of"));
}

TEST_CASE("D3: a bad piece is reported by whoever needs it, and by nobody else") {
  const auto faults = std::make_shared<fault_env>();
  const env e(faults);
  random_graph g(5, 4'000);
  auto m = manifest_file::create(e, "/s", new_store(g));
  REQUIRE(m);
  g.change(30'000);
  REQUIRE(checkpoint(e, "/s", *m, g.newest(), {}, false));
  const known_graph all = know(g.newest());
  auto bytes = faults->content("/s/segment-1.cmseg");
  segment_header h;
  std::memcpy(&h, bytes.data(), sizeof h);
  REQUIRE(h.at(segment_section::content).bytes > 2 * segment_block_bytes);
  bytes[static_cast<std::size_t>(h.at(segment_section::content).offset) + segment_block_bytes] ^=
    std::byte{1};
  faults->set_content("/s/segment-1.cmseg", bytes);
  const auto opened = cold_reader::open(e, "/s");
  std::size_t bad = 0;
  std::size_t good = 0;
  for (const auto& [id, k] : all) {
    if (!k.learned)
      continue;
    REQUIRE(need(opened).neighbors(id));
    const auto got = need(opened).get(id);
    if (got) {
      ++good;
      REQUIRE(describe(**got, {}, true) == k.whole.substr(0, k.whole.find(" ->")));
    } else {
      ++bad;
      REQUIRE(got.error().code == errc::corrupt);
    }
  }
  CHECK(bad > 0);
  CHECK(good > bad);
}
