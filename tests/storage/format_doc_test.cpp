// D5: the examples of docs/format.md are decoded, and written again to the letter.

#include "storage/manifest.hpp"
#include "storage/wal_reader.hpp"
#include "storage/wal_replay.hpp"
#include "tests/storage/segment_fixture.hpp"

#include <cstring>
#include <fstream>
#include <sstream>

using namespace cmem;
using namespace cmem::test;

namespace {

/// The bytes of the block "```hex <name>". A line: offset, two blanks, bytes or "00 * count", two
/// blanks, what they mean.
std::vector<std::byte> example(const std::string& name) {
  std::ifstream page("docs/format.md");
  REQUIRE(page);
  std::string line;
  while (std::getline(page, line) && line != "```hex " + name) {}
  std::vector<std::byte> bytes;
  while (std::getline(page, line) && line != "```") {
    INFO(name << ": " << line);
    REQUIRE(std::stoul(line, nullptr, 16) == bytes.size());
    std::istringstream words(line.substr(6, line.find("  ", 6) - 6));
    std::vector<std::string> columns;
    for (std::string word; words >> word;)
      columns.push_back(word);
    if (columns.size() == 3 && columns[1] == "*")
      bytes.resize(bytes.size() + std::stoul(columns[2]));
    else
      for (const std::string& column : columns)
        bytes.push_back(static_cast<std::byte>(std::stoul(column, nullptr, 16)));
  }
  REQUIRE(line == "```");
  REQUIRE_FALSE(bytes.empty());
  return bytes;
}

constexpr std::uint64_t store = 0x1122'3344'5566'7788;

/// The store of the examples.
env example_store() {
  const auto faults = new_disk();
  const env e(faults);
  const auto put = [&](const std::string& path, std::vector<std::byte> bytes) {
    REQUIRE(e.open(path, open_mode::create));
    faults->set_content(path, bytes);
  };
  put("/s/MANIFEST", example("manifest"));
  put("/s/segment-7.cmseg", example("segment"));
  auto log = example("wal");
  log.resize(4096);
  put("/s/wal-0.log", log);
  return e;
}

/// A learn_batch of a concept and an association of a kind registered just before, an entry of its
/// own, and one that failed.
std::vector<std::byte> example_batch() {
  arena memory(std::size_t{16} << 20);
  payload_pool pool(memory);
  write_log log(pool, {.capacity = 10});
  const float v[] = {1.0F, 0.5F};
  const std::array<write_op, 2> both{op::learn_concept{"cat", "purrs", v, 2.0F, 0.5F},
                                     op::learn_association{"cat", "dog", 5, 0.25F, 4.0F}};
  REQUIRE(log.append_batch(both, 4'000));
  const attribute_update updates[] = {{"colour", "red"}, {"size", std::nullopt}};
  REQUIRE(log.append(op::set_attributes{named("cat"), updates}, 4'070));
  drained_batch batch;
  log.drain_batch(10, batch);
  wal_batch_encoder to(pool, 4'096, {});
  to.add(named_kind{5, "eats"});
  for (const handle h : batch.entries)
    to.add(log.entry(h));
  to.skip(1);
  log.release(batch);
  return std::move(to).finish();
}

} // namespace

TEST_CASE("D5: the examples of docs/format.md are a store") {
  const env e = example_store();
  const auto read = read_manifest(e, "/s");
  const manifest& m = need(read).value;
  CHECK_FALSE(need(read).other);
  CHECK(need(read).generation == 2);
  CHECK(m.store == store);
  CHECK(m.checkpoint == 9);
  CHECK(m.durable == 9);
  CHECK(m.reserved == 1'000);
  CHECK(m.timestamp == 4'096);
  CHECK(m.next_segment == 8);
  CHECK(m.vector_dimension == 2);
  CHECK(m.association_times);
  CHECK(m.kinds == std::vector<std::string>{"semantic", "causal"});
  CHECK(m.strength_half_life_us == 86'400'000);
  CHECK(m.written == write_totals{3, 4'656, 808, 0});
  REQUIRE(m.segments.size() == 1);

  const auto opened = segment_reader::open(e, "/s", m.segments[0], store);
  const segment_reader& r = need(opened);
  CHECK(need(r.verify()) == 808);
  CHECK(need(r.kinds()) == m.kinds);
  const segment_concept* const cat = need(r.find(named("cat")));
  REQUIRE(cat != nullptr);
  CHECK(describe(r, *cat)
        == named("cat").hex()
             + " cat [purrs] 2.000000 0.500000 1000 2000 3 (1.000000,0.500000,) colour=red ->"
             + named("dog").hex() + "/1/0.250000/4.000000/1/2");
  CHECK(need(r.find(named("dog")))->flags == segment_concept::forgotten);

  auto log = wal_reader::open(e, "/s", {store, m.checkpoint, m.durable});
  REQUIRE(log);
  wal_record record;
  REQUIRE(need(log->next(record)));
  CHECK(record.sequence == 10);
  CHECK(record.durable == 9);
  CHECK(std::string(reinterpret_cast<const char*>(record.payload.data()), record.payload.size())
        == "cat");
  CHECK_FALSE(need(log->next(record)));
  CHECK(log->report().last == 10);
}

TEST_CASE("D5: the batch of docs/format.md is decoded") {
  const auto payload = example("batch");
  auto from = wal_batch_decoder::open(payload);
  REQUIRE(from);
  CHECK(from->head().time == 4'096);
  CHECK(from->head().entries == 4);
  CHECK(from->head().groups == 2);
  named_kind kind;
  REQUIRE(need(from->next(kind)));
  CHECK((kind.id == 5 && kind.name == "eats"));
  CHECK_FALSE(need(from->next(kind)));

  wal_batch_decoder::entry e{op::record_access{concept_id{}}};
  REQUIRE(need(from->next(e)));
  CHECK((e.count == 2 && e.time == 4'000));
  const auto& cat = std::get<op::learn_concept>(e.op);
  CHECK((cat.id.id == named("cat") && cat.id.name == "cat" && cat.content == "purrs"));
  CHECK((cat.vector.size() == 2 && cat.vector[0] == 1.0F && cat.vector[1] == 0.5F));
  CHECK((cat.strength == 2.0F && cat.confidence == 0.5F));
  REQUIRE(need(from->next(e)));
  CHECK((e.count == 0 && e.time == 4'000)); // the batch goes on
  const auto& eats = std::get<op::learn_association>(e.op);
  CHECK((eats.source.id == named("cat") && eats.target.id == named("dog") && eats.kind == 5));
  CHECK((eats.source.name == "cat" && eats.target.name == "dog"));
  CHECK((eats.confidence == 0.25F && eats.weight == 4.0F));
  REQUIRE(need(from->next(e)));
  CHECK((e.count == 1 && e.time == 4'070));
  const auto& attributes = std::get<op::set_attributes>(e.op);
  CHECK((attributes.id.id == named("cat") && attributes.id.name.empty()));
  REQUIRE(attributes.attributes.size() == 2);
  CHECK((attributes.attributes[0].key == "colour" && attributes.attributes[0].value == "red"));
  CHECK((attributes.attributes[1].key == "size" && !attributes.attributes[1].value));
  CHECK_FALSE(need(from->next(e)));
}

TEST_CASE("D5: what is written now are the bytes of docs/format.md") {
  CHECK(example_batch() == example("batch"));
  CHECK(example_segment() == example("segment"));

  const env e = example_store();
  const auto faults = std::make_shared<fault_env>();
  REQUIRE(manifest_file::create(env(faults), "/s", need(read_manifest(e, "/s")).value));
  CHECK(faults->content("/s/MANIFEST") == example("manifest"));

  wal_header h;
  h.flags = wal_header::zeroed;
  h.store = store;
  h.generation = 3;
  h.base = 9;
  h.file_bytes = 4'096;
  h = sealed(h);
  const auto head = std::as_bytes(std::span(&h, 1));
  std::vector<std::byte> log(head.begin(), head.end());
  append_wal_record(log, {0, 0, wal_type::batch, 0, 3, 10, 9},
                    std::as_bytes(std::span(std::string_view("cat"))), store);
  CHECK(log == example("wal"));
}
