// An engine that keeps its index of vectors in the store.

#include "storage/search.hpp"
#include "storage/vector_graph.hpp"
#include "storage/vector_index_file.hpp"
#include "tests/storage/builder_fixture.hpp"
#include "tests/storage/store_fixture.hpp"

#include <algorithm>
#include <cstring>
#include <random>

using namespace cmem;
using namespace cmem::test;

namespace {

constexpr std::uint32_t dimension = 8;
const std::string index_path = "/s/VECTORS";

std::vector<float> vector_of(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<float> v(dimension);
  for (float& x : v)
    x = static_cast<float>(random() % 2048) / 1024.0F - 1.0F;
  return v;
}

struct indexed_store : store_fixture {
  indexed_store() {
    options.vector_dimension = dimension;
    options.graph_vectors_min = 300;
    options.log_capacity = 5'000;
    open();
  }

  void learn(std::uint64_t from, std::uint64_t to, std::uint64_t seed = 0) {
    for (std::uint64_t n = from; n != to; ++n)
      write(op::learn_concept{.id = cid(n), .vector = vector_of(seed + n)});
    reconcile();
  }
  /// Until nothing is left: how often it failed, and how the last time.
  int index() {
    int failures = 0;
    for (int steps = 0; memory->index_due() || memory->reconcile().published; ++steps) {
      REQUIRE(steps < 1'000);
      const auto done = memory->index_some();
      if (!done) {
        ++failures;
        last = done.error();
      }
      reconcile();
    }
    return failures;
  }
  /// The slots of the graph that a memory has after its first step of indexing: 0 where it has
  /// none.
  std::uint32_t graph_at_first() {
    reconcile();
    for (int tries = 0; tries != 3 && memory->load()->index() == nullptr; ++tries) {
      (void) memory->index_some();
      (void) memory->reconcile();
    }
    const auto s = memory->load();
    REQUIRE(s->index() != nullptr);
    return s->index()->vectors->graph == nullptr ? 0 : s->index()->vectors->graph->slots();
  }
  failure end() {
    memory->close();
    const auto stored = memory->store_index();
    CHECK(stored.has_value());
    return close();
  }
  void check_searches() {
    const auto s = memory->share();
    REQUIRE(s->index() != nullptr);
    for (std::uint64_t seed = 100'000; seed != 100'020; ++seed) {
      const std::vector<float> v = vector_of(seed);
      const nearest_query exact{.vector = v, .k = 10, .exact = true};
      const nearest_query all{.vector = v, .k = 10, .effort = 2'000};
      const auto right = nearest(*s, {}, exact).value().found;
      REQUIRE(nearest(*s, all).value().found == right);
    }
  }
  [[nodiscard]] bool has_file(const std::string& name) const {
    const std::vector<std::string> names = env(disk).list("/s").value();
    return std::find(names.begin(), names.end(), name) != names.end();
  }
  [[nodiscard]] result<vector_index_header> verify() const {
    return verify_vector_index(env(disk), index_path);
  }

  failure last;
};

} // namespace

TEST_CASE("What is opened again has its graph at once") {
  indexed_store s;
  s.learn(0, 1'000);
  REQUIRE(s.index() == 0);
  REQUIRE(s.verify().value().graph_slots > 0);
  REQUIRE(s.end().code == errc::ok);
  const std::uint32_t kept = s.verify().value().graph_slots;
  REQUIRE(kept >= 300);
  s.open();
  CHECK(s.graph_at_first() == kept);
  s.check_searches();
  const auto before = s.disk->content(index_path);
  REQUIRE(s.index() == 0);
  REQUIRE(s.end().code == errc::ok);
  CHECK(s.disk->content(index_path) == before); // nothing was new
}

TEST_CASE("What came after the file was written is indexed, and what went is gone") {
  indexed_store s;
  s.learn(0, 1'000);
  s.index();
  REQUIRE(s.end().code == errc::ok);
  s.open();
  s.learn(900, 1'100, 7'000);
  for (std::uint64_t n = 0; n != 50; ++n)
    s.write(op::forget_concept{cid(n)});
  s.reconcile();
  s.commit();
  s.die();
  s.open();
  CHECK(s.graph_at_first() == s.verify().value().graph_slots);
  s.check_searches();
  s.index();
  s.check_searches();
}

TEST_CASE("A sixteenth that is new is worth a new file at the end, half of all before") {
  indexed_store s;
  s.learn(0, 800);
  s.index();
  const auto first = s.verify().value();
  s.learn(800, 1'000);
  s.index();
  CHECK(s.verify().value().slots == first.slots);
  REQUIRE(s.end().code == errc::ok);
  CHECK(s.verify().value().slots == 1'000);
  s.open();
  s.learn(1'000, 1'060);
  s.index();
  REQUIRE(s.end().code == errc::ok);
  CHECK(s.verify().value().slots == 1'000);
  s.open();
  s.learn(1'060, 2'200);
  s.index();
  CHECK(s.verify().value().slots > 2'000);
}

TEST_CASE("Few vectors are not worth a file") {
  indexed_store s;
  s.learn(0, 299);
  s.index();
  REQUIRE(s.end().code == errc::ok);
  CHECK(s.verify().error().code == errc::not_found);
}

TEST_CASE("A compaction changes nothing of it") {
  indexed_store s;
  s.options.store->compaction.fan_in = 2;
  s.options.store->compaction.size_ratio = 100;
  s.open();
  for (std::uint64_t n = 0; n != 4; ++n) {
    s.learn(250 * n, 250 * (n + 1));
    s.memory->ask_for_flush();
    s.reconcile();
    REQUIRE(s.memory->flush().has_value());
  }
  s.index();
  REQUIRE(s.end().code == errc::ok);
  s.open();
  for (bool more = true; more;)
    more = s.memory->compact(1'000'000).value();
  while (s.memory->reconcile().published) {}
  REQUIRE(s.memory->stats().store.compactions > 0);
  CHECK(s.graph_at_first() == s.verify().value().graph_slots);
  s.check_searches();
  REQUIRE(s.end().code == errc::ok);
  s.open();
  CHECK(s.graph_at_first() == s.verify().value().graph_slots);
  s.check_searches();
}

TEST_CASE("D3: a damaged file is told of once, and made again") {
  indexed_store s;
  s.learn(0, 1'000);
  s.index();
  REQUIRE(s.end().code == errc::ok);
  auto bytes = s.disk->content(index_path);
  bytes[bytes.size() / 2] ^= std::byte{4};
  s.disk->set_content(index_path, bytes);
  s.open();
  CHECK(s.index() == 1);
  CHECK(s.last.code == errc::corrupt);
  CHECK(s.last.detail.find(index_path) != std::string::npos);
  s.check_searches();
  CHECK(s.verify().has_value());
}

TEST_CASE("D5: a newer file is told of once, and replaced") {
  indexed_store s;
  s.learn(0, 1'000);
  s.index();
  REQUIRE(s.end().code == errc::ok);
  auto bytes = s.disk->content(index_path);
  vector_index_header h;
  std::memcpy(&h, bytes.data(), sizeof h);
  h.version = vector_index_version + 1;
  h = sealed(h);
  std::memcpy(bytes.data(), &h, sizeof h);
  s.disk->set_content(index_path, bytes);
  s.open();
  CHECK(s.index() == 1);
  CHECK(s.last.code == errc::unsupported);
  CHECK(s.verify().value().version == vector_index_version);
}

TEST_CASE("D4: where an index would leave no room for what is learned, there is none") {
  indexed_store s;
  s.learn(0, 1'000);
  s.commit();
  std::uint64_t used = 0;
  const std::vector<std::string> names = env(s.disk).list("/s").value();
  for (const std::string& name : names)
    used += s.disk->content("/s/" + name).size();
  const std::uint64_t spare = s.options.store->log.file_bytes;
  indexed_store twin;
  twin.learn(0, 1'000);
  REQUIRE(twin.index() == 0);
  s.disk->set_capacity(used + twin.disk->content(index_path).size() + spare - 1);
  CHECK(s.index() > 0);
  CHECK(s.last.code == errc::disk_full);
  CHECK_FALSE(s.has_file("VECTORS"));
  CHECK_FALSE(s.has_file("VECTORS.new"));
  s.check_searches();
  const auto kept = s.durable(s.write(op::learn_concept{.id = cid(5'000), .content = "more"}));
  s.reconcile();
  s.commit();
  CHECK(*kept == "applied");
  s.disk->set_capacity(~std::uint64_t{0});
  REQUIRE(s.end().code == errc::ok);
  CHECK(s.verify().has_value()); // it is tried again at the end
}

TEST_CASE("New columns of what lives are stored, so that the next opening need not make them") {
  indexed_store s;
  s.options.log_capacity = 20'000;
  s.open();
  s.learn(0, 10'000);
  s.index();
  REQUIRE(s.end().code == errc::ok);
  REQUIRE(s.verify().value().slots == 10'000);
  s.open();
  s.graph_at_first();
  for (std::uint64_t n = 0; n != 5'000; ++n)
    s.write(op::forget_concept{cid(n)});
  s.reconcile();
  s.index();
  CHECK(s.verify().value().slots == 5'000);
  REQUIRE(s.end().code == errc::ok);
  s.open();
  s.reconcile();
  (void) s.memory->index_some();
  s.reconcile();
  (void) s.memory->index_some();
  s.reconcile();
  CHECK(s.memory->load()->index()->vectors->columns->slots() == 5'000);
  CHECK(s.memory->load()->index()->vectors->graph != nullptr);
  s.check_searches();
}

TEST_CASE("D6: who only reads uses the index, and writes none") {
  indexed_store s;
  s.learn(0, 1'000);
  s.index();
  REQUIRE(s.end().code == errc::ok);
  s.options.store->read_only = true;
  s.open();
  CHECK(s.graph_at_first() == s.verify().value().graph_slots);
  s.check_searches();
  s.memory.reset();
  REQUIRE(env(s.disk).remove(index_path).has_value());
  s.open();
  CHECK(s.index() == 0);
  s.check_searches();
  CHECK(s.verify().error().code == errc::not_found);
}

TEST_CASE("D2: whenever power fails while it is written, the store opens and no index is wrong") {
  const auto run = [](std::uint64_t call, std::uint64_t seed) {
    indexed_store s;
    s.learn(0, 400);
    s.index();
    s.commit();
    s.learn(400, 900);
    s.commit();
    s.disk->inject(fault::power_off, call);
    for (int steps = 0; s.memory->index_due() && steps != 100; ++steps) {
      (void) s.memory->index_some();
      s.reconcile();
    }
    const bool hit = s.disk->hit();
    s.cut_power(seed);
    s.open();
    CHECK_FALSE(s.has_file("VECTORS.new")); // the opening removed it
    const auto there = s.verify();
    CHECK((there.has_value() || there.error().code == errc::not_found));
    (void) s.graph_at_first();
    s.check_searches();
    CHECK(s.memory->load()->concept_count() == 900);
    return hit;
  };
  std::uint64_t seed = 0;
  std::uint64_t call = 0;
  while (run(call, ++seed))
    call += 1 + call / 8;
  CHECK(call > 10); // else nothing was written
}

TEST_CASE("An index that was begun when the memory was closed is stored, and none after that") {
  indexed_store s;
  s.learn(0, 1'000);
  for (int steps = 0; steps != 12; ++steps) {
    (void) s.memory->index_some();
    s.reconcile();
  }
  REQUIRE(s.memory->load()->index() != nullptr);
  s.write(op::learn_concept{.id = cid(7'000), .vector = vector_of(7'000)});
  s.memory->close();
  CHECK_FALSE(s.memory->index_some().value());
  REQUIRE(s.close().code == errc::ok);
  REQUIRE(env(s.disk).remove(index_path).has_value());
  s.open();
  s.index();
  REQUIRE(env(s.disk).remove(index_path).has_value());
  s.memory->close();
  while (s.memory->reconcile().more_pending) {}
  REQUIRE(s.memory->close_store().has_value());
  REQUIRE(s.memory->store_index().has_value()); // another process may have the store
  CHECK_FALSE(s.has_file("VECTORS"));
}
