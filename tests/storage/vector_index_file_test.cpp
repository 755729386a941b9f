#include "storage/nearest.hpp"
#include "storage/vector_graph_builder.hpp"
#include "storage/vector_index_file.hpp"
#include "tests/fault_env.hpp"
#include "tests/storage/query_fixture.hpp"

#include <cstring>

using namespace cmem;
using namespace cmem::test;

namespace {

constexpr std::uint32_t dimension = 20;
constexpr concept_number concepts = 600;
const std::string index_path = "/s/VECTORS";

std::vector<float> vector_of(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<float> v(dimension);
  for (float& x : v)
    x = static_cast<float>(random() % 2048) / 1024.0F - 1.0F;
  return v;
}

/// A memory with vectors, and their index.
struct indexed_memory {
  graph_memory memory{dimension};
  vector_columns_builder columns{dimension};
  vector_graph_builder graph;
  vector_index index;

  void learn(concept_number from, concept_number to, std::uint64_t seed = 0) {
    for (concept_number n = from; n <= to; ++n)
      memory.learn(n, vector_of(seed + n));
  }
  void make_index() {
    memory.publish();
    for (std::uint32_t i = 0; i < snapshot().index_count(); ++i)
      columns.take(snapshot(), i);
    index.columns = columns.publish();
    graph.insert(snapshot(), *index.columns, graph_links::slots_max);
    index.graph = graph.publish();
  }
  [[nodiscard]] const graph_snapshot& snapshot() const { return memory.snapshot(); }
};

struct disk {
  disk() { REQUIRE(files.make_directory("/s").has_value()); }

  void write(const indexed_memory& m) {
    const auto written = write_vector_index(files, "/s", 7, m.snapshot(), m.index);
    REQUIRE(written.has_value());
    bytes = *written;
  }
  [[nodiscard]] result<stored_vectors> read(const graph_snapshot& s) const {
    return read_vector_index(files, "/s", s, vector_metric::cosine);
  }

  std::shared_ptr<fault_env> faults = std::make_shared<fault_env>(1);
  env files{faults};
  std::uint64_t bytes = 0;
};

/// What a reader sees of it: columns of all slots, and a graph with those links.
vector_index restored(stored_vectors read) {
  vector_index made;
  made.columns = read.columns.publish();
  if (read.links)
    made.graph =
      std::make_shared<const vector_graph>(vector_metric::cosine, std::move(*read.links));
  return made;
}

std::vector<similar_concept> ask(const graph_snapshot& s, const vector_index& index,
                                 std::uint64_t seed, std::size_t effort) {
  const std::vector<float> query = vector_of(seed);
  return nearest(s, {.index = &index}, {.vector = query, .k = 10, .effort = effort}).value().found;
}

} // namespace

TEST_CASE("An index of vectors comes back from its file as it was") {
  indexed_memory m;
  m.learn(1, concepts);
  m.make_index();
  m.learn(1, 50, 5000); // slots that are dead, and their places in the graph
  m.memory.forget(60);
  m.make_index();
  disk d;
  d.write(m);
  auto read = d.read(m.snapshot());
  REQUIRE(read.has_value());
  CHECK(read->columns.slots() == m.columns.slots());
  CHECK(read->columns.dead() == 51);
  const vector_index back = restored(std::move(*read));
  for (std::uint32_t slot = 0; slot < m.columns.slots(); ++slot) {
    REQUIRE(back.columns->is_current(m.snapshot(), slot)
            == m.index.columns->is_current(m.snapshot(), slot));
    REQUIRE(
      std::memcmp(back.columns->codes(slot), m.index.columns->codes(slot), back.columns->stride())
      == 0);
  }
  for (std::uint64_t seed = 100'000; seed < 100'050; ++seed)
    REQUIRE(ask(m.snapshot(), back, seed, 40) == ask(m.snapshot(), m.index, seed, 40));
}

TEST_CASE(
  "What has another vector by now is nobody's slot, and a slot that is learned again counts") {
  indexed_memory m;
  m.learn(1, concepts);
  m.make_index();
  disk d;
  d.write(m);
  indexed_memory other; // other indices, one concept gone, one changed, one new
  other.learn(300, concepts);
  other.learn(2, 299);
  other.learn(10, 10, 9000);
  other.learn(concepts + 1, concepts + 1);
  other.memory.publish();
  auto read = d.read(other.snapshot());
  REQUIRE(read.has_value());
  CHECK(read->columns.dead() == 2);
  for (std::uint32_t i = 0; i < other.snapshot().index_count(); ++i)
    read->columns.take(other.snapshot(), i);
  CHECK(read->columns.slots() == concepts + 2);
  const vector_index back = restored(std::move(*read));
  for (std::uint64_t seed = 100'000; seed < 100'020; ++seed) {
    const std::vector<float> query = vector_of(seed);
    const nearest_query exact{.vector = query, .k = 10, .exact = true};
    REQUIRE(nearest(other.snapshot(), {.index = &back}, exact).value().found
            == nearest(other.snapshot(), {}, exact).value().found);
  }
}

TEST_CASE("D3: a file of an index with any bit flipped is refused, with its offset") {
  indexed_memory m;
  m.learn(1, 100);
  m.make_index();
  disk d;
  d.write(m);
  REQUIRE(verify_vector_index(d.files, index_path).has_value());
  auto opened = d.files.open(index_path, open_mode::write);
  REQUIRE(opened.has_value());
  for (std::uint64_t at = 0; at < d.bytes; at += 37) {
    std::byte byte{};
    REQUIRE(opened->read_all_at(std::span(&byte, 1), at).has_value());
    const std::byte flipped = byte ^ std::byte{1};
    REQUIRE(opened->write_at(std::span(&flipped, 1), at).has_value());
    const auto verified = verify_vector_index(d.files, index_path);
    REQUIRE_FALSE(verified.has_value());
    const auto read = d.read(m.snapshot());
    REQUIRE_FALSE(read.has_value());
    REQUIRE((read.error().code == errc::corrupt || read.error().code == errc::unsupported));
    REQUIRE(read.error().detail.find(index_path) != std::string::npos);
    REQUIRE(opened->write_at(std::span(&byte, 1), at).has_value());
  }
  CHECK(d.read(m.snapshot()).has_value());
  REQUIRE(opened->truncate(d.bytes - 1).has_value());
  CHECK(d.read(m.snapshot()).error().code == errc::corrupt);
  REQUIRE(opened->truncate(3).has_value());
  CHECK(d.read(m.snapshot()).error().code == errc::corrupt);
  REQUIRE(d.files.remove(index_path).has_value());
  CHECK(d.read(m.snapshot()).error().code == errc::not_found);
}

TEST_CASE("An index that is not written to its end leaves the one before") {
  indexed_memory m;
  m.learn(1, 100);
  m.make_index();
  disk d;
  d.write(m);
  m.learn(101, 200);
  m.make_index();
  const auto stopped =
    write_vector_index(d.files, "/s", 7, m.snapshot(), m.index, {0, [] { return true; }});
  REQUIRE_FALSE(stopped.has_value());
  CHECK(stopped.error().code == errc::closed);
  CHECK(d.files.list("/s").value() == std::vector<std::string>{"VECTORS"});
  CHECK(verify_vector_index(d.files, index_path).value().slots == 100);
  const auto closing =
    read_vector_index(d.files, "/s", m.snapshot(), vector_metric::cosine, [] { return true; });
  REQUIRE_FALSE(closing.has_value());
  CHECK(closing.error().code == errc::closed);
  d.write(m);
  CHECK(verify_vector_index(d.files, index_path).value().slots == 200);
}

TEST_CASE("Of an index by another metric the columns serve") {
  indexed_memory m;
  m.learn(1, 100);
  m.make_index();
  disk d;
  d.write(m);
  const auto read = read_vector_index(d.files, "/s", m.snapshot(), vector_metric::l2);
  REQUIRE(read.has_value());
  CHECK(read->columns.slots() == 100);
  CHECK_FALSE(read->links.has_value());
}

TEST_CASE("Slots that are no place of their own, of whatever level, are none in the file") {
  indexed_memory m;
  for (concept_number n = 1; n <= 3'000; ++n)
    m.memory.learn(n, vector_of(n % 300)); // most are twins
  m.make_index();
  m.learn(1, 150, 5000);
  m.memory.publish();
  for (std::uint32_t i = 0; i < m.snapshot().index_count(); ++i)
    m.columns.take(m.snapshot(), i);
  m.learn(1, 150, 9000); // what was taken last is dead when the graph gets to it
  m.make_index();
  disk d;
  d.write(m);
  CHECK(verify_vector_index(d.files, index_path).has_value());
  auto read = d.read(m.snapshot());
  REQUIRE(read.has_value());
  const vector_index back = restored(std::move(*read));
  for (std::uint64_t seed = 100'000; seed < 100'050; ++seed)
    REQUIRE(ask(m.snapshot(), back, seed, 40) == ask(m.snapshot(), m.index, seed, 40));
}
