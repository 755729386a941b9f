// `cmem import`: full disks, progress, and stores that come back as they were.

#include "actors/concurrent_memory.hpp"
#include "tests/fault_env.hpp"
#include "tests/tools/store_shell.hpp"

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string concepts(int count, std::size_t bytes) {
  std::string lines;
  for (int i = 0; i != count; ++i)
    lines += R"({"type":"concept","id":"c)" + std::to_string(i) + R"(","content":")"
             + std::string(bytes, 'x') + "\"}\n";
  return lines;
}

/// A pipe; `then` is called before the bytes behind `at` come.
class told_input final : public std::streambuf {
public:
  told_input(std::string text, std::size_t at, std::function<void()> then)
    : text_(std::move(text)), then_(std::move(then)) {
    setg(text_.data(), text_.data(), text_.data() + at);
  }

private:
  int_type underflow() override {
    char* const end = text_.data() + text_.size();
    if (egptr() == end)
      return traits_type::eof();
    then_();
    setg(egptr(), egptr(), end);
    return traits_type::to_int_type(*gptr());
  }

  std::string text_;
  const std::function<void()> then_;
};

} // namespace

TEST_CASE("D4: an import on a disk that fills up says so, and keeps what it acknowledged") {
  shell sh;
  const auto disk = std::make_shared<fault_env>();
  sh.files = env(disk);
  REQUIRE(sh.run({"import", "/s", sh.write("l.jsonl", concepts(100, 10))}).code == 0);
  told_input text(concepts(20'000, 100), 10'000, [&] { disk->inject(fault::enospc, 0, true); });
  std::istream in(&text);
  const auto full = sh.run_from({"import", "/s", "-", "--json"}, in);
  INFO(full.out << full.err);
  CHECK(full.code == 1);
  CHECK_THAT(full.err, ContainsSubstring("read_only") && ContainsSubstring("No space left"));
  const auto j = json::parse(full.out);
  CHECK(j["durable"] == false);
  CHECK(j["stopped"] == true);
  const std::uint64_t durable = j["durable_sequence"];
  CHECK(durable >= 100);
  // Someone makes room: the store opens, and what was said to be durable is there.
  disk->kill();
  disk->heal();
  const auto stats = json::parse(sh.run({"stats", "/s", "--json"}).out);
  CHECK(stats["sequence"] >= durable);
  CHECK(sh.run({"get", "/s", "c99"}).code == 0);
  CHECK(sh.run({"verify", "/s"}).code == 0);
  const auto again = sh.run({"import", "/s", sh.file("l.jsonl"), "--json"});
  CHECK(again.code == 0);
  CHECK(json::parse(again.out)["durable"] == true);
}

TEST_CASE("D4: an import that is durable, and finds no room for its segment, says both") {
  shell sh;
  const auto disk = std::make_shared<fault_env>();
  sh.files = env(disk);
  REQUIRE(sh.run({"import", "/s", sh.write("l.jsonl", concepts(100, 10))}).code == 0);
  disk->set_capacity(9'000'000); // a log, and no segment
  const auto full = sh.run({"import", "/s", sh.write("l.jsonl", concepts(2'000, 4'000))});
  INFO(full.out << full.err);
  CHECK(full.code == 1);
  CHECK_THAT(full.out, ContainsSubstring("durable: all of it, up to sequence 2100; flushed up to "
                                         "sequence 100: the log holds the rest"));
  CHECK_THAT(full.err, ContainsSubstring("disk_full") && ContainsSubstring("segment-2.cmseg"));
  disk->kill();
  disk->set_capacity(~std::uint64_t{0});
  const auto stats = json::parse(sh.run({"stats", "/s", "--json"}).out);
  CHECK(stats["concepts"] == 2'000);
  CHECK(stats["sequence"] == 2'100);
  CHECK(stats["checkpoint"] == 100);
}

TEST_CASE("an import that no disk has room for makes no claim") {
  shell sh;
  const auto disk = std::make_shared<fault_env>();
  disk->set_capacity(1'000);
  sh.files = env(disk);
  const auto a = sh.run({"import", "/s", "-"}, concepts(1, 1));
  CHECK(a.code == 1);
  CHECK_THAT(a.err, ContainsSubstring("disk_full"));
  CHECK(a.out.empty());
}

TEST_CASE("an import says what is flushed") {
  const shell sh;
  const auto a = sh.run({"import", sh.file("s"), "-"}, rain);
  CHECK_THAT(a.out, ContainsSubstring("durable: all of it, up to sequence 6; flushed: segments"));
  const auto b = sh.run({"import", sh.file("s"), "-", "--json"}, rain);
  CHECK(json::parse(b.out)["flushed_sequence"] == 12);
}

TEST_CASE("the progress line has count, rate and share, and goes before anything else is said") {
  const shell sh;
  const std::string lines = concepts(1'000, 10) + "oops\n";
  const auto a = sh.run({"import", sh.file("s"), sh.write("l.jsonl", lines)}, "", true);
  CHECK(a.code == 1);
  CHECK_THAT(a.err, ContainsSubstring("\r\033[Kimport: 256 lines, ") && ContainsSubstring("/s, ")
                      && ContainsSubstring(" %, 0 bad")
                      && ContainsSubstring("\r\033[K" + sh.file("l.jsonl") + ":1001: not JSON"));
  // Of a pipe nobody knows the length.
  const auto piped = sh.run({"import", sh.file("p"), "-"}, concepts(1'000, 10), true);
  CHECK_THAT(piped.err, ContainsSubstring("import: 256 lines") && !ContainsSubstring(" %, "));
}

TEST_CASE("a store that flushed and forgot is exported, imported and exported the same") {
  const shell sh;
  {
    config c;
    c.storage_path = sh.file("a");
    c.vector_dimension = 2;
    c.compaction = false; // what is older stays
    auto opened = concurrent_memory::open(std::move(c));
    REQUIRE(opened);
    concurrent_memory& m = **opened;
    const float numbers[] = {0.1F, -2.5e-30F};
    const std::string bytes("\0\xFF\n", 3);
    for (int round = 0; round != 4; ++round) {
      for (int i = 0; i != 50; ++i) {
        const std::string name = "n" + std::to_string(i);
        const std::string other = "n" + std::to_string((i * 7 + round) % 60);
        REQUIRE(m.learn_concept(name, bytes + name, numbers, 1.0F / static_cast<float>(i + 1)));
        REQUIRE(m.learn_association(name, other, kinds::causal, 0.3F, 0.1F));
        const std::vector<attribute_update> both = {{"colour", "red"}, {bytes, bytes}};
        REQUIRE(m.set_attributes(name, both));
      }
      REQUIRE(m.forget_concept("n" + std::to_string(3 * round)));
      REQUIRE(m.forget_association("n20", "n" + std::to_string((140 + round) % 60), kinds::causal));
      REQUIRE(m.flush());
    }
    REQUIRE(m.close().store_error.code == errc::ok);
    REQUIRE(m.stats().storage.segments == 4);
  }
  const std::string once = sh.exported("a");
  CHECK_THAT(once, ContainsSubstring("content_base64") && ContainsSubstring("attributes_base64")
                     && ContainsSubstring("-2.5e-30") && ContainsSubstring(R"("target":"n55")"));
  CHECK_THAT(once, !ContainsSubstring(R"("id":"n9")"));
  REQUIRE(sh.run({"import", sh.file("b"), "-"}, once).code == 0);
  CHECK(sh.exported("b") == once);
  REQUIRE(sh.run({"import", sh.file("a"), "-"}, once).code == 0); // over what is there
  CHECK(sh.exported("a") == once);
}
