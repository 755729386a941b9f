// D5: the stores under tests/data, one of each version of the manifest, and one with codes of
// vectors, open for good. What they
// hold is written down here; what made them is the hidden test case at the end.

#include "storage/backup.hpp"
#include "storage/cold_reader.hpp"
#include "storage/format_version.hpp"
#include "tests/storage/model.hpp"
#include "tests/storage/newer_store.hpp"
#include "tests/storage/segment_fixture.hpp"
#include "tests/storage/store_fixture.hpp"

#include <fstream>

using namespace cmem;
using namespace cmem::test;

namespace {

constexpr std::uint32_t versions = manifest_version; // from 1

std::string golden(std::uint32_t version) { return "tests/data/store-v" + std::to_string(version); }

/// A copy to be written to.
struct golden_copy {
  real_folder folder;
  std::string path = folder.path + "/store";

  explicit golden_copy(std::uint32_t version) : golden_copy(golden(version)) {}
  explicit golden_copy(const std::string& from) { std::filesystem::copy(from, path); }
};

/// Every byte that there is, in order.
std::string all_bytes() {
  std::string bytes(256, '\0');
  for (std::size_t i = 0; i != bytes.size(); ++i)
    bytes[i] = static_cast<char>(i);
  return bytes;
}

/// What the store held when it was written, in the order of ids.
const std::string expected =
  R"(0000000000000000000000000000002a name= content=has no name vector= strength=1.000000 confidence=1.000000 created=1700000000000050 accessed=1700000000000050/0
0381fd7cec51321d42548a8a111c54ee name=cat content=purrs vector=1.000000,-0.500000,0.250000,0.000000, strength=2.500000 confidence=0.750000 created=1700000000000010 accessed=1700000000000180/1 colour:grey language:\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e
2ac7342441f522cc802c9dc0909e32b7 name=dog content=barks vector= strength=1.500000 confidence=1.000000 created=1700000000000020 accessed=1700000000000020/0
95f64cad147d23ee983871c230125b12 name=bytes content=\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09
\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f !"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`abcdefghijklmnopqrstuvwxyz{|}~\x7f\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98\x99\x9a\x9b\x9c\x9d\x9e\x9f\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf\xb0\xb1\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xbb\xbc\xbd\xbe\xbf\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xc9\xca\xcb\xcc\xcd\xce\xcf\xd0\xd1\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xdb\xdc\xdd\xde\xdf\xe0\xe1\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xeb\xec\xed\xee\xef\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa\xfb\xfc\xfd\xfe\xff vector= strength=1.000000 confidence=1.000000 created=1700000000000030 accessed=1700000000000030/0
e92735616f1041e85cd9eec18c3f5d07 name=relearned content=another life vector= strength=1.000000 confidence=1.000000 created=1700000000000210 accessed=1700000000000210/0
ee41d6104252544473aefec01537518b name=last content=of all vector= strength=1.000000 confidence=1.000000 created=1700000000000300 accessed=1700000000000300/0
f676da10a8d21c9fe808011cd7991598 name=in the log content=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx vector=1.000000,-0.500000,0.250000,0.000000, strength=1.000000 confidence=1.000000 created=1700000000000260 accessed=1700000000000260/0
0381fd7cec51321d42548a8a111c54ee -1-> 2ac7342441f522cc802c9dc0909e32b7 confidence=0.500000 weight=2.000000 created=1700000000000090 used=1700000000000250
0381fd7cec51321d42548a8a111c54ee -2-> 2ac7342441f522cc802c9dc0909e32b7 confidence=0.250000 weight=0.000000 created=1700000000000100 used=1700000000000100
0381fd7cec51321d42548a8a111c54ee -5-> 95f64cad147d23ee983871c230125b12 confidence=0.125000 weight=1.000000 created=1700000000000120 used=1700000000000120
0381fd7cec51321d42548a8a111c54ee -0-> e92735616f1041e85cd9eec18c3f5d07 confidence=0.500000 weight=1.500000 created=1700000000000240 used=1700000000000240
f676da10a8d21c9fe808011cd7991598 -5-> 0381fd7cec51321d42548a8a111c54ee confidence=1.000000 weight=1.500000 created=1700000000000270 used=1700000000000270
concepts 7 edges 5
0000000000000000000000000000002b placeholder  [] 0.000000 0.000000 0 0 0 () ->0000000000000000000000000000002a/4/1.000000/1.000000/1700000000000150/1700000000000150
059d9dd5a24369be448cfe0f349a436c placeholder somebody named [] 0.000000 0.000000 0 0 0 () ->0381fd7cec51321d42548a8a111c54ee/0/1.000000/1.000000/1700000000000140/1700000000000140
)";

engine_options options_for(const std::string& directory, const env& files, bool read_only) {
  engine_options o;
  o.arena_bytes = std::size_t{16} << 20;
  o.vector_dimension = 4;
  o.clock = [] { return timestamp_us{1'900'000'000'000'000}; };
  store_options s;
  s.files = files;
  s.directory = directory;
  s.read_only = read_only;
  o.store = s;
  return o;
}

void keep_files(store_fixture& f, const std::string& folder) {
  std::filesystem::create_directories(folder);
  for (const std::string& name : need(env(f.disk).list("/s"))) {
    if (name == "LOCK") // anew by whoever opens it
      continue;
    const auto bytes = f.disk->content("/s/" + name);
    std::ofstream(folder + "/" + name, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  }
}

/// With placeholders, and bytes that are no letters as \xNN.
std::string shown(const graph_snapshot& s) {
  std::string text = text_of(s);
  for (std::uint32_t i = 0; i != s.index_count(); ++i)
    if (s.node(i).state != node_vacant && !s.is_learned(i))
      text += describe(s, i) + "\n";
  std::string out;
  for (const char c : text) {
    if (c == '\n' || (c >= ' ' && c <= '~')) {
      out += c;
      continue;
    }
    constexpr std::string_view digits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    out.append("\\x").append(1, digits[byte / 16]).append(1, digits[byte % 16]);
  }
  return out;
}

} // namespace

TEST_CASE("D5: the store of each version opens, and holds what it held") {
  const auto version = GENERATE(range(1U, versions + 1));
  const bool read_only = GENERATE(false, true);
  const golden_copy copy(version);
  CHECK(need(read_manifest(env(), copy.path)).root.version == version);
  const auto opened = engine::create(options_for(copy.path, env(), read_only));
  engine& memory = *need(opened);
  const recovery_report& found = memory.recovery();
  CHECK_FALSE(found.created);
  CHECK(found.segments == 2);
  CHECK(found.checkpoint == 25);
  CHECK(found.records == 3);
  CHECK(found.entries == 5);
  CHECK(found.log_sequence == 30);
  CHECK(found.discarded_bytes == 0);
  const auto s = memory.load();
  CHECK(s->timestamp() == 1'700'000'000'000'300);
  std::string kinds;
  for (std::size_t k = 0; k != memory.kinds().size(); ++k)
    kinds.append(memory.kinds().name_of(static_cast<kind_id>(k))).append("\n");
  CHECK(kinds
        == "semantic\ncausal\ntemporal\nhierarchical\ncompositional\nrhymes with\nr\u00e9pond "
           "\u00e0\n");
  CHECK(shown(*s) == expected);
  CHECK(s->find(concept_id::from_name("bytes"))->content() == all_bytes());
  CHECK(s->find(concept_id::from_name("cat"))->vector().floats()[3] == 1e-30F);
}

TEST_CASE("D5: the store of each version is written to, and is then one of this version") {
  const auto version = GENERATE(range(1U, versions + 1));
  const golden_copy copy(version);
  const auto segments = need(read_manifest(env(), copy.path)).value.segments;
  {
    const auto opened = engine::create(options_for(copy.path, env(), false));
    engine& memory = *need(opened);
    REQUIRE(memory.write(op::learn_concept{"cat", "of a later version"}));
    memory.close();
    while (memory.reconcile().more_pending) {}
    REQUIRE(memory.close_store());
  }
  const auto read = read_manifest(env(), copy.path);
  CHECK(need(read).root.version == manifest_version);
  CHECK(need(read).twice);
  CHECK(need(read).value.written.flushed_bytes >= need(read).value.segments.back().bytes);
  // What it had is not written again.
  REQUIRE(need(read).value.segments.size() == segments.size() + 1);
  CHECK(std::equal(segments.begin(), segments.end(), need(read).value.segments.begin()));
  std::string now = expected;
  const std::string before = "content=purrs vector=1.000000,-0.500000,0.250000,0.000000, "
                             "strength=2.500000 confidence=0.750000";
  now.replace(now.find(before), before.size(),
              "content=of a later version vector= strength=1.000000 confidence=1.000000");
  for (const bool read_only : {true, false}) {
    const auto again = engine::create(options_for(copy.path, env(), read_only));
    const auto later = need(again)->load();
    CHECK(shown(*later) == now);
    CHECK(later->find(concept_id::from_name("bytes"))->content() == all_bytes());
  }
}

TEST_CASE("D5: concepts are read from the store of each version without opening it") {
  const auto version = GENERATE(range(1U, versions + 1));
  const auto opened = cold_reader::open(env(), golden(version));
  const cold_reader& r = need(opened);
  CHECK(r.store().store == 0x2DAE0349F28E5D23);
  const auto bytes = need(r.get(concept_id::from_name("bytes")));
  REQUIRE(bytes);
  CHECK(bytes->content == all_bytes());
  CHECK_FALSE(need(r.get(concept_id::from_name("forgotten"))));
  const auto list = need(r.neighbors(concept_id::from_name("cat")));
  CHECK(list.size() == 4);
  for (const std::string& name : need(env().list(golden(version))))
    if (name.ends_with(".cmseg"))
      CHECK(need(segment_reader::open(env(), golden(version) + "/" + name)).verify());
}

TEST_CASE(
  "D5: a store of a newer version is refused, whatever is wanted of it, and is left alone") {
  const auto version = GENERATE(range(1U, versions + 1));
  const auto newer = GENERATE(3U, 99U);
  for (const header_place& place : golden_headers) {
    INFO(place.file << " of version " << newer);
    const golden_copy copy(version);
    place.put_version(copy.path, newer);
    const auto before = bytes_of_directory(copy.path);
    const failure refusal = newer_format(copy.path + "/" + place.file, newer, place.highest);
    const std::string elsewhere = copy.folder.path + "/elsewhere";
    CHECK(engine::create(options_for(copy.path, env(), false)).error() == refusal);
    CHECK(engine::create(options_for(copy.path, env(), true)).error() == refusal);
    CHECK(cold_reader::open(env(), copy.path).error() == refusal);
    CHECK(backup(env(), copy.path, elsewhere).error() == refusal);
    CHECK(restore(env(), copy.path, elsewhere).error() == refusal);
    CHECK_FALSE(std::filesystem::exists(elsewhere));
    // And where it is the backup, of an older store.
    CHECK(backup(env(), golden(version), copy.path).error() == refusal);
    CHECK(bytes_of_directory(copy.path) == before);
  }
}

TEST_CASE("D5: a newer segment that nothing names is not removed as one that a crash left") {
  const golden_copy copy(1);
  std::filesystem::copy(copy.path + "/segment-2.cmseg", copy.path + "/segment-3.cmseg");
  header_place{"segment-3.cmseg", {0}, 248, 2}.put_version(copy.path, 3);
  const auto before = bytes_of_directory(copy.path);
  CHECK(engine::create(options_for(copy.path, env(), false)).error().code == errc::unsupported);
  CHECK(bytes_of_directory(copy.path) == before);
}

namespace {

constexpr const char* golden_codes = "tests/data/store-codes";
constexpr std::size_t codes_dimension = 27;

/// Of the store with codes: each a multiple of its first number.
std::vector<float> vector_of_codes(std::size_t n) {
  std::vector<float> v(codes_dimension);
  for (std::size_t i = 0; i != v.size(); ++i)
    v[i] = 0.25F * static_cast<float>((i * (n + 3)) % 11) - static_cast<float>(n);
  return v;
}

engine_options options_of_codes(const std::string& directory, bool read_only) {
  engine_options o = options_for(directory, env(), read_only);
  o.vector_dimension = codes_dimension;
  return o;
}

void check_codes(const std::string& directory, bool read_only) {
  const auto opened = engine::create(options_of_codes(directory, read_only));
  const auto s = need(opened)->load();
  CHECK(s->concept_count() == 6);
  for (std::size_t n = 0; n != 5; ++n) {
    const auto c = s->find(concept_id::from_name("c" + std::to_string(n)));
    REQUIRE(c);
    CHECK(c->vector().coded() == (n != 4));
    std::vector<float> room;
    const auto read = c->vector().read(room);
    const auto learned = vector_of_codes(n); // so few that the codebook has them all
    REQUIRE(read.size() == learned.size());
    for (std::size_t i = 0; i != read.size(); ++i)
      CHECK(std::abs(read[i] - learned[i]) <= (n == 4 ? 0.0F : 1e-5F));
  }
  CHECK(s->find(concept_id::from_name("no vector"))->vector().empty());
}

} // namespace

TEST_CASE("D5: the store with codes of vectors opens, and goes on with them") {
  const golden_copy copy(golden_codes);
  for (const std::string& name : need(env().list(copy.path)))
    if (name.ends_with(".cmseg")) {
      const auto in = segment_reader::open(env(), copy.path + "/" + name);
      CHECK(need(in).header().version == 2);
      CHECK(need(in).verify());
    }
  check_codes(copy.path, true);
  {
    const auto opened = engine::create(options_of_codes(copy.path, false));
    engine& memory = *need(opened);
    REQUIRE(memory.write(op::strengthen{"c1", 1.0F}));
    REQUIRE(memory.write(op::strengthen{"c4", 1.0F}));
    memory.close();
    while (memory.reconcile().more_pending) {}
    REQUIRE(memory.close_store());
  }
  check_codes(copy.path, true);
  check_codes(copy.path, false);
}

// Made the store with codes, once.
TEST_CASE("makes a store with codes of vectors, where there is none", "[.][make-codes]") {
  REQUIRE_FALSE(std::filesystem::exists(golden_codes));
  store_fixture f(2027);
  f.now = 1'700'000'000'000'000;
  f.options.vector_dimension = codes_dimension;
  f.options.store->vectors.vectors_min = 3;
  f.options.store->compaction.fan_in = 2; // whatever their sizes are
  f.options.store->compaction.size_ratio = 1e9;
  for (const bool keep : {false, true}) { // the codes first, then a vector beside them
    f.options.store->vectors.keep_originals = keep;
    f.open();
    for (std::size_t n = keep ? 4 : 0; n != (keep ? 5 : 4); ++n)
      f.write(op::learn_concept{"c" + std::to_string(n), "content", vector_of_codes(n)});
    f.write(op::learn_concept{"no vector", "content"});
    f.reconcile();
    f.memory->ask_for_flush();
    f.reconcile();
    REQUIRE(f.memory->flush());
    if (!keep) {
      f.write(op::strengthen{"c0", 1.0F});
      f.reconcile();
      f.memory->ask_for_flush();
      f.reconcile();
      REQUIRE(f.memory->flush());
    }
    while (need(f.memory->compact(1'000'000))) {}
    REQUIRE(f.close().code == errc::ok);
  }
  keep_files(f, golden_codes);
}

// Made the golden stores, each once: `golden_store_test "[make]"`. None is ever made again.
TEST_CASE("makes the store of this version, where there is none", "[.][make]") {
  const std::string folder = golden(versions);
  REQUIRE_FALSE(std::filesystem::exists(folder));
  store_fixture f(2026);
  f.now = 1'700'000'000'000'000;
  f.options.vector_dimension = 4;
  f.open();
  const auto step = [&] { f.now += 10; };
  const auto flush = [&] {
    f.memory->ask_for_flush();
    f.reconcile();
    REQUIRE(f.memory->flush());
  };
  const kind_id rhymes = need(f.memory->kinds().add("rhymes with"));
  REQUIRE(f.memory->kinds().add("r\u00e9pond \u00e0")); // nothing was learned of it
  const float v[] = {1.0F, -0.5F, 0.25F, 1e-30F};
  const attribute_update about[] = {{"colour", "grey"}, {"language", "\u65e5\u672c\u8a9e"}};
  const auto write = [&](const write_op& o) {
    step();
    f.write(o);
  };
  write(op::learn_concept{"cat", "purrs", v, 2.5F, 0.75F});
  write(op::learn_concept{"dog", "barks", {}, 1.0F, 1.0F});
  write(op::learn_concept{"bytes", all_bytes()});
  write(op::learn_concept{"nothing said", "", v, 0.0F, 0.0F});
  write(op::learn_concept{cid(42), "has no name"});
  write(op::learn_concept{"forgotten", "for good"});
  write(op::learn_concept{"relearned", "a former life", v});
  write(op::set_attributes{"cat", about});
  write(op::learn_association{"cat", "dog", kinds::causal, 0.5F, 2.0F});
  write(op::learn_association{"cat", "dog", kinds::temporal, 0.25F, 0.0F}); // parallel
  write(op::learn_association{"cat", "cat", kinds::semantic, 1.0F, 3.0F});  // itself
  write(op::learn_association{"cat", "bytes", rhymes, 0.125F, 1.0F});
  write(op::learn_association{"dog", "somebody named", kinds::hierarchical}); // placeholders
  write(op::learn_association{"somebody named", "cat", kinds::semantic});
  write(op::learn_association{cid(43), cid(42), kinds::compositional});
  write(op::learn_association{"dog", "relearned"});
  write(op::learn_association{"forgotten", "cat"});
  flush();
  write(op::record_access{"cat"}); // content, vector and list stay in the older segment
  write(op::forget_concept{"forgotten"});
  write(op::forget_concept{"relearned"});
  write(op::learn_concept{"relearned", "another life"});
  write(op::strengthen{"dog", 0.5F});
  write(op::forget_association{"cat", "cat"});
  write(op::learn_association{"cat", "relearned", kinds::semantic, 0.5F, 1.5F});
  write(op::record_use{"cat", "dog", kinds::causal});
  flush();
  write(op::learn_concept{"in the log", std::string(300, 'x'), v}); // the log's tail
  write(op::learn_association{"in the log", "cat", rhymes});
  f.reconcile();
  (void) f.commit();
  write(op::strengthen_association{"in the log", "cat", rhymes, 0.5F});
  write(op::forget_concept{"nothing said"});
  f.reconcile();
  (void) f.commit();
  write(op::learn_concept{"last", "of all"});
  f.reconcile();
  (void) f.commit();
  f.cut_power();
  keep_files(f, folder);
}
