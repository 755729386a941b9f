// What the commands say of a store's index of vectors.

#include "storage/engine.hpp"
#include "storage/vector_index_file.hpp"
#include "tests/storage/builder_fixture.hpp"
#include "tests/tools/store_shell.hpp"

#include <array>
#include <fstream>

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A store with an index over some hundred vectors, of which commands make none.
struct indexed_directory {
  shell sh;
  std::string store = sh.file("s");
  std::string index = store + "/VECTORS";

  indexed_directory() {
    engine_options o;
    o.vector_dimension = 3;
    o.graph_vectors_min = 100;
    o.arena_bytes = std::size_t{64} << 20;
    o.store.emplace();
    o.store->directory = store;
    auto memory = std::move(engine::create(std::move(o))).value();
    for (std::uint64_t n = 0; n != 400; ++n) {
      const std::array<float, 3> v{1.0F, static_cast<float>(n % 20), static_cast<float>(n / 20)};
      REQUIRE(memory->write(op::learn_concept{.id = cid(n), .vector = v}));
    }
    while (memory->reconcile().entries != 0) {}
    while (memory->index_due()) {
      REQUIRE(memory->index_some());
      (void) memory->reconcile();
    }
    memory->close();
    while (memory->reconcile().more_pending) {}
    REQUIRE(memory->store_index());
    REQUIRE(memory->close_store());
    REQUIRE(fs::exists(index));
  }
  void put(std::uint64_t offset, char byte) const {
    std::fstream bytes(index, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(static_cast<std::streamoff>(offset));
    bytes.put(byte);
    REQUIRE(bytes);
  }
};

} // namespace

TEST_CASE("verify reads all of the index, and inspect shows whose its slots are") {
  const indexed_directory d;
  const auto verified = json::parse(d.sh.run({"verify", d.store, "--json"}).out);
  CHECK(verified["ok"] == true);
  CHECK(verified["indexes"] == 1);
  CHECK(verified["bytes"] > fs::file_size(d.index));
  CHECK(verified["notes"].empty());
  const auto shown = d.sh.run({"inspect", d.index, "--limit", "3"});
  CHECK(shown.code == 0);
  CHECK_THAT(shown.out, ContainsSubstring("vector_dimension 3, slots 400, metric cosine"));
  CHECK_THAT(shown.out, ContainsSubstring("slot: number 2, id " + cid(2).hex()));
  CHECK_THAT(shown.out, ContainsSubstring("397"));
  std::istringstream lines(d.sh.run({"inspect", d.index, "--json"}).out);
  for (std::string line; std::getline(lines, line);)
    CHECK(json::parse(line).is_object());
}

TEST_CASE("D3: verify names the damage of an index, and what to do") {
  const indexed_directory d;
  const auto h = read_vector_index_header(env(), d.index);
  REQUIRE(h);
  for (const vector_section s :
       {vector_section::ids, vector_section::codes, vector_section::rows, vector_section::upper}) {
    const std::uint64_t at = h->at(s).offset;
    std::ifstream from(d.index, std::ios::binary);
    from.seekg(static_cast<std::streamoff>(at));
    const auto byte = static_cast<char>(from.get());
    d.put(at, static_cast<char>(byte ^ 4));
    const auto a = d.sh.run({"verify", d.store});
    CHECK(a.code == 1);
    CHECK_THAT(a.out, ContainsSubstring("FAULT") && ContainsSubstring(d.index)
                        && ContainsSubstring("offset " + std::to_string(at) + ":")
                        && ContainsSubstring("remove the file"));
    d.put(at, byte);
  }
  CHECK(d.sh.run({"verify", d.store}).code == 0);
  fs::resize_file(d.index, 100);
  CHECK(d.sh.run({"verify", d.store}).code == 1);
  CHECK(d.sh.run({"inspect", d.index}).code == 1);
  CHECK(d.sh.run({"stats", d.store}).code == 0); // it is not needed
}

TEST_CASE("D5: a newer index is no damage, and neither is what a crash left of one") {
  const indexed_directory d;
  auto h = read_vector_index_header(env(), d.index);
  REQUIRE(h);
  h->version = 2;
  const vector_index_header newer = sealed(*h);
  std::fstream to(d.index, std::ios::in | std::ios::out | std::ios::binary);
  to.write(reinterpret_cast<const char*>(&newer), sizeof newer);
  to.close();
  std::ofstream(d.index + ".new") << "some";
  const auto verified = json::parse(d.sh.run({"verify", d.store, "--json"}).out);
  CHECK(verified["ok"] == true);
  REQUIRE(verified["notes"].size() == 2);
  CHECK_THAT(verified["notes"][0].get<std::string>(), ContainsSubstring("version 2"));
  CHECK_THAT(verified["notes"][1].get<std::string>(), ContainsSubstring("VECTORS.new"));
  CHECK(d.sh.run({"get", d.store, cid(1).hex()}).code == 0);
}
