// `cmem inspect`: what any file of a store says.

#include "storage/manifest.hpp"
#include "tests/tools/store_shell.hpp"

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Two segments; the second leaves to the first what did not change. It is too small beside it to
/// be compacted.
struct inspected {
  shell sh;
  std::string store = sh.file("s");

  inspected() {
    const std::string more = R"({"type":"concept","id":"long","content":")" + std::string(59, 'x')
                             + "üü" + std::string(4'000, 'y')
                             + R"(","vector":[1,2],"attributes":{"colour":"red"}})" + "\n"
                             + R"({"type":"association","source":"rain","target":"nobody"})" + "\n";
    REQUIRE(sh.import("s", rain + more).code == 0);
    REQUIRE(
      sh.run({"import", store, "-"}, R"({"type":"association","source":"rain","target":"long"})")
        .code
      == 0);
  }
  [[nodiscard]] std::string text(const std::string& name,
                                 std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"inspect", store + "/" + name});
    const auto a = sh.run(more);
    INFO(a.err);
    CHECK(a.code == 0);
    return a.out;
  }
};

} // namespace

TEST_CASE("inspect shows every file of a store, and as JSON an object a line") {
  const inspected i;
  for (const auto& entry : fs::directory_iterator(i.store)) {
    INFO(entry.path());
    const std::string name = entry.path().filename();
    CHECK_FALSE(i.text(name, {"--entries"}).empty());
    std::istringstream lines(i.text(name, {"--json"}));
    for (std::string line; std::getline(lines, line);)
      CHECK(json::parse(line).is_object());
  }
  const auto other = i.sh.run({"inspect", i.sh.file("s.jsonl")});
  CHECK(other.code == 1);
  CHECK_THAT(other.err, ContainsSubstring("no file of a store"));
  CHECK(i.sh.run({"inspect", i.sh.file("none")}).code == 1);
}

TEST_CASE("a manifest shows both roots, segments and kinds") {
  const inspected i;
  CHECK_THAT(i.text("MANIFEST"),
             ContainsSubstring("root: offset 0, version 2, generation ")
               && ContainsSubstring("root: offset 4096") && ContainsSubstring("state counts")
               && ContainsSubstring("state older") && ContainsSubstring("checkpoint 10,")
               && ContainsSubstring("strength_half_life_us 0, learned_bytes ")
               && ContainsSubstring("segment: file segment-1.cmseg, bytes ")
               && ContainsSubstring("first_sequence 10, last_sequence 10")
               && ContainsSubstring("kind: number 5, name slows"));
  // The file that was named, whatever it is called and whatever lies beside it.
  fs::copy(i.store + "/MANIFEST", i.sh.file("saved"));
  fs::remove_all(i.store);
  std::fstream bytes(i.sh.file("saved"), std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(4096 + 30);
  bytes.put('!');
  bytes.close();
  const auto saved = i.sh.run({"inspect", i.sh.file("saved")});
  CHECK(saved.code == 0);
  CHECK_THAT(saved.out, ContainsSubstring("state fails its checksum"));
  fs::resize_file(i.sh.file("saved"), 4096);
  const auto cut = i.sh.run({"inspect", i.sh.file("saved")});
  CHECK(cut.code == 1);
  CHECK_THAT(cut.err, ContainsSubstring("corrupt") && ContainsSubstring("saved at offset 0"));
}

TEST_CASE("a segment shows header, sections, records and their associations") {
  const inspected i;
  CHECK_THAT(
    i.text("segment-1.cmseg"),
    ContainsSubstring("segment: version 1") && ContainsSubstring("first_sequence 1")
      && ContainsSubstring("section: name associations, offset ")
      && ContainsSubstring("kind: number 1, name causal")
      && ContainsSubstring("name wet street, content slippery, content_bytes 8, strength 2.5")
      && ContainsSubstring("content " + std::string(59, 'x') + "…, content_bytes 4063")
      && ContainsSubstring("vector_numbers 2") && ContainsSubstring(R"({"colour":"red"})")
      && ContainsSubstring("  association: target " + concept_id::from_name("nobody").hex())
      && ContainsSubstring("kind 1, confidence 0.5, weight 1.0"));
  CHECK_THAT(i.text("segment-2.cmseg"),
             ContainsSubstring("name rain, content as in an older segment")
               && ContainsSubstring("associations 4"));
}

TEST_CASE("a log shows batches, and their entries if asked") {
  const inspected i;
  CHECK_THAT(i.text("wal-0.log", {"--entries"}),
             ContainsSubstring("write-ahead log: version 1")
               && ContainsSubstring("batch: offset 512, sequence ")
               && ContainsSubstring("name slows")
               && ContainsSubstring("learn_concept: id rain, content_bytes 5"));
  CHECK_THAT(i.text("wal-0.log"), !ContainsSubstring("learn_concept"));
}

TEST_CASE("long output ends at the limit, and says how much there is") {
  const inspected i;
  const auto count = [](const std::string& text, const std::string& what) {
    std::size_t n = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
      ++n;
    return n;
  };
  // Five concepts, "nobody" for its name, and four associations.
  const std::string two = i.text("segment-1.cmseg", {"--limit", "2"});
  CHECK(count(two, "\nconcept: ") + count(two, "\n  association: ") == 2);
  CHECK_THAT(two, ContainsSubstring("more: records_not_shown 7"));
  CHECK_THAT(i.text("segment-1.cmseg"), !ContainsSubstring("not_shown"));
  CHECK_THAT(i.text("MANIFEST", {"--limit", "1"}), ContainsSubstring("records_not_shown 7"));
  CHECK_THAT(i.text("wal-0.log", {"--limit", "1", "--entries"}),
             ContainsSubstring("batch: ") && ContainsSubstring("records_not_shown")
               && ContainsSubstring("end of the records"));
  CHECK(i.sh.run({"inspect", i.store + "/MANIFEST", "--limit", "0"}).code == 2);
}
