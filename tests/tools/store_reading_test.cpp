// D6: commands that only read: beside a writer, on a medium that takes no writes, cold and not.

#include "actors/concurrent_memory.hpp"
#include "tests/forwarding_kernel.hpp"
#include "tests/tools/store_shell.hpp"
#include "tools/concept_source.hpp"
#include "tools/store_commands.hpp"

#include <cerrno>
#include <map>

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// The machine's disk, mounted read-only.
class read_only_disk final : public forwarding_kernel {
public:
  read_only_disk() : forwarding_kernel(make_linux_kernel()) {}

  answer open(const std::string& path, open_mode mode) override {
    return mode == open_mode::read ? forwarding_kernel::open(path, mode) : -EROFS;
  }
  answer pwritev(int, std::span<const const_bytes>, std::uint64_t) override { return -EROFS; }
  answer fallocate(int, std::uint64_t) override { return -EROFS; }
  answer ftruncate(int, std::uint64_t) override { return -EROFS; }
  answer fdatasync(int) override { return -EROFS; }
  answer rename(const std::string&, const std::string&) override { return -EROFS; }
  answer link(const std::string&, const std::string&) override { return -EROFS; }
  answer remove(const std::string&) override { return -EROFS; }
  answer make_directory(const std::string&) override { return -EROFS; }
};

const std::string odd = R"({"type":"concept","id":"v","content_base64":"AP/+","vector":[1,2.5],)"
                        R"("attributes":{"a":"ü"},"attributes_base64":{"/w==":"/g=="}}
{"type":"association","source":"v","target":"rain","kind":"slows","confidence":0.5}
{"type":"association","source":"v","target":"rain","kind":"causal","confidence":0.5}
{"type":"association","source":"v","target":"never learned"}
{"type":"association","source":"never learned","target":"v"}
{"type":"association","source":"v","target":"v","kind_base64":"/w==","weight":2}
)";

/// Every file with its content.
std::map<std::string, std::string> files_of(const std::string& directory) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::directory_iterator(directory)) {
    std::ostringstream text;
    text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    all[entry.path().filename()] = text.str();
  }
  return all;
}

std::unique_ptr<concurrent_memory> open_to_write(const std::string& store) {
  config c;
  c.storage_path = store;
  c.vector_dimension = 2;
  auto m = concurrent_memory::open(std::move(c));
  if (!m)
    FAIL(to_string(m.error()));
  return std::move(*m);
}

void learn(concurrent_memory& m, const char* name) {
  const auto t = m.learn_concept(name, "content of " + std::string(name));
  REQUIRE(t);
  REQUIRE(m.await_durable(*t, std::chrono::seconds(60)));
}

} // namespace

TEST_CASE("what is asked cold is answered as the graph does, byte for byte") {
  const shell sh;
  REQUIRE(sh.import("s", rain + odd).code == 0);
  {
    const auto m = open_to_write(sh.file("s")); // more segments, that leave parts to older ones
    learn(*m, "slow traffic");
    REQUIRE(m->flush());
    REQUIRE(m->forget_concept("wet street"));
    REQUIRE(m->strengthen("rain", 0.25F));
  }
  std::ostringstream out, err;
  const console quiet{out, err};
  const auto cold = make_cold_source(*cold_reader::open(env(), sh.file("s")));
  const auto graph = make_graph_source(*open_store(sh.file("s"), {}, quiet));
  REQUIRE(cold);
  REQUIRE(err.str().empty());
  std::size_t answered = 0;
  const auto same = [&](const auto& ask) {
    std::ostringstream out1, err1, out2, err2;
    const int code1 = ask(**cold, console{out1, err1});
    const int code2 = ask(*graph, console{out2, err2});
    INFO(out1.str() << err1.str());
    CHECK(code1 == code2);
    CHECK(out1.str() == out2.str());
    CHECK(err1.str() == err2.str());
    answered += out1.str().size();
  };
  const auto store = sh.file("s");
  for (const char* id : {"rain", "wet street", "slow traffic", "v", "never learned", "snow"})
    for (const bool as_json : {false, true}) {
      same([&](const concept_source& from, const console& c) {
        return get_from(from, {store, id, as_json}, c);
      });
      for (const char* kind : {"", "slows", "causal", "\xFF", "unheard of"})
        for (const std::size_t limit : {std::size_t{1}, std::size_t{100}})
          for (const float least : {0.0F, 0.5F, 0.6F})
            same([&](const concept_source& from, const console& c) {
              neighbors_arguments a{store, id};
              if (*kind != 0)
                a.kind = kind;
              a.limit = limit;
              a.min_confidence = least;
              a.json = as_json;
              return neighbors_from(from, a, c);
            });
    }
  CHECK(answered > 10'000);
}

TEST_CASE("commands that read make and change no file, also where none can be") {
  shell sh;
  REQUIRE(sh.import("s", rain + odd).code == 0);
  fs::remove(sh.file("s") + "/LOCK"); // a copy need not have it
  sh.files = env(std::make_shared<read_only_disk>());
  for (const bool crashed : {false, true}) {
    const std::string store = sh.file(crashed ? "crashed" : "s");
    if (crashed) { // as a process that dies now would leave it
      const auto m = open_to_write(sh.file("s"));
      learn(*m, "late");
      fs::copy(sh.file("s"), store);
    }
    const auto before = files_of(store);
    const std::string end = crashed ? "late" : "rain";
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"export", store},
                                               {"get", store, end},
                                               {"neighbors", store, end},
                                               {"neighbors", store, end, "--incoming"},
                                               {"path", store, end, "rain"},
                                               {"stats", store, "--json"},
                                               {"verify", store}}) {
      INFO(words[0]);
      const auto a = sh.run(words);
      CHECK(a.code == 0);
      CHECK(a.err.empty());
      CHECK(files_of(store) == before);
    }
  }
}

TEST_CASE("D6: beside a writer they show the last checkpoint, and say so") {
  const shell sh;
  REQUIRE(sh.import("s", rain + odd).code == 0);
  const auto m = open_to_write(sh.file("s"));
  learn(*m, "flushed");
  const auto flushed = m->flush();
  REQUIRE(flushed);
  learn(*m, "late");
  const std::string note = "last checkpoint, sequence " + std::to_string(*flushed);
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"export"},
                                             {"get", "flushed"},
                                             {"neighbors", "rain"},
                                             {"neighbors", "rain", "--incoming"},
                                             {"path", "rain", "slow traffic"},
                                             {"stats", "--json"}}) {
    auto line = words;
    line.insert(line.begin() + 1, sh.file("s"));
    const auto a = sh.run(line);
    INFO(words[0]);
    CHECK(a.code == 0);
    CHECK_THAT(a.err, ContainsSubstring(note));
  }
  CHECK(sh.run({"get", sh.file("s"), "late"}).code == 1);
  const auto stats = json::parse(sh.run({"stats", sh.file("s"), "--json"}).out);
  CHECK(stats["sequence"] == *flushed);
  CHECK(stats["durable_sequence"] == *flushed);
  CHECK(stats["concepts"] == 5);
  const auto verified = sh.run({"verify", sh.file("s")});
  CHECK(verified.code == 0);
  CHECK_THAT(verified.out, ContainsSubstring("its log was not read"));
  // The same from a copy, which nobody writes: all that is in its log.
  fs::copy(sh.file("s"), sh.file("copy"));
  const auto reader = hold_still(env(), sh.file("copy"));
  REQUIRE((reader && *reader)); // another that reads is none that writes
  const auto late = sh.run({"get", sh.file("copy"), "late"});
  CHECK(late.code == 0);
  CHECK(late.err.empty());
  CHECK_THAT(sh.exported("copy"), ContainsSubstring("content of late"));
}

TEST_CASE("a store that recovered, learned nothing and was closed is cold again") {
  const shell sh;
  REQUIRE(sh.import("s", rain + odd).code == 0);
  {
    const auto m = open_to_write(sh.file("s"));
    fs::copy(sh.file("s"), sh.file("crashed")); // numbers are reserved
  }
  CHECK_FALSE(holds_everything(read_manifest(env(), sh.file("crashed"))->value));
  CHECK(open_to_write(sh.file("crashed"))->close().store_error.code == errc::ok);
  CHECK(holds_everything(read_manifest(env(), sh.file("crashed"))->value));
  CHECK(sh.exported("crashed") == sh.exported("s"));
}

TEST_CASE("a store without times of associations is read as any other") {
  const shell sh;
  {
    config c;
    c.storage_path = sh.file("s");
    c.association_times = false;
    auto m = concurrent_memory::open(std::move(c));
    REQUIRE(m);
    learn(**m, "a");
  }
  CHECK(sh.run({"stats", sh.file("s")}).code == 0);
  CHECK(sh.run({"import", sh.file("s"), "-"}, rain).code == 0);
  CHECK(sh.run({"neighbors", sh.file("s"), "rain"}).code == 0);
}
