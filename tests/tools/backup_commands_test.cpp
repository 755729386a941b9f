// `cmem checkpoint`, `backup` and `restore`, as a user types them.

#include "actors/concurrent_memory.hpp"
#include "tests/fault_env.hpp"
#include "tests/tools/store_shell.hpp"

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string more = R"({"type":"concept","id":"snow","content":"white"}
{"type":"association","source":"snow","target":"rain"}
)";

json parsed(const answer& a) {
  INFO(a.err);
  REQUIRE(a.code == 0);
  return json::parse(a.out);
}

/// A store whose log holds what its segments do not, as a process that died leaves it.
class dead_store {
public:
  explicit dead_store(shell& sh) {
    sh.files = env(disk_);
    REQUIRE(sh.run({"import", "/s", "-"}, rain).code == 0);
    config c;
    c.files = sh.files;
    c.storage_path = "/s";
    c.log = [](log_level, std::string_view) {}; // it dies
    auto memory = concurrent_memory::open(c);
    REQUIRE(memory);
    const auto t = (*memory)->learn_concept("late", "in the log alone");
    REQUIRE(t);
    REQUIRE((*memory)->await_durable(*t, std::chrono::minutes(5)));
    memory_ = std::move(*memory);
  }
  void die() {
    disk_->kill();
    memory_.reset();
    disk_->heal();
  }

private:
  std::shared_ptr<fault_env> disk_ = std::make_shared<fault_env>();
  std::unique_ptr<concurrent_memory> memory_;
};

} // namespace

TEST_CASE("a store is backed up, goes on, is backed up again and restored") {
  const shell sh;
  REQUIRE(sh.import("s", rain).code == 0);
  const std::string before = sh.exported("s");
  const auto first = parsed(sh.run({"backup", sh.file("s"), sh.file("b"), "--json"}));
  CHECK(first["first"] == true);
  CHECK(first["whole"] == true);
  CHECK(first["sequence"] == 6);
  CHECK(first["segments"] == first["linked"]);
  CHECK(first["bytes_copied"] == 0);
  CHECK(sh.exported("b") == before);
  CHECK(sh.run({"verify", sh.file("b")}).code == 0);
  REQUIRE(sh.run({"import", sh.file("s"), "-"}, more).code == 0);
  CHECK(sh.exported("b") == before);
  const auto second =
    parsed(sh.run({"backup", sh.file("s"), sh.file("b"), "--json", "--copy", "--verify-all"}));
  CHECK(second["first"] == false);
  CHECK(second["sequence"] == 8);
  CHECK(second["linked"] == 0);
  CHECK(second["bytes_verified"] == second["bytes"]);
  CHECK(sh.exported("b") == sh.exported("s"));
  fs::remove_all(sh.file("s"));
  const auto restored = parsed(sh.run({"restore", sh.file("b"), sh.file("s"), "--json"}));
  CHECK(restored["sequence"] == 8);
  CHECK(restored["copied"] == restored["segments"]);
  CHECK(restored["bytes_verified"] == restored["bytes"]);
  CHECK(sh.exported("s") == sh.exported("b"));
  REQUIRE(sh.import("s", rain).code == 0); // it goes on
}

TEST_CASE("backups say in words what they hold and what was verified") {
  const shell sh;
  REQUIRE(sh.import("s", rain).code == 0);
  const auto a = sh.run({"backup", sh.file("s"), sh.file("b")}, "", true);
  CHECK(a.code == 0);
  CHECK_THAT(a.out, ContainsSubstring(sh.file("b") + " holds " + sh.file("s")
                                      + " up to sequence 6, all of it")
                      && ContainsSubstring("1 linked, 0 copied, 0 kept")
                      && ContainsSubstring("of the rest, headers"));
  CHECK(a.out.find('\033') == std::string::npos);
  const auto r = sh.run({"restore", sh.file("b"), sh.file("r")});
  CHECK(r.code == 0);
  CHECK(r.err.empty());
  CHECK_THAT(r.out, ContainsSubstring(sh.file("r") + " holds " + sh.file("b"))
                      && ContainsSubstring("1 copied"));
}

TEST_CASE("a store whose process died is backed up with what its log holds") {
  shell sh;
  dead_store store(sh);
  store.die();
  const auto j = parsed(sh.run({"backup", "/s", "/b", "--json"}));
  CHECK(j["whole"] == true);
  CHECK(j["sequence"] >= 7);
  CHECK_THAT(sh.run({"get", "/b", "late"}).out, ContainsSubstring("in the log alone"));
  CHECK(sh.run({"restore", "/b", "/r"}).code == 0);
  CHECK(sh.run({"export", "/r"}).out == sh.run({"export", "/s"}).out);
}

TEST_CASE("beside a process that writes it, the last checkpoint is backed up, and that is said") {
  shell sh;
  dead_store store(sh); // alive so far
  const auto a = sh.run({"backup", "/s", "/b", "--json"});
  CHECK_THAT(a.err, ContainsSubstring("another process writes /s")
                      && ContainsSubstring("last checkpoint, sequence 6"));
  const auto j = parsed(a);
  CHECK(j["whole"] == false);
  CHECK(j["sequence"] == 6);
  CHECK(sh.run({"get", "/b", "late"}).code == 1);
  CHECK(sh.run({"get", "/b", "rain"}).code == 0);
  const auto refused = sh.run({"checkpoint", "/s"});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err, ContainsSubstring("locked") && ContainsSubstring("process 4242"));
}

TEST_CASE("a checkpoint leaves no log to read") {
  shell sh;
  dead_store store(sh);
  store.die();
  const auto j = parsed(sh.run({"checkpoint", "/s", "--json"}));
  CHECK(j["written"] == true);
  CHECK(j["log_entries"] == 1);
  CHECK(j["sequence"] >= 7);
  const auto again = parsed(sh.run({"checkpoint", "/s", "--json"}));
  CHECK(again["written"] == false);
  CHECK(again["sequence"] == j["sequence"]);
  CHECK_THAT(sh.run({"checkpoint", "/s"}).out, ContainsSubstring("as they did before"));
  CHECK_THAT(sh.run({"get", "/s", "late"}).out, ContainsSubstring("in the log alone"));
}

TEST_CASE("what cannot be backed up or restored is refused, and why") {
  const shell sh;
  const auto refused = [&](const std::vector<std::string>& words, int code, const char* why) {
    const auto a = sh.run(words);
    INFO(words[0]);
    CHECK(a.code == code);
    CHECK_THAT(a.err + a.out, ContainsSubstring(why));
  };
  REQUIRE(sh.import("s", rain).code == 0);
  REQUIRE(sh.import("other", rain).code == 0);
  const std::string s = sh.file("s");
  const std::string b = sh.file("b");
  const std::string none = sh.file("none");
  refused({"backup", none, b}, 1, "no store is there");
  refused({"checkpoint", none}, 1, "no store is there");
  refused({"restore", none, b}, 1, "not_found");
  CHECK_FALSE(fs::exists(none));
  CHECK_FALSE(fs::exists(b));
  refused({"backup", s, sh.file("other")}, 1, "has a log");
  refused({"backup", s, s}, 1, "has a log");
  refused({"backup", s, none + "/b"}, 1, "not_found");
  REQUIRE(sh.run({"backup", s, b}).code == 0);
  refused({"backup", sh.file("other"), b}, 1, "of another store");
  refused({"restore", b, s}, 1, "holds a store");
  refused({"backup", s}, 2, "DIR");
  refused({"restore", b}, 2, "STORE");
  refused({"backup", s, b, "--unknown"}, 2, "unknown");
  for (const char* command : {"backup", "restore", "checkpoint"})
    refused({command, "--help"}, 0, "--json");
  {
    std::fstream f(b + "/segment-1.cmseg", std::ios::in | std::ios::out | std::ios::binary);
    f.seekp(300);
    f.put('\x55');
  }
  refused({"restore", b, sh.file("r")}, 1, "segment-1.cmseg is corrupt at offset 256");
  refused({"get", sh.file("r"), "rain"}, 1, "no store is there");
}

TEST_CASE("a backup into a directory that is in use is refused, and who uses it is named") {
  const shell sh;
  REQUIRE(sh.import("s", rain).code == 0);
  REQUIRE(sh.run({"backup", sh.file("s"), sh.file("b")}).code == 0);
  const auto lock = env().lock(sh.file("b") + "/LOCK");
  REQUIRE(lock);
  const auto a = sh.run({"backup", sh.file("s"), sh.file("b")});
  CHECK(a.code == 1);
  CHECK_THAT(a.err, ContainsSubstring("process " + std::to_string(::getpid())));
}
