// D5: the examples of docs/format.md are decoded, and written again to the letter.

#include "storage/manifest.hpp"
#include "storage/wal_reader.hpp"
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

TEST_CASE("D5: what is written now are the bytes of docs/format.md") {
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
