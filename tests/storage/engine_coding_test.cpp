// A store that does not keep original vectors: what its memory reads, before and after.

#include "storage/backup.hpp"
#include "storage/cold_reader.hpp"
#include "storage/nearest.hpp"
#include "storage/search.hpp"
#include "tests/storage/coded_fixture.hpp"
#include "tests/storage/store_fixture.hpp"

#include <atomic>
#include <set>
#include <thread>

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

using vectors = coded_store::vectors;

struct coding_memory : store_fixture {
  explicit coding_memory(bool keep_originals = false) {
    options.vector_dimension = some_vectors::dimension;
    options.log_capacity = 10'000;
    options.arena_bytes = std::size_t{64} << 20;
    options.store->vectors = quick_coding(keep_originals);
    options.store->compaction = compaction_policy::never(); // it is asked for
  }
  void learn_all(const vectors& all) {
    for (const auto& [id, v] : all)
      write(op::learn_concept{id, "content", v});
    reconcile();
  }
  void flush() {
    memory->ask_for_flush();
    reconcile();
    const auto done = memory->flush();
    if (!done)
      FAIL(to_string(done.error()));
  }
  result<void> compact_all() {
    std::atomic<bool> done{false};
    std::thread owner([&] {
      while (!done.load()) {
        reconcile();
        (void) memory->commit();
        (void) memory->flush();
        (void) memory->compact(10'000);
        std::this_thread::yield();
      }
    });
    auto answer = memory->await_compaction(std::chrono::minutes(2));
    done = true;
    owner.join();
    for (int i = 0; i != 10; ++i) // and what it made is read
      (void) memory->reconcile();
    return answer;
  }
  void must_compact() {
    if (const auto done = compact_all(); !done)
      FAIL(to_string(done.error()));
  }
  /// Until there is nothing to do.
  void index() {
    for (int steps = 0; memory->index_due() || memory->reconcile().published; ++steps) {
      REQUIRE(steps < 200);
      (void) memory->index_some();
      reconcile();
    }
  }
  void reopen() {
    REQUIRE(close().code == errc::ok);
    open();
  }
  vectors read() const { return vectors_of_snapshot(*memory->load()); }

  static vectors vectors_of_snapshot(const graph_snapshot& s) {
    vectors all;
    for (std::uint32_t i = 0; i != s.index_count(); ++i)
      if (s.is_learned(i))
        all[s.node(i).id] = s.at(i).copy().vector;
    return all;
  }
  /// What the store's one segment says.
  segment_reader only_segment() const {
    const env e(disk);
    const manifest m = need(read_manifest(e, "/s")).value;
    REQUIRE(m.segments.size() == 1);
    return need(segment_reader::open(e, "/s", m.segments[0], m.store));
  }
};

/// The nearest by comparing all of them.
std::vector<concept_id> nearest_of_all(const vectors& all, std::span<const float> query) {
  std::vector<std::pair<double, concept_id>> ranked;
  for (const auto& [id, v] : all) {
    double square = 0;
    for (std::size_t i = 0; i != v.size(); ++i)
      square += std::pow(static_cast<double>(v[i]) - static_cast<double>(query[i]), 2);
    ranked.emplace_back(square, id);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<concept_id> best;
  for (std::size_t i = 0; i != 10; ++i)
    best.push_back(ranked[i].second);
  return best;
}

std::vector<concept_id> found_near(const graph_snapshot& s, std::span<const float> query) {
  nearest_query q;
  q.vector = query;
  q.metric = vector_metric::l2;
  const auto answer = nearest(s, q);
  std::vector<concept_id> best;
  for (const similar_concept& c : need(answer).found)
    best.push_back(s.node(c.index).id);
  return best;
}

void check_nearest(const graph_snapshot& s) {
  const vectors all = coding_memory::vectors_of_snapshot(s);
  some_vectors some(77, some_vectors::everywhere);
  for (int i = 0; i != 20; ++i) {
    const auto query = some.next();
    REQUIRE(found_near(s, query) == nearest_of_all(all, query));
  }
}

} // namespace

TEST_CASE("without originals a store reads what codes say once it is opened again, in less room") {
  coding_memory s;
  s.open();
  const auto all = vectors_of(0, 600);
  s.learn_all(all);
  s.flush();
  const std::uint64_t before = s.memory->stats().store.segment_bytes;
  s.must_compact(); // of one segment, in which nothing is to be dropped
  CHECK(s.memory->stats().store.compactions == 1);
  CHECK(s.memory->stats().store.segment_bytes < before);
  CHECK(codes_in(s.only_segment()) == 600);
  CHECK(s.read() == all); // those in memory are as they were learned
  const auto said = vectors_in(s.only_segment());
  CHECK(said == as_codes_say(vector_codebook(*need(s.only_segment().codebook())), all));
  s.reopen();
  CHECK(s.read() == said);
  check_nearest(*s.memory->load());
  s.index();
  REQUIRE(s.memory->load()->index() != nullptr);
  check_nearest(*s.memory->load());
  s.must_compact(); // there is nothing to do
  CHECK(s.memory->stats().store.compactions == 0);
  s.cut_power();
  s.open();
  CHECK(s.read() == said);

  const auto cold = cold_reader::open(env(s.disk), "/s");
  for (const auto& [id, v] : said)
    REQUIRE(need(need(cold).get(id)).value().vector == v);
}

TEST_CASE("R2: a snapshot held while vectors become codes goes on with the originals") {
  coding_memory s;
  const bool map_flushed = GENERATE(false, true);
  const bool indexed = GENERATE(false, true);
  s.options.store->map_flushed = map_flushed;
  s.open();
  const auto all = vectors_of(0, 600, some_vectors::everywhere); // where bounds are narrow
  s.learn_all(all);
  s.flush();
  if (map_flushed) {
    for (int i = 0; i != 10; ++i)
      s.reconcile();
  } else {
    s.reopen();
  }
  if (indexed)
    s.index();
  REQUIRE((s.memory->load()->index() != nullptr) == indexed);
  const auto held = s.memory->share();
  REQUIRE(coding_memory::vectors_of_snapshot(*held) == all);
  check_nearest(*held);
  s.must_compact();
  const auto said = vectors_in(s.only_segment());
  CHECK(s.read() == said);
  CHECK(coding_memory::vectors_of_snapshot(*held) == all);
  check_nearest(*held);
  check_nearest(*s.memory->load()); // what the index has of the originals does not count
  if (indexed) {
    s.index();
    check_nearest(*held);
    check_nearest(*s.memory->load());
    CHECK(s.memory->load()->trail().since(s.memory->load()->index()->covers).empty());
  }
}

TEST_CASE("a concept that changes while its vector is codes leaves the codes where they are") {
  coding_memory s;
  s.open();
  s.learn_all(vectors_of(0, 600));
  s.flush();
  s.reopen();
  s.must_compact();
  const auto said = s.read();
  REQUIRE(said == vectors_in(s.only_segment()));
  // In the same version of the log as the codes came to be read.
  s.write(op::strengthen{cid(3), 1.0F});
  s.write(op::learn_association{cid(4), cid(5)});
  s.flush();
  const env e(s.disk);
  const manifest m = need(read_manifest(e, "/s")).value;
  REQUIRE(m.segments.size() == 2);
  const auto newest = need(segment_reader::open(e, "/s", m.segments[1], m.store));
  CHECK(need(newest.find(cid(3)))->has(segment_concept::older_payload));
  CHECK(newest.header().at(segment_section::vectors).bytes == 0);
  CHECK(newest.header().version == 1);
  s.must_compact();
  CHECK(s.read() == said);
  CHECK(vectors_in(s.only_segment()) == said); // copied as codes
  s.reopen();
  CHECK(s.read() == said);
  CHECK(s.memory->load()->find(cid(3))->strength() == 2.0F);
}

TEST_CASE("what is learned of a concept whose vector is codes replaces them") {
  coding_memory s;
  s.open();
  s.learn_all(vectors_of(0, 600));
  s.flush();
  s.must_compact();
  s.reopen();
  auto expected = s.read();
  const auto newer = vectors_of(0, 5, 1);
  s.learn_all(newer);
  s.write(op::forget_concept{cid(10)});
  s.write(op::learn_concept{cid(11), "without a vector"});
  s.reconcile();
  for (const auto& [id, v] : newer)
    expected[id] = v;
  expected.erase(cid(10));
  expected[cid(11)] = {};
  CHECK(s.read() == expected);
  s.index();
  s.reopen();
  CHECK(s.read() == expected);
  s.must_compact();
  const auto book = vector_codebook(*need(s.only_segment().codebook()));
  for (const auto& [id, v] : as_codes_say(book, newer))
    expected[id] = v;
  CHECK(vectors_in(s.only_segment()) == expected);
  s.reopen();
  CHECK(s.read() == expected);
}

TEST_CASE("who keeps originals again loses nothing more, whoever made the codes") {
  coding_memory s;
  s.open();
  s.learn_all(vectors_of(0, 600));
  s.flush();
  s.must_compact();
  REQUIRE(s.close().code == errc::ok);
  s.options.store->vectors.keep_originals = true;
  s.open();
  auto expected = s.read();
  const auto more = vectors_of(1'000, 400);
  s.learn_all(more);
  s.flush();
  s.must_compact();
  expected.insert(more.begin(), more.end());
  CHECK(s.read() == expected);
  s.reopen();
  CHECK(s.read() == expected);
  CHECK(codes_in(s.only_segment()) == 600);
}

TEST_CASE("a store of few vectors keeps originals, and says nothing of it") {
  coding_memory s;
  s.open();
  const auto all = vectors_of(0, 100);
  s.learn_all(all);
  s.flush();
  s.must_compact();
  s.reopen();
  CHECK(s.read() == all);
  CHECK(s.only_segment().header().version == 1);
}

TEST_CASE("codes are seen by whoever only reads, and go into backups and back") {
  coding_memory s;
  s.open();
  s.learn_all(vectors_of(0, 600));
  s.flush();
  s.must_compact();
  s.reopen();
  const auto said = s.read();
  coding_memory reader(true);
  reader.disk = s.disk;
  reader.options.store->files = env(s.disk);
  reader.options.store->read_only = true;
  reader.open(); // beside the writer
  CHECK(reader.read() == said);
  REQUIRE(s.close().code == errc::ok);
  const env e(s.disk);
  REQUIRE(e.make_directory("/b"));
  backup_options how;
  how.verify_all = true;
  REQUIRE(backup(e, "/s", "/b", how));
  reader.memory.reset();
  reader.options.store->directory = "/b";
  reader.open();
  CHECK(reader.read() == said);
  reader.memory.reset();
  REQUIRE(restore(e, "/b", "/r"));
  reader.options.store->directory = "/r";
  reader.open();
  CHECK(reader.read() == said);
}

TEST_CASE("D2: whenever the power goes, each vector is the original or what its codes say") {
  const auto all = vectors_of(0, 320);
  bool cut = true;
  std::size_t coded = 0;
  std::size_t cuts = 0;
  for (std::uint64_t n = 0; cut; n += 1 + n / 8, ++cuts) {
    INFO("cut at call " << n);
    coding_memory s;
    s.options.store->vectors.rounds = 1;
    s.open();
    s.learn_all(all);
    s.flush();
    REQUIRE(s.memory->commit());
    const auto asked = s.disk;
    asked->inject(fault::power_off, n);
    (void) s.compact_all();
    cut = asked->hit();
    s.disk->power_cut(n);
    s.memory.reset();
    s.disk->heal();
    s.open();
    const auto segment = s.only_segment();
    REQUIRE(need(segment.verify()) > 0);
    REQUIRE(s.read() == vectors_in(segment));
    if (codes_in(segment) == 0)
      REQUIRE(s.read() == all);
    else
      REQUIRE(s.read() == as_codes_say(vector_codebook(*need(segment.codebook())), all));
    coded += codes_in(segment) != 0 ? 1U : 0U;
  }
  CHECK(coded > 0);
  CHECK(coded < cuts);
}

TEST_CASE("a memory that is closed while a codebook is trained leaves no file, and begins anew") {
  coding_memory s;
  s.open();
  const auto all = vectors_of(0, 600);
  s.learn_all(all);
  s.flush();
  s.options.store->compaction.fan_in = 2; // both segments
  REQUIRE(s.close().code == errc::ok);
  s.open();
  s.learn_all(all);
  s.flush();
  const env e(s.disk);
  const auto segments = [&] {
    std::size_t count = 0;
    for (const std::string& name : need(e.list("/s")))
      count += segment_file_number(name) ? 1U : 0U;
    return count;
  };
  bool coded = false;
  for (std::uint64_t steps = 1; !coded; ++steps) { // planning, judging, each part, writing
    REQUIRE(steps < 30);
    for (std::uint64_t i = 0; i != steps && !coded; ++i) {
      REQUIRE(need(s.memory->compact(10'000'000)));
      coded = s.memory->stats().store.compactions != 0;
    }
    REQUIRE(s.close().code == errc::ok);
    REQUIRE(segments() == (coded ? 1 : 2));
    s.open();
    if (!coded)
      REQUIRE(s.read() == all);
    CHECK((steps > 8 || !coded)); // there are eight parts
  }
  CHECK(codes_in(s.only_segment()) == 600);
}

TEST_CASE("a ratio of codes that is none is refused") {
  coding_memory s;
  s.options.store->vectors.ratio = 5;
  const failure f = s.try_open();
  CHECK(f.code == errc::invalid_argument);
  CHECK_THAT(f.detail, ContainsSubstring("vectors.ratio is 5: must be 4 or 8"));
}
