#include "storage/segment_merge.hpp"
#include "tests/storage/checkpoint_fixture.hpp"

using namespace cmem;
using namespace cmem::test;

namespace {

struct merged_store {
  std::shared_ptr<fault_env> disk = new_disk();
  env e{disk};

  checkpoint_files open() const {
    auto opened = open_checkpoint(e, "/s");
    if (!opened)
      FAIL(to_string(opened.error()));
    return std::move(*opened);
  }
};

/// Writes one segment of entries that have no associations; the entries' flags are as given.
void write(const env& e, manifest_file& m, const std::vector<segment_entry>& entries) {
  segment_plan plan;
  for (const segment_entry& entry : entries)
    plan.add(entry, 0);
  manifest next = m.current();
  segment_identity i = identity(next.next_segment++);
  i.first_sequence = i.last_sequence = ++next.checkpoint;
  auto w = segment_writer::create(e, "/s", i, plan);
  REQUIRE(w);
  for (const segment_entry& entry : entries)
    REQUIRE(w->add(entry));
  next.segments.push_back(need(w->finish()));
  REQUIRE(m.update(next));
}

segment_entry entry(const concept_id& id, std::uint32_t flags, std::string_view content = "") {
  segment_entry made;
  made.id = id;
  made.flags = flags;
  made.content = std::as_bytes(std::span(content));
  return made;
}

/// "00…1: content", each in a line.
std::string contents(const checkpoint_files& files) {
  segment_merge merge(files.segments);
  std::string text;
  for (concept_parts p; need(merge.next(p));)
    text += p.head.record->id.hex().substr(31) + ": "
            + std::string(need(p.payload.in->content(*p.payload.record))) + "\n";
  return text;
}

manifest empty_store() {
  manifest m;
  m.store = 0xC0FFEE;
  m.kinds = kind_names;
  return m;
}

} // namespace

TEST_CASE("segment_merge: of any checkpoints, what the newest graph has, in the order of ids") {
  for (std::uint64_t seed = 1; seed <= sweep(40); ++seed) {
    INFO("seed " << seed);
    merged_store s;
    random_graph g(seed, 60);
    auto m = manifest_file::create(s.e, "/s", new_store(g));
    REQUIRE(m);
    known_graph before;
    for (int round = 0; round != 6; ++round) {
      g.change(seed % 2 == 0 ? 40 : 400);
      REQUIRE(checkpoint(s.e, "/s", *m, g.newest(), before, round == 3 && seed % 3 == 0));
      before = know(g.newest());
    }
    const checkpoint_files files = s.open();
    segment_merge merge(files.segments);
    std::map<concept_id, std::string> got;
    concept_id last;
    for (concept_parts p; need(merge.next(p)); last = p.head.record->id) {
      REQUIRE((got.empty() || last < p.head.record->id));
      got[p.head.record->id] = describe(p);
    }
    for (const auto& [id, k] : before)
      if (k.learned || got.contains(id)) // others have no record where they lead nowhere
        REQUIRE(got[id] == k.whole);
      else
        REQUIRE(k.whole.find(" ->") == std::string::npos);
    for (const auto& [id, text] : got)
      REQUIRE(before.contains(id));
  }
}

TEST_CASE("segment_merge: newer records stand before older ones, and tombstones end what was") {
  constexpr auto learned = segment_concept::learned;
  constexpr auto forgotten = segment_concept::forgotten;
  constexpr auto older = segment_concept::learned | segment_concept::older_payload;
  merged_store s;
  auto m = manifest_file::create(s.e, "/s", empty_store());
  REQUIRE(m);
  CHECK(contents(s.open()) == "");
  write(s.e, *m,
        {entry(cid(1), learned, "a"), entry(cid(2), learned, "b"), entry(cid(4), learned, "d")});
  CHECK(contents(s.open()) == "1: a\n2: b\n4: d\n");
  write(s.e, *m,
        {entry(cid(1), forgotten), entry(cid(2), older), entry(cid(3), learned, "c"),
         entry(cid(9), forgotten)});
  CHECK(contents(s.open()) == "2: b\n3: c\n4: d\n");
  write(s.e, *m, {}); // says nothing
  CHECK(contents(s.open()) == "2: b\n3: c\n4: d\n");
  write(s.e, *m, {entry(cid(1), learned, "anew"), entry(cid(2), older), entry(cid(4), forgotten)});
  CHECK(contents(s.open()) == "1: anew\n2: b\n3: c\n");
  write(s.e, *m, {entry(cid(0), learned, "first"), entry(cid(4), learned, "again")});
  CHECK(contents(s.open()) == "0: first\n1: anew\n2: b\n3: c\n4: again\n");
}

TEST_CASE("D3: segment_merge: a part that no older segment has is corrupt, naming the file") {
  merged_store s;
  auto m = manifest_file::create(s.e, "/s", empty_store());
  REQUIRE(m);
  const auto flags = segment_concept::learned | segment_concept::older_payload;
  SECTION("nothing older") { write(s.e, *m, {}); }
  SECTION("what was older ended") {
    write(s.e, *m, {entry(cid(1), segment_concept::learned, "a")});
    write(s.e, *m, {entry(cid(1), segment_concept::forgotten)});
  }
  write(s.e, *m, {entry(cid(0), segment_concept::learned, "fine"), entry(cid(1), flags)});
  const checkpoint_files files = s.open();
  segment_merge merge(files.segments);
  concept_parts p;
  CHECK(need(merge.next(p)));
  const auto next = merge.next(p);
  REQUIRE_FALSE(next);
  CHECK(next.error().code == errc::corrupt);
  CHECK_THAT(next.error().detail, Catch::Matchers::ContainsSubstring(files.segments.back().path()));
}
