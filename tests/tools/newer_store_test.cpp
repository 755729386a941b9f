// D5: what the commands do with a store of a newer version: they say so, and leave it alone.

#include "tests/storage/newer_store.hpp"
#include "tests/tools/store_shell.hpp"

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string message(const std::string& path, std::uint32_t version, std::uint32_t highest) {
  return "cmem: unsupported: " + path + " has format version " + std::to_string(version)
         + ", and this program reads up to version " + std::to_string(highest)
         + ": open the store with a newer cmem; nothing was changed\n";
}

} // namespace

TEST_CASE("D5: every command refuses a store of a newer version, and leaves it alone") {
  const auto version = GENERATE(3U, 99U);
  const shell sh;
  const std::string good = sh.file("good");
  fs::copy("tests/data/store-v2", good);
  for (const header_place& place : golden_headers) {
    const std::string store = sh.file("newer");
    fs::remove_all(store);
    fs::copy("tests/data/store-v2", store);
    place.put_version(store, version);
    const auto before = bytes_of_directory(store);
    const std::string says = message(store + "/" + place.file, version, place.highest);
    const std::string elsewhere = sh.file("elsewhere");
    const std::string lines = sh.write("lines.jsonl", rain);
    const std::vector<std::vector<std::string>> commands = {
      {"verify", store},       {"verify", store, "--json"},  {"stats", store},
      {"get", store, "cat"},   {"neighbors", store, "cat"},  {"path", store, "cat", "dog"},
      {"export", store},       {"import", store, lines},     {"checkpoint", store},
      {"compact", store},      {"backup", store, elsewhere}, {"restore", store, elsewhere},
      {"backup", good, store},
    };
    for (const auto& command : commands) {
      INFO(place.file << " of version " << version << ", " << command[0] << " " << command[1]);
      const answer a = sh.run(command);
      CHECK(a.code == 1);
      CHECK(a.err == says);
      CHECK(a.out.empty());
      CHECK(bytes_of_directory(store) == before);
      CHECK_FALSE(fs::exists(elsewhere));
    }
  }
}

TEST_CASE("D5: inspect shows what it can of a newer file before it says so") {
  const shell sh;
  const std::string store = sh.file("newer");
  fs::copy("tests/data/store-v2", store);
  for (const header_place& place : golden_headers)
    place.put_version(store, 99);
  const auto before = bytes_of_directory(store);
  const auto inspect = [&](const std::string& name, std::uint32_t highest) {
    const answer a = sh.run({"inspect", store + "/" + name});
    CHECK(a.code == 1);
    CHECK(a.err == message(store + "/" + name, 99, highest));
    return a.out;
  };
  CHECK_THAT(inspect("MANIFEST", 2),
             ContainsSubstring("root: offset 0, version 99, generation ")
               && ContainsSubstring("state of a newer version than this program reads"));
  CHECK(inspect("segment-2.cmseg", 2) == "segment: version 99, bytes 1520\n");
  CHECK(inspect("wal-0.log", 1) == "write-ahead log: version 99, bytes 4096\n");
  // The older root is right, and does not count.
  fs::copy("tests/data/store-v2/MANIFEST", store + "/MANIFEST",
           fs::copy_options::overwrite_existing);
  golden_headers[1].put_version(store, 3);
  const answer a = sh.run({"inspect", store + "/MANIFEST"});
  CHECK(a.err == message(store + "/MANIFEST", 3, 2));
  fs::copy("tests/data/store-v2/MANIFEST", store + "/MANIFEST",
           fs::copy_options::overwrite_existing);
  for (const header_place& place : golden_headers)
    if (place.file != "MANIFEST")
      fs::copy("tests/data/store-v2/" + place.file, store + "/" + place.file,
               fs::copy_options::overwrite_existing);
  CHECK(sh.run({"verify", store}).code == 0);
}
