// What stands in the place of merged segments says what they said, and no more; whatever fails
// meanwhile, they are still there.

#include "storage/compaction.hpp"
#include "tests/storage/checkpoint_fixture.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::uint64_t all_at_once = ~std::uint64_t{0};

std::string path_of(std::uint64_t number) { return "/s/" + segment_file_name(number); }

result<std::optional<segment_ref>> compact(const env& e, const compaction_job& job,
                                           std::uint64_t step = all_at_once) {
  auto c = compaction::start(e, job);
  if (!c)
    return c.error();
  for (;;) {
    const auto done = c->step(step);
    if (!done)
      return done.error();
    if (*done)
      return c->made();
  }
}

// -- segments in a line of text: "1:La|23 2:L^|^ 3:P|1 4:T" is a concept 1 with content "a" and
// associations to 2 and 3, a concept 2 that leaves both to older segments, a placeholder with an
// association to 1, and a tombstone.

segment_ref write(const env& e, std::uint64_t number, const std::string& text,
                  segment_identity identity = {}) {
  struct record {
    segment_entry entry;
    std::string content;
    std::string targets;
  };
  std::vector<record> records;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const std::size_t bar = word.find('|');
    record& r = records.emplace_back();
    r.entry.id = cid(static_cast<std::uint64_t>(word[0] - '0'));
    r.entry.flags = word[2] == 'L'   ? segment_concept::learned
                    : word[2] == 'T' ? segment_concept::forgotten
                                     : 0;
    r.content = word.substr(3, bar == std::string::npos ? bar : bar - 3);
    if (bar != std::string::npos)
      r.targets = word.substr(bar + 1);
    if (r.content == "^")
      r.entry.flags |= segment_concept::older_payload;
    if (r.targets == "^")
      r.entry.flags |= segment_concept::older_associations;
  }
  segment_plan plan;
  for (record& r : records) {
    if (r.content != "^")
      r.entry.content = std::as_bytes(std::span(r.content));
    plan.add(r.entry, r.targets == "^" ? 0 : r.targets.size());
  }
  identity.store = 0xC0FFEE;
  identity.number = number;
  if (identity.kinds.empty())
    identity.kinds = kind_names;
  auto w = segment_writer::create(e, "/s", identity, plan);
  REQUIRE(w);
  for (const record& r : records) {
    REQUIRE(w->add(r.entry));
    for (const char t : r.targets)
      if (t != '^')
        REQUIRE(w->add(association_record{r.entry.id, cid(static_cast<std::uint64_t>(t - '0')),
                                          kinds::temporal, 0.5F, 1.0F, 1, 2}));
  }
  return need(w->finish());
}

std::string read(const env& e, const segment_ref& ref) {
  const auto r = segment_reader::open(e, "/s", ref, 0xC0FFEE);
  REQUIRE(need(need(r).verify()) == ref.bytes);
  std::string text;
  for (std::uint64_t i = 0; i != r->concept_count(); ++i) {
    const segment_concept& c = *need(r->at(i));
    text += (i == 0 ? "" : " ") + c.id.hex().substr(31) + ":";
    if (c.has(segment_concept::forgotten)) {
      text += "T";
      continue;
    }
    text += c.has(segment_concept::learned) ? "L" : "P";
    text += c.has(segment_concept::older_payload) ? "^" : std::string(need(r->content(c)));
    text += c.has(segment_concept::older_associations) ? "|^" : "|";
    for (const segment_association& a : need(r->associations(c)))
      text += a.target.hex().substr(31);
  }
  return text;
}

compaction_job job_of(std::vector<segment_ref> run, bool bottom) {
  compaction_job job{"/s", 0xC0FFEE, std::move(run), 0, bottom};
  for (const segment_ref& s : job.run)
    job.number = std::max(job.number, s.number + 1);
  return job;
}

/// What segments of these texts become, the oldest first; "none" if nothing is left.
std::string merged(const std::vector<std::string>& run, bool bottom) {
  const env e(new_disk());
  std::vector<segment_ref> refs;
  for (const std::string& text : run)
    refs.push_back(write(e, refs.size() + 1, text));
  const auto made = compact(e, job_of(refs, bottom));
  if (!made)
    return std::string(to_string(made.error().code));
  return *made ? read(e, **made) : "none";
}
/// The same of a run in the middle, then of one at the bottom.
std::string both(const std::vector<std::string>& run) {
  return merged(run, false) + ", " + merged(run, true);
}

// -- a store whose segments are merged

struct compacted_store {
  std::shared_ptr<fault_env> disk = new_disk();
  env e{disk};
  random_graph g;
  manifest_file m;
  known_graph now;
  std::vector<concept_id> ids;

  explicit compacted_store(std::uint64_t seed, std::size_t names)
    : g(seed, names), m(need(manifest_file::create(e, "/s", new_store(g)))) {
    for (std::size_t n = 0; n != names; ++n)
      ids.push_back(g.id(n));
  }
  void flush(std::size_t writes) {
    g.change(writes);
    REQUIRE(checkpoint(e, "/s", m, g.newest(), now, false));
    now = know(g.newest());
  }
  compaction_job job(std::size_t first, std::size_t count) const {
    const auto from = m.current().segments.begin() + static_cast<std::ptrdiff_t>(first);
    return {"/s",
            m.current().store,
            {from, from + static_cast<std::ptrdiff_t>(count)},
            m.current().next_segment,
            first == 0};
  }
  /// As an owner does it: merges, names what was made, removes what it replaces.
  void merge(std::size_t first, std::size_t count, std::uint64_t step) {
    const compaction_job j = job(first, count);
    const auto made = need(compact(e, j, step));
    manifest next = m.current();
    const auto at = next.segments.begin() + static_cast<std::ptrdiff_t>(first);
    const auto rest = next.segments.erase(at, at + static_cast<std::ptrdiff_t>(count));
    if (made)
      next.segments.insert(rest, *made);
    ++next.next_segment;
    REQUIRE(m.update(next));
    REQUIRE(need(remove_unnamed(e, "/s", next)).size() == count);
    if (made)
      check_made(j, *made);
  }
  void check_made(const compaction_job& j, const segment_ref& made) {
    const auto r = segment_reader::open(e, "/s", made, j.store);
    REQUIRE(need(need(r).verify()) == made.bytes);
    const segment_header& h = r->header();
    REQUIRE(h.first_sequence == j.run.front().first_sequence);
    REQUIRE(h.last_sequence == j.run.back().last_sequence);
    REQUIRE((h.forgotten == 0 || !j.bottom));
    REQUIRE(need(r->kinds()) == kind_names);
    if (j.run.back().last_sequence == g.newest().sequence())
      REQUIRE(h.timestamp_us == g.newest().timestamp());
  }
  /// All that it has.
  std::map<concept_id, std::string> whole() const {
    const auto files = open_checkpoint(e, "/s");
    segment_merge merge(need(files).segments);
    std::map<concept_id, std::string> all;
    for (concept_parts p; need(merge.next(p));)
      all[p.head.record->id] = describe(p);
    return all;
  }
};

std::map<std::string, std::vector<std::byte>> files(const fault_env& disk, const env& e) {
  std::map<std::string, std::vector<std::byte>> all;
  for (const std::string& name : need(e.list("/s")))
    all[name] = disk.content("/s/" + name);
  return all;
}

} // namespace

TEST_CASE("compaction: the newest record stands, with the parts that it left to older ones") {
  CHECK(both({"1:La|2"}) == "1:La|2, 1:La|2");
  CHECK(both({"1:La|2 3:Lc|", "2:Lb|1"}) == "1:La|2 2:Lb|1 3:Lc|, 1:La|2 2:Lb|1 3:Lc|");
  CHECK(both({"1:La|2", "1:Lb|3"}) == "1:Lb|3, 1:Lb|3");
  CHECK(both({"1:La|2", "1:L^|3"}) == "1:La|3, 1:La|3");
  CHECK(both({"1:La|2", "1:Lb|^"}) == "1:Lb|2, 1:Lb|2");
  CHECK(both({"1:La|2", "1:L^|^"}) == "1:La|2, 1:La|2");
  CHECK(both({"1:La|2", "1:L^|3", "1:Lb|^"}) == "1:Lb|3, 1:Lb|3");
  CHECK(both({"1:La|2", "", "1:L^|^"}) == "1:La|2, 1:La|2");
  CHECK(both({"1:La|2", "1:L|"}) == "1:L|, 1:L|"); // with neither
}

TEST_CASE("compaction: what none of the run has is left to older segments, if there are any") {
  CHECK(both({"1:L^|2", "1:L^|^"}) == "1:L^|2, corrupt");
  CHECK(both({"1:La|^", "1:L^|^"}) == "1:La|^, corrupt");
  CHECK(both({"1:La|^", "1:L^|2"}) == "1:La|2, 1:La|2");
  CHECK(both({"1:L^|^", "1:Lb|2"}) == "1:Lb|2, 1:Lb|2");
  CHECK(both({"1:L^|^"}) == "1:L^|^, corrupt");
}

TEST_CASE("compaction: a tombstone ends what is older, and stays unless nothing older is left") {
  CHECK(both({"1:T"}) == "1:T, none");
  CHECK(both({std::string()}) == "none, none");
  CHECK(both({"1:La|2", "1:T"}) == "1:T, none");
  CHECK(both({"1:La|2 2:Lb|", "1:T"}) == "1:T 2:Lb|, 2:Lb|");
  CHECK(both({"1:T", "1:La|2"}) == "1:La|2, 1:La|2");
  CHECK(both({"1:La|2", "1:T", "1:Lb|3"}) == "1:Lb|3, 1:Lb|3");
  CHECK(both({"1:La|2", "1:Lb|3", "1:T", "1:T"}) == "1:T, none");
  // A tombstone ends a life: what was learned after it leaves nothing to what was before.
  CHECK(both({"1:La|2", "1:T", "1:L^|3"}) == "corrupt, corrupt");
  CHECK(both({"1:La|2", "1:T", "1:Lb|^"}) == "corrupt, corrupt");
}

TEST_CASE("compaction: a placeholder has associations and no content to leave to newer records") {
  CHECK(both({"1:P|2"}) == "1:P|2, 1:P|2");
  CHECK(both({"1:P|2", "1:La|^"}) == "1:La|2, 1:La|2");
  CHECK(both({"1:P|2", "1:L^|^"}) == "1:L^|2, corrupt");
  CHECK(both({"1:La|2", "1:P|3"}) == "1:P|3, 1:P|3");
  CHECK(both({"1:P|2", "1:P|^"}) == "1:P|2, 1:P|2");
  CHECK(both({"1:P|^"}) == "1:P|^, corrupt");
  CHECK(both({"1:P|2", "1:T"}) == "1:T, none");
  CHECK(both({"1:La|2", "1:P^|3"}) == "1:P|3, 1:P|3"); // as no writer does it
}

TEST_CASE("compaction: the file is of the whole run, with the names of the newest") {
  const env e(new_disk());
  segment_identity a;
  a.first_sequence = 3;
  a.last_sequence = 7;
  a.timestamp = 100;
  a.vector_dimension = 2;
  segment_identity b = a;
  b.first_sequence = 8;
  b.last_sequence = 11;
  b.timestamp = 200;
  b.kinds = kind_names;
  b.kinds.emplace_back("sixth");
  const auto made = compact(e, job_of({write(e, 4, "1:La|2", a), write(e, 5, "2:T", b)}, false));
  const segment_ref ref = need(made).value();
  CHECK(ref.number == 6);
  CHECK(ref.first_sequence == 3);
  CHECK(ref.last_sequence == 11);
  const auto r = segment_reader::open(e, "/s", ref, 0xC0FFEE);
  CHECK(need(r).header().timestamp_us == 200);
  CHECK(need(r).header().vector_dimension == 2);
  CHECK(need(r).header().forgotten == 1);
  CHECK(need(need(r).kinds()) == b.kinds);
}

TEST_CASE("compaction: any runs, in any order: the store has what it had") {
  for (std::uint64_t seed = 1; seed <= sweep(40); ++seed) {
    INFO("seed " << seed);
    compacted_store s(seed, 40);
    splitmix random(seed);
    for (std::uint64_t n = 3 + random.below(6); n != 0; --n)
      s.flush(seed % 2 == 0 ? 25 : 250);
    while (s.m.current().segments.size() > 1) {
      if (random.one_in(5))
        s.flush(30);
      const auto before = s.whole();
      const std::size_t all = s.m.current().segments.size();
      const std::size_t first = random.below(all);
      const std::size_t count = 1 + random.below(all - first);
      INFO("merges " << count << " from " << first << " of " << all);
      s.merge(first, count, random.one_in(2) ? 1 : all_at_once);
      REQUIRE(s.whole() == before);
      check_store(s.e, "/s", s.now, s.ids);
    }
    s.merge(0, 1, 1'000);
    REQUIRE(s.whole() == describe(s.g.newest()));
  }
}

TEST_CASE("compaction: nothing of what was forgotten or replaced is in the new file") {
  const auto disk = new_disk();
  const env e(disk);
  const std::vector<segment_ref> run{
    write(e, 1, "1:Lfirst-secret|2 2:Lsecond-secret| 3:Lkept|1 4:Lthird-secret|"),
    write(e, 2, "1:T 2:Lreplaced|"), write(e, 3, "4:T"), write(e, 4, "4:Lanew|")};
  for (const bool bottom : {false, true}) {
    const auto made = need(compact(e, job_of(run, bottom)));
    CHECK(read(e, *made) == std::string(bottom ? "" : "1:T ") + "2:Lreplaced| 3:Lkept|1 4:Lanew|");
    const auto bytes = disk->content(path_of(made->number));
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    CHECK(text.find("secret") == std::string_view::npos);
    CHECK(text.find("kept") != std::string_view::npos);
    REQUIRE(e.remove(path_of(made->number)));
  }
}

TEST_CASE("compaction: a step does about as much as it is told, also of one long list") {
  const auto disk = new_disk();
  const env e(disk);
  constexpr std::uint64_t list = 200'000;
  segment_plan plan;
  segment_entry hub;
  hub.id = cid(1);
  hub.flags = segment_concept::learned;
  plan.add(hub, list);
  auto w = segment_writer::create(e, "/s", identity(1), plan);
  REQUIRE(w);
  REQUIRE(w->add(hub));
  for (std::uint64_t i = 0; i != list; ++i)
    REQUIRE(w->add(association_record{hub.id, cid(i), kinds::causal, 0.5F, 1.0F, 1, 2}));
  const std::vector<segment_ref> run{need(w->finish()), write(e, 2, "1:La|^")};
  auto c = compaction::start(e, job_of(run, true));
  REQUIRE(c);
  const std::uint64_t syncs = disk->sites(fault::sync_eio);
  constexpr std::uint64_t step = 1U << 20;
  std::uint64_t before = 0;
  std::size_t steps = 0;
  for (bool done = false; !done; ++steps) {
    done = need(c->step(step));
    CHECK(c->bytes_done() - before <= 2 * step);
    before = c->bytes_done();
  }
  CHECK(steps >= 2 * list * sizeof(segment_association) / (2 * step));
  CHECK(c->bytes_done() <= c->bytes_planned());
  CHECK(disk->sites(fault::sync_eio) >= syncs + 5); // not all of it at the end
  CHECK(c->bytes_done() >= 2 * list * sizeof(segment_association));
  const auto made = segment_reader::open(e, "/s", c->made().value(), 0xC0FFEE);
  CHECK(need(need(made).verify()) == c->made()->bytes);
  CHECK(need(made).association_count() == list);
}

TEST_CASE("compaction: ended before its end, after any step, it leaves nothing") {
  compacted_store s(3, 20);
  for (int i = 0; i != 3; ++i)
    s.flush(60);
  const auto before = files(*s.disk, s.e);
  const compaction_job job = s.job(0, 3);
  bool written = false;
  for (std::uint64_t steps = 0;; ++steps) {
    bool done = false;
    {
      auto c = compaction::start(s.e, job);
      REQUIRE(c);
      for (std::uint64_t i = 0; i != steps && !done; ++i)
        done = need(c->step(1));
      written = written || files(*s.disk, s.e).size() > before.size();
    }
    if (done)
      break;
    REQUIRE(files(*s.disk, s.e) == before);
  }
  CHECK(written);
  CHECK(files(*s.disk, s.e).size() == before.size() + 1); // it was done
}

TEST_CASE("D4: compaction: whatever call fails, inputs stay, and the next one succeeds") {
  for (const fault f : {fault::eio, fault::enospc, fault::sync_eio, fault::short_io, fault::eintr,
                        fault::bit_flip, fault::truncation})
    for (const bool for_ever : {false, true})
      for (std::uint64_t n = 0, hit = 1; hit != 0; ++n) {
        INFO(to_string(f) << (for_ever ? " for ever" : "") << ", call " << n);
        compacted_store s(5, 12);
        for (int i = 0; i != 4; ++i)
          s.flush(40);
        const auto before = files(*s.disk, s.e);
        const auto whole = s.whole();
        s.disk->inject(f, n, for_ever);
        const auto made = compact(s.e, s.job(n % 2, 3), 1);
        hit = s.disk->hit();
        INFO(s.disk->hit_call());
        s.disk->heal();
        if (hit == 0 || f == fault::short_io || f == fault::eintr)
          REQUIRE(made);
        else if (f == fault::eio || f == fault::sync_eio)
          REQUIRE(made.error().code == errc::io_error);
        else if (f == fault::enospc)
          REQUIRE(made.error().code == errc::disk_full);
        else if (!made) // else a mapping had the bad bit, or a file was cut behind what is read
          REQUIRE((made.error().code == errc::corrupt || made.error().code == errc::unsupported));
        // It removes its file, unless that fails too.
        const auto left = need(remove_unnamed(s.e, "/s", s.m.current())).size();
        REQUIRE(left <= (made.has_value() || (f == fault::eio && for_ever) ? 1 : 0));
        REQUIRE(files(*s.disk, s.e) == before);
        if (f == fault::truncation)
          continue; // for good
        s.merge(n % 2, 3, 1);
        REQUIRE(s.whole() == whole);
      }
}

TEST_CASE("D2: compaction: the power goes at every call, and the store is as it was") {
  for (std::uint64_t n = 0, cut = 1; cut != 0; ++n) {
    INFO("call " << n);
    compacted_store s(6, 12);
    for (int i = 0; i != 3; ++i)
      s.flush(40);
    const auto whole = s.whole();
    const compaction_job job = s.job(0, 3);
    s.disk->inject(fault::power_off, n);
    const auto made = compact(s.e, job, 1);
    cut = s.disk->hit();
    REQUIRE(made.has_value() == (cut == 0));
    s.disk->power_cut(n);
    s.disk->heal();
    if (made) { // nothing of it was in memory alone
      const auto r = segment_reader::open(s.e, "/s", made->value(), job.store);
      REQUIRE(need(need(r).verify()) == (*made)->bytes);
    }
    REQUIRE(need(remove_unnamed(s.e, "/s", s.m.current())).size() <= 1);
    REQUIRE(s.whole() == whole);
  }
}

TEST_CASE("D3: compaction: a flipped bit is reported, or is of what does not go on") {
  compacted_store s(7, 16);
  for (int i = 0; i != 3; ++i)
    s.flush(30);
  const compaction_job job = s.job(0, 3);
  const std::string made = path_of(job.number);
  REQUIRE(compact(s.e, job));
  const auto expected = s.disk->content(made);
  REQUIRE(s.e.remove(made));
  splitmix random(1);
  std::size_t reported = 0;
  std::size_t tried = 0;
  for (const segment_ref& input : job.run) {
    const std::string path = path_of(input.number);
    const auto good = s.disk->content(path);
    for (std::size_t at = 0; at < good.size(); at += 1 + random.below(13), ++tried) {
      INFO(path << " at " << at);
      auto bad = good;
      bad[at] ^= static_cast<std::byte>(1U << random.below(8));
      s.disk->set_content(path, bad);
      const auto done = compact(s.e, job);
      if (done) {
        REQUIRE(s.disk->content(made) == expected);
        REQUIRE(s.e.remove(made));
        continue;
      }
      ++reported;
      REQUIRE((done.error().code == errc::corrupt || done.error().code == errc::unsupported));
      REQUIRE_THAT(done.error().detail, ContainsSubstring(path));
      REQUIRE((done.error().code == errc::unsupported
               || done.error().detail.find("offset") != std::string::npos));
      REQUIRE(s.disk->content(made).empty());
    }
    s.disk->set_content(path, good);
  }
  CHECK(reported > tried / 2);
}

TEST_CASE("D3: compaction: what went bad between its two passes is reported") {
  compacted_store s(8, 16);
  for (int i = 0; i != 2; ++i)
    s.flush(60);
  const compaction_job job = s.job(0, 2);
  const std::string input = path_of(job.run[0].number);
  auto bytes = s.disk->content(input);
  auto c = compaction::start(s.e, job);
  REQUIRE(c);
  REQUIRE_FALSE(need(c->step(1)));
  REQUIRE(need(remove_unnamed(s.e, "/s", s.m.current())).empty()); // it is planning
  bytes[sizeof(segment_header)] ^= std::byte{1}; // the first record, which was read once
  s.disk->set_content(input, bytes);
  for (;;) {
    const auto done = c->step(1);
    if (done) {
      REQUIRE_FALSE(*done);
      continue;
    }
    CHECK(done.error().code == errc::corrupt);
    CHECK_THAT(done.error().detail, ContainsSubstring(input + " is corrupt at offset 256"));
    break;
  }
}

TEST_CASE("D3: compaction: what no writer makes is refused, naming the file") {
  const auto disk = new_disk();
  const env e(disk);
  std::vector<segment_ref> run;
  std::string expected = "/s/segment-1.cmseg is corrupt at offset ";
  SECTION("an input that is another file than the manifest names") {
    run = {write(e, 1, "1:La|"), write(e, 2, "2:Lb|")};
    run[0].checksum ^= 1;
    expected += "0: it is not the file";
  }
  SECTION("vectors of another dimension") {
    segment_identity i;
    i.vector_dimension = 3;
    run = {write(e, 1, "1:La|", i), write(e, 2, "2:Lb|")};
    expected += "0: its vectors";
  }
  SECTION("a kind that the newest segment does not name") {
    segment_identity i;
    i.kinds = {"semantic"};
    run = {write(e, 1, "1:La|2"), write(e, 2, "2:Lb|", i)};
    expected += "384: an association of " + cid(1).hex() + " has a kind without a name";
  }
  SECTION("ids that do not ascend") {
    run = {write(e, 1, "1:T 2:T"), write(e, 2, "2:Lb|")};
    auto bytes = disk->content("/s/segment-1.cmseg");
    std::swap_ranges(bytes.begin() + 256, bytes.begin() + 384, bytes.begin() + 384);
    reseal(bytes);
    disk->set_content("/s/segment-1.cmseg", bytes);
    segment_header h;
    std::memcpy(&h, bytes.data(), sizeof h);
    run[0].checksum = h.checksum;
    expected += "384: the ids do not ascend";
  }
  const auto done = compact(e, job_of(run, true));
  REQUIRE_FALSE(done);
  CHECK(done.error().code == errc::corrupt);
  CHECK_THAT(done.error().detail, ContainsSubstring(expected));
  CHECK(disk->content("/s/segment-3.cmseg").empty());
}

TEST_CASE("compaction: an input that is gone is not_found") {
  const env e(new_disk());
  const auto job = job_of({write(e, 1, "1:La|"), write(e, 2, "2:Lb|")}, true);
  REQUIRE(e.remove("/s/segment-1.cmseg"));
  CHECK(compact(e, job).error().code == errc::not_found);
}

TEST_CASE("compaction: large segments pass through memory, and do not stay in it") {
  const auto resident_files = [] { // KiB, mapped from files
    std::ifstream status("/proc/self/status");
    std::int64_t sum = 0;
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("RssFile:") || line.starts_with("RssShmem:"))
        sum += std::stoll(line.substr(line.find(':') + 1));
    return sum;
  };
  const real_folder folder;
  const env e;
  const std::string content(std::size_t{1} << 20, 'x');
  std::vector<segment_ref> run;
  for (std::uint64_t number = 1; number <= 2; ++number) {
    std::vector<segment_entry> entries(24);
    segment_plan plan;
    for (std::size_t i = 0; i != entries.size(); ++i) {
      entries[i].id = cid(2 * i + number);
      entries[i].flags = segment_concept::learned;
      entries[i].content = std::as_bytes(std::span(content));
      plan.add(entries[i], 0);
    }
    auto w = segment_writer::create(e, folder.path, identity(number), plan);
    REQUIRE(w);
    for (const segment_entry& entry : entries)
      REQUIRE(w->add(entry));
    run.push_back(need(w->finish()));
  }
  auto c = compaction::start(e, {folder.path, 0xC0FFEE, run, 3, true});
  REQUIRE(c);
  const std::int64_t before = resident_files();
  std::int64_t peak = before;
  while (!need(c->step(1U << 20)))
    peak = std::max(peak, resident_files());
  CHECK(c->made().value().bytes > std::uint64_t{48} << 20);
  CHECK(peak - before < 20 * 1'024); // of 48 MiB
}
