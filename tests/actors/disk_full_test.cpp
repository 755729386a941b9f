// D4: a disk that is really full: a small file system in memory, mounted for this process alone.

#include "actors/concurrent_memory.hpp"
#include "tests/catch.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

using namespace cmem;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A tmpfs that nobody else sees, and that goes with this process at the latest. Its threads see it
/// if they are started later.
class small_disk {
public:
  small_disk() {
    std::string name = (std::filesystem::temp_directory_path() / "cmem_disk_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      FAIL(std::strerror(errno));
    path_ = name;
    mounted_ = ::unshare(CLONE_NEWNS) == 0
               && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0
               && ::mount("cmem", path_.c_str(), "tmpfs", 0, "size=2m") == 0;
    if (!mounted_)
      WARN("skipped: no file system can be mounted here: " << std::strerror(errno));
  }
  ~small_disk() {
    if (mounted_)
      ::umount2(path_.c_str(), MNT_DETACH);
    std::error_code ignored; // it lies in the folder for temporary files
    std::filesystem::remove(path_, ignored);
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;

  [[nodiscard]] bool mounted() const { return mounted_; }
  /// Leaves no more than `left` bytes.
  void fill(std::uintmax_t left) {
    const std::uintmax_t free = std::filesystem::space(path_).available;
    std::ofstream(filler(), std::ios::binary)
      << std::string(static_cast<std::size_t>(free > left ? free - left : 0), 'f');
    REQUIRE(std::filesystem::space(path_).available <= left);
  }
  void make_room() {
    std::filesystem::remove(filler());
    REQUIRE(::mount("cmem", path_.c_str(), "tmpfs", MS_REMOUNT, "size=64m") == 0);
  }
  [[nodiscard]] config settings() const {
    config c;
    c.storage_path = path_ + "/store";
    c.arena_bytes = std::uint64_t{1} << 30;
    c.log_file_bytes = 1 << 18;
    c.reader_actors = 1;
    c.log = [](log_level, std::string_view) {};
    return c;
  }

private:
  [[nodiscard]] std::string filler() const { return path_ + "/filler"; }

  std::string path_;
  bool mounted_ = false;
};

constexpr std::chrono::minutes patience{5};

std::unique_ptr<concurrent_memory> open(const config& c) {
  auto made = concurrent_memory::open(c);
  if (!made)
    FAIL(to_string(made.error()));
  return std::move(*made);
}

std::string name_of(std::size_t i) { return "c" + std::to_string(i); }
std::string content_of(std::size_t i) { return std::to_string(i) + std::string(20'000, 'x'); }

/// Learns and awaits one after the other, at most `count`: how many are acknowledged, and why no
/// more are.
std::pair<std::size_t, failure> learn(concurrent_memory& m, std::size_t count) {
  for (std::size_t i = 0; i != count; ++i) {
    const auto t = m.learn_concept(name_of(i), content_of(i));
    if (!t)
      return {i, t.error()};
    const auto done = m.await_durable(*t, patience);
    if (!done)
      return {i, done.error()};
    REQUIRE(done->what == fate::applied);
  }
  return {count, {}};
}

/// It is read-only and says why, and what was learned can be read.
void check_read_only(concurrent_memory& m, const failure& f, std::size_t acknowledged) {
  CHECK(f.code == errc::read_only);
  CHECK_THAT(f.detail, ContainsSubstring("/store/"));
  CHECK_THAT(f.detail, ContainsSubstring("No space left on device"));
  CHECK_THAT(f.detail, ContainsSubstring("stays readable"));
  CHECK(m.stats().storage.read_only);
  const auto issues = m.health().issues;
  CHECK(std::any_of(issues.begin(), issues.end(),
                    [](const health_issue& i) { return i.what == health_concern::read_only; }));
  const auto refused = m.learn_concept("one more");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::read_only);
  for (std::size_t i = 0; i != acknowledged; ++i) {
    const auto c = m.query_concept(name_of(i));
    REQUIRE(c);
    REQUIRE(c->content == content_of(i));
  }
}

/// With room again, everything acknowledged is there, and learning goes on.
void check_reopened(const config& c, std::size_t acknowledged) {
  for (int round = 0; round != 2; ++round) {
    const auto memory = open(c);
    CHECK_FALSE(memory->stats().storage.read_only);
    for (std::size_t i = 0; i != acknowledged; ++i) {
      const auto got = memory->query_concept(name_of(i));
      REQUIRE(got);
      REQUIRE(got->content == content_of(i));
    }
    const auto t = memory->learn_concept("later", std::to_string(round));
    REQUIRE(t);
    REQUIRE(memory->await_durable(*t, patience));
    CHECK(memory->close().not_durable == 0);
  }
}

} // namespace

TEST_CASE("D4: the disk fills up while it learns: read-only, and nothing acknowledged is lost") {
  small_disk disk;
  if (!disk.mounted())
    return;
  const config c = disk.settings();
  auto memory = open(c);
  const auto [acknowledged, why] = learn(*memory, 1'000); // ten times what fits
  CHECK(acknowledged > 10);
  CHECK(acknowledged < 200);
  check_read_only(*memory, why, acknowledged);
  CHECK(memory->flush(patience).error().code == errc::read_only);
  (void) memory->close();
  memory.reset();
  SECTION("opened while it is still full: an error that says so, or all of it") {
    const auto again = concurrent_memory::open(c);
    if (!again) {
      CHECK(again.error().code == errc::disk_full);
      CHECK_THAT(again.error().detail, ContainsSubstring("No space left on device"));
    } else {
      CHECK((*again)->query_concept(name_of(acknowledged - 1)));
    }
  }
  SECTION("not opened before there is room") {}
  disk.make_room();
  check_reopened(c, acknowledged);
}

TEST_CASE("D4: a flush finds the disk full: read-only, and nothing acknowledged is lost") {
  small_disk disk;
  if (!disk.mounted())
    return;
  config c = disk.settings();
  c.log_file_bytes = 1 << 20; // room for what comes
  auto memory = open(c);
  const auto [acknowledged, why] = learn(*memory, 20);
  REQUIRE(to_string(why) == to_string(failure{}));
  disk.fill(100'000);
  const auto flushed = memory->flush(patience);
  REQUIRE_FALSE(flushed);
  check_read_only(*memory, flushed.error(), acknowledged);
  (void) memory->close();
  memory.reset();
  disk.make_room();
  check_reopened(c, acknowledged);
}
