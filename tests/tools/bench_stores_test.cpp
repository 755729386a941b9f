// Benchmarks of stores, so small that they say nothing but that they work.

#include "bench/benches.hpp"
#include "bench/durable_peer.hpp"
#include "bench/learned_stream.hpp"
#include "bench/scratch_directory.hpp"
#include "bench/written_bytes.hpp"
#include "storage/segment_format.hpp"
#include "storage/wal_format.hpp"
#include "tests/catch.hpp"
#include "tools/cli.hpp"
#include "tools/peer_targets.hpp"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

using namespace cmem::bench;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

const row* find_row(const outcome& o, const std::string& name) {
  for (const row& r : o.rows)
    if (r.name == name)
      return &r;
  return nullptr;
}

} // namespace

TEST_CASE("a scratch directory is one's own and goes with all that is in it") {
  std::string inside;
  {
    const scratch_directory a{options{}};
    const scratch_directory b{options{}};
    inside = a.at("deep");
    CHECK(inside != b.at("deep"));
    fs::create_directory(inside);
    std::ofstream(inside + "/file") << "text";
    CHECK_THAT(a.file_system(), ContainsSubstring(" on "));
  }
  CHECK_FALSE(fs::exists(fs::path(inside).parent_path()));
}

TEST_CASE("a scratch directory refuses what is not there, and what is no disk") {
  CHECK_THROWS_WITH(scratch_directory(options{1, "/no/such/place"}),
                    ContainsSubstring("/no/such/place"));
  const fs::path memory = "/dev/shm";
  if (fs::is_directory(memory))
    CHECK_THROWS_WITH(scratch_directory(options{1, memory}), ContainsSubstring("--directory"));
}

TEST_CASE("--directory says where") {
  std::ostringstream out, err;
  const fs::path where = fs::temp_directory_path();
  const std::string text = where.string();
  const char* const argv[] = {"cmem", "bench", "cold", "--directory", text.c_str()};
  cmem::tools::bench_arguments got;
  const auto take = [&](const cmem::tools::bench_arguments& a, const cmem::tools::console&) {
    got = a;
    return 0;
  };
  CHECK(cmem::tools::run_cli(5, argv, {out, err, false}, take) == 0);
  CHECK(got.directory == text);
}

TEST_CASE("every peer that was built stores what it is told") {
  const scratch_directory scratch{options{}};
  for (const char* name : {"rocksdb", "lmdb", "sqlite"}) {
    const auto peer = open_peer(name, scratch.at(name));
    if (!peer)
      continue;
    const auto client = peer->connect();
    const auto other = peer->connect();
    cmem::concept_id ids[] = {cmem::concept_id::from_name("b"), cmem::concept_id::from_name("a")};
    client->put(ids[0], "one");
    other->put_all(ids, "two");
    CHECK_FALSE(peer->name().empty());
    CHECK_FALSE(peer->settings().empty());
  }
  CHECK(open_peer("no_such", scratch.at("none")) == nullptr);
}

TEST_CASE("durable compares acknowledged writes at each depth") {
  const outcome o = durable({1e-4, ""});
  for (const char* name : {"1 outstanding", "16 outstanding", "1,000 outstanding"}) {
    INFO(name);
    REQUIRE(find_row(o, name) != nullptr);
    CHECK(find_row(o, name)->value > 0);
    CHECK(find_row(o, name)->bar.has_value() == !find_row(o, name)->baseline.empty());
  }
}

TEST_CASE("cold finds what is there, and filters keep out most of what is not") {
  const outcome o = cold({2e-3, ""});
  const row* const wrong = find_row(o, "filters: false positives");
  REQUIRE(wrong != nullptr);
  CHECK(wrong->meets() == true);
  CHECK(find_row(o, "get of an absent id")->value > 0);
}

TEST_CASE("flush writes little more than what changed") {
  const outcome o = flush({2e-2, ""});
  REQUIRE(o.rows.size() == 3);
  for (const row& r : o.rows) {
    INFO(r.name << ": " << r.value << " bytes, encoded " << r.baseline_value);
    CHECK(r.meets() == true);
    CHECK(r.value >= r.baseline_value); // else something was not written, or not counted
  }
}

TEST_CASE("a second backup writes little more than what changed") {
  const outcome o = backup({2e-2, ""});
  const row* const written = find_row(o, "written after 1 % changed");
  REQUIRE(written != nullptr);
  CHECK(written->meets() == true);
  CHECK(written->value > 200 * 128); // the records of 1 %
  CHECK(find_row(o, "append p99, ten backups a second")->value > 0);
}

TEST_CASE("a counting kernel tells a log from its zeros and from all else") {
  const scratch_directory scratch{options{}};
  const auto counter = std::make_shared<counting_kernel>();
  const cmem::env e(counter);
  const auto write = [&](const std::string& name, cmem::open_mode mode, std::size_t bytes) {
    auto f = e.open(scratch.at(name), mode);
    REQUIRE(f.has_value());
    REQUIRE(f->zero(0, bytes).has_value());
  };
  const std::string log = cmem::wal_file_name(1);
  write(log, cmem::open_mode::create_new, 3'000'000);
  write(log, cmem::open_mode::write, 20);
  write(cmem::segment_file_name(1), cmem::open_mode::create_new, 300);
  write("MANIFEST.new", cmem::open_mode::create_new, 4'000);
  write("LOCK", cmem::open_mode::create, 5);
  CHECK(counter->written(written_to::log_zeros) == 3'000'000);
  CHECK(counter->written(written_to::log) == 20);
  CHECK(counter->written(written_to::segments) == 300);
  CHECK(counter->written(written_to::manifest) == 4'000);
  CHECK(counter->written(written_to::other) == 5);
  CHECK(counter->written() == 4'305);
  CHECK(counter->written_all() == 3'004'325);
}

TEST_CASE("a stream teaches all concepts, then some of them again, and is always the same") {
  learned_stream a(1'500);
  learned_stream b(1'500);
  std::set<cmem::concept_id> ids;
  std::uint64_t ops = 0;
  std::uint64_t bytes = 0;
  std::uint64_t encoded = 0;
  std::string one, other;
  for (auto batch = a.next(); !batch.empty(); batch = a.next()) {
    const auto again = b.next();
    REQUIRE(again.size() == batch.size());
    for (std::size_t i = 0; i != batch.size(); ++i, ++ops) {
      const auto& id = std::get<cmem::op::learn_concept>(batch[i]).id;
      CHECK(ids.insert(id.id).second == (ops < 1'500));
      encode_value(batch[i], one);
      encode_value(again[i], other);
      CHECK(one == other);
      // Its key has the id of one without a name, and that of one with a name on top.
      encoded += one.size() + (id.name.empty() ? 16 : 0);
      bytes += learned_bytes(batch[i]);
    }
  }
  CHECK(ops == 3'000);
  CHECK(b.next().empty());
  CHECK(encoded == bytes + 4 * ops); // how long name and vector are
}

TEST_CASE("soak compares a memory that compacts with one that does not") {
  options small{1e-2, ""};
  small.seconds = 1;
  const outcome o = soak(small);
  const auto value = [&](const std::string& name) {
    INFO(name);
    REQUIRE(find_row(o, name) != nullptr);
    return find_row(o, name)->value;
  };
  CHECK(value("flushes") > 1);
  CHECK(find_row(o, "compactions")->meets() == true);
  CHECK(value("merged") > 0);
  CHECK(value("segments, at most") >= value("segments at the end, settled"));
  CHECK(value("segments at the end, settled")
        >= find_row(o, "segments at the end, settled")->baseline_value);
  CHECK(value("segments at the end, compaction off")
        > 1.1 * find_row(o, "segments at the end, compaction off")->baseline_value);
  CHECK(value("everything in the directory, at most") > value("segments, at most"));
  for (const char* what : {"append p99", "find p99", "neighbors p99", "find_path p99"}) {
    CHECK(value(what) > 0);
    CHECK(find_row(o, what)->baseline_value > 0);
  }
}

TEST_CASE("a soak in which nothing is merged misses a bar and says so") {
  options shortest{1e-2, ""};
  shortest.seconds = 2e-3; // some 120 writes
  outcome o = soak(shortest);
  // Where other work takes the cores, it may last long enough for a merge.
  for (int tries = 1; tries < 10 && find_row(o, "compactions")->value != 0; ++tries)
    o = soak(shortest);
  const row* const merges = find_row(o, "compactions");
  REQUIRE(merges != nullptr);
  CHECK(merges->value == 0);
  CHECK(merges->meets() == false);
  CHECK_THAT(o.notes.back(), ContainsSubstring("no compaction ran"));
}

TEST_CASE("write_amp counts every byte that both stores write") {
  const outcome o = write_amp({2e-2, ""}); // throws where its counts are not the system's
  const row* const all = find_row(o, "written");
  REQUIRE(all != nullptr);
  double parts = 0;
  for (const char* part :
       {"log", "flushes", "merges", "zeros that log files are made of", "manifest and lock"}) {
    INFO(part);
    REQUIRE(find_row(o, part) != nullptr);
    parts += find_row(o, part)->value;
  }
  CHECK(std::abs(parts - all->value) < 1e-6 * parts);
  CHECK(find_row(o, "log")->value > 1); // all that is learned goes there
  CHECK(find_row(o, "flushes")->value > 0.5);
  CHECK(all->bar.has_value() == !all->baseline.empty());
  if (!all->baseline.empty())
    CHECK(find_row(o, "log")->baseline_value > 1);
}

TEST_CASE("recover opens what it stored, and mapped finds all of it again") {
  const outcome opened = recover({1e-3, ""});
  REQUIRE(find_row(opened, "opening") != nullptr);
  CHECK(find_row(opened, "opening")->value > 0);
  CHECK(find_row(opened, "opening")->baseline_value > 0);
  const outcome held = mapped({1e-3, ""});
  REQUIRE(held.rows.size() == 1);
  CHECK(held.rows[0].value > 0);
  CHECK(held.rows[0].baseline_value > 0);
}

TEST_CASE("codes finds some of the nearest in a fourth of the room, and fewer in an eighth") {
  options o{0.05, ""}; // 20,000 vectors: enough for a codebook
  o.dimension = 64;
  const outcome made = codes(o);
  const auto figure = [&](const std::string& name) {
    const row* const r = find_row(made, name);
    REQUIRE(r != nullptr);
    return *r;
  };
  const row fourth = figure("4 x smaller: vectors on the disk");
  const row eighth = figure("8 x smaller: vectors on the disk");
  CHECK(fourth.ratio() < 0.3); // the codebook weighs
  CHECK(eighth.ratio() < 0.18);
  CHECK(figure("4 x smaller: recall@10").value > figure("8 x smaller: recall@10").value);
  CHECK(figure("8 x smaller: recall@10").value > 0.05);
  CHECK(figure("4 x smaller: recall@10").value < 1);
}

TEST_CASE("burst compares paths with every peer that is here, and with silence") {
  using namespace cmem::tools;
  const outcome o = burst({1e-2, ""}); // on a busy machine too short for a path, hence no figures
  for (std::size_t i = 1; i != target_kinds; ++i) {
    const std::string name(target_names[i]);
    INFO(name);
    for (const char* when : {"learning", "updating"}) {
      const row* const r =
        find_row(o, std::string("find_path p99 while ") + when + ", against " + name);
      REQUIRE((r != nullptr) == target_available(static_cast<target_kind>(i)).has_value());
      if (r != nullptr)
        CHECK((r->bar.has_value() && r->baseline == name));
    }
  }
  const row* const silent = find_row(o, "find_path p99 while updating");
  REQUIRE(silent != nullptr);
  CHECK(silent->bar.has_value());
}
