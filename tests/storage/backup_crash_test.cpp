// D2, D4: backups and restores whose power goes, whose process dies and whose calls fail, at every
// point. The directory is the backup before or the new one, and the next backup makes it right.

#include "tests/forwarding_kernel.hpp"
#include "tests/storage/backup_fixture.hpp"

#include <csignal>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

using namespace cmem;
using namespace cmem::test;

namespace {

enum class work { first, more, merged, restoring };

/// A store, what was backed up of it before, and what is to be done now.
struct scene {
  backup_fixture s;
  work what;
  std::string target = "/b";
  std::uint64_t before = 0; // sequence of the backup that is there; 0: none
  std::uint64_t after = 0;

  scene(std::uint64_t seed, work w) : s(seed), what(w) {
    REQUIRE(s.e.sync_directory("/"));
    if (what != work::first) {
      (void) s.back_up(options(seed));
      before = s.sequence();
    }
    if (what == work::more || what == work::merged)
      s.grow(what == work::merged);
    after = s.sequence();
    if (what == work::restoring) {
      target = "/r";
      before = 0;
    }
  }

  static backup_options options(std::uint64_t seed) {
    backup_options o;
    o.link = seed % 2 == 0;
    o.verify_all = seed % 3 == 0;
    return o;
  }
  result<backup_report> go(std::uint64_t seed) {
    return what == work::restoring ? restore(s.e, "/b", "/r") : s.try_backup(options(seed));
  }
  /// "" where the target is one of the two, and which; `done`: it must be the new one.
  std::string fault(bool done, bool& is_new) const {
    const auto opened = open_and_read(s.e, target);
    is_new = opened && opened->sequence == after;
    if (!opened)
      return before == 0 && !done ? "" : to_string(opened.error());
    if (!is_new && (done || opened->sequence != before))
      return "it is at " + std::to_string(opened->sequence);
    return opened->text == s.text(opened->sequence) ? "" : "it holds something else";
  }
  /// The store is as it was, and the same again succeeds.
  void check_again(std::uint64_t seed) {
    s.reopen();
    REQUIRE(s.fault_in("/s", s.sequence()) == "");
    if (what == work::restoring && open_and_read(s.e, "/r"))
      return; // a store, over which nothing is restored
    const auto again = go(seed + 1);
    if (!again)
      FAIL(to_string(again.error()));
    bool is_new = false;
    REQUIRE(fault(true, is_new) == "");
    for (const std::string& name : need(s.e.list(target)))
      REQUIRE_FALSE(name.ends_with(".new"));
  }
};

/// Ends the process, as kill -9 does, at one of the calls that change something.
class deadly_disk final : public forwarding_kernel {
public:
  explicit deadly_disk(std::uint64_t calls)
    : forwarding_kernel(make_linux_kernel()), calls_(calls) {}

  answer open(const std::string& path, open_mode mode) override {
    step();
    return forwarding_kernel::open(path, mode);
  }
  answer pwritev(int fd, std::span<const const_bytes> parts, std::uint64_t offset) override {
    step();
    return forwarding_kernel::pwritev(fd, parts, offset);
  }
  answer fdatasync(int fd) override {
    step();
    return forwarding_kernel::fdatasync(fd);
  }
  answer rename(const std::string& from, const std::string& to) override {
    step();
    return forwarding_kernel::rename(from, to);
  }
  answer link(const std::string& from, const std::string& to) override {
    step();
    return forwarding_kernel::link(from, to);
  }
  answer remove(const std::string& path) override {
    step();
    return forwarding_kernel::remove(path);
  }

private:
  void step() {
    if (calls_-- == 0)
      (void) ::kill(::getpid(), SIGKILL);
  }

  std::uint64_t calls_; // before it happens
};

/// Puts off syncing a manifest.
class lazy_disk final : public forwarding_kernel {
public:
  using forwarding_kernel::forwarding_kernel;

  bool manifest_unsynced = false;

  answer open(const std::string& path, open_mode mode) override {
    const answer fd = forwarding_kernel::open(path, mode);
    paths_[fd] = path;
    return fd;
  }
  answer fdatasync(int fd) override {
    return manifest_unsynced && paths_[fd].ends_with("MANIFEST") ? 0
                                                                 : forwarding_kernel::fdatasync(fd);
  }

private:
  std::map<answer, std::string> paths_; // by descriptor
};

constexpr std::uint64_t ways = 6; // of options; some make fewer calls than others
constexpr work all_work[] = {work::first, work::more, work::merged, work::restoring};

} // namespace

TEST_CASE("a backup that is cut anywhere leaves the one before or the new one") {
  std::size_t cuts = 0;
  std::set<std::pair<work, bool>> seen;
  for (const work w : all_work)
    for (const bool power : {true, false})
      for (std::uint64_t n = 0, missed = 0; missed != ways; ++n) {
        std::uint64_t hits = 0;
        for (std::uint64_t seed = n + 1; seed <= n + sweep(8); ++seed) {
          INFO("work " << static_cast<int>(w) << ", power " << power << ", call " << n << ", seed "
                       << seed);
          scene at(seed, w);
          at.s.disk->inject(fault::power_off, n);
          const auto got = at.go(seed);
          INFO(at.s.disk->hit_call());
          const bool hit = at.s.disk->hit();
          REQUIRE((got || hit));
          hits += hit;
          cuts += hit;
          if (power)
            at.s.disk->power_cut(seed * 1'000 + n);
          else
            at.s.disk->kill();
          at.s.disk->heal();
          bool is_new = false;
          REQUIRE(at.fault(got.has_value(), is_new) == "");
          seen.emplace(w, is_new);
          at.check_again(seed);
        }
        missed = hits != 0 ? 0 : missed + 1;
      }
  CHECK(cuts >= 500 * sweep(8));
  CHECK(seen.size() == 8); // both states of each
}

TEST_CASE("every call of a backup fails once or for ever: a clean error or success") {
  std::size_t runs = 0;
  std::set<std::string> failed; // names of calls
  for (const fault f : {fault::eio, fault::enospc, fault::sync_eio, fault::short_io, fault::eintr,
                        fault::bit_flip, fault::truncation})
    for (const bool for_ever : {false, true})
      for (const work w : all_work)
        for (std::uint64_t n = 0, missed = 0; missed != ways; ++n) {
          std::uint64_t hits = 0;
          for (std::uint64_t seed = n + 1; seed <= n + sweep(3); ++seed) {
            INFO(to_string(f) << (for_ever ? " for ever" : "") << ", work " << static_cast<int>(w)
                              << ", call " << n << ", seed " << seed);
            scene at(seed, w);
            at.s.disk->inject(f, n, for_ever);
            const auto got = at.go(seed);
            const bool hit = at.s.disk->hit();
            INFO(at.s.disk->hit_call());
            at.s.disk->heal();
            hits += hit;
            runs += hit;
            if (hit && f == fault::eio)
              failed.insert(at.s.disk->hit_call().substr(0, at.s.disk->hit_call().find(' ')));
            INFO((got ? "" : to_string(got.error())));
            if (!hit || f == fault::short_io || f == fault::eintr)
              REQUIRE(got);
            const errc code = got ? errc::ok : got.error().code;
            const bool reading = f == fault::bit_flip || f == fault::truncation;
            REQUIRE((code == errc::ok || (code == errc::corrupt && reading)
                     || (code == errc::disk_full && f == fault::enospc)
                     || ((code == errc::io_error || code == errc::read_only) && !reading)));
            if (seed % 2 == 0 || f == fault::truncation) // files are whole again after it
              at.s.disk->power_cut(seed * 1'000 + n);
            else
              at.s.disk->kill();
            bool is_new = false;
            REQUIRE(at.fault(got.has_value(), is_new) == "");
            at.check_again(seed);
          }
          missed = hits != 0 ? 0 : missed + 1;
        }
  CHECK(runs >= 1'500 * sweep(3));
  std::string calls;
  for (const std::string& call : failed)
    calls += call + " ";
  CHECK(calls
        == "fallocate fdatasync ftruncate link list lock make_directory map open pread pwritev "
           "remove rename size ");
}

TEST_CASE("a real process that is killed in a backup leaves the one before or the new one") {
  const real_folder folder;
  const std::string store = folder.path + "/s";
  const std::string to = folder.path + "/b";
  random_graph g(1, 40);
  auto made = manifest_file::create(env(), store, new_store(g));
  manifest_file m = need(std::move(made));
  std::map<std::uint64_t, std::string> texts;
  known_graph known;
  std::size_t killed = 0;
  for (std::uint64_t n = 0, first = 0;; ++n) {
    if (first == 0 || open_and_read(env(), to)) { // else the first one again, from what is there
      g.change(40);
      REQUIRE(checkpoint(env(), store, m, g.newest(), known, g.random().one_in(3)));
      known = know(g.newest());
      texts[g.newest().sequence()] = all_text(g.newest());
    }
    const auto before = open_and_read(env(), to);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) { // no threads, so fork is enough
      backup_options o;
      o.link = n % 2 == 0;
      ::_exit(backup(env(std::make_shared<deadly_disk>(n)), store, to, o) ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE((WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0)));
    const auto after = open_and_read(env(), to);
    REQUIRE((after || !before));
    if (after) {
      REQUIRE(after->text == texts.at(after->sequence));
      REQUIRE((after->sequence == g.newest().sequence()
               || (before && after->sequence == before->sequence)));
    }
    first += after ? 1U : 0U;
    if (WIFEXITED(status))
      break;
    ++killed;
  }
  CHECK(killed > 30);
  CHECK(need(backup(env(), store, to)).kept > 0);
}

TEST_CASE("what a backup relies on, the store cannot lose any more") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const auto disk = std::make_shared<fault_env>(seed);
    const auto lazy = std::make_shared<lazy_disk>(disk);
    random_graph g(seed, 20);
    auto made = manifest_file::create(env(lazy), "/s", [&] {
      manifest m = new_store(g);
      m.reserved = 1'000;
      return m;
    }());
    manifest_file m = need(std::move(made));
    lazy->manifest_unsynced = true; // a writer in the middle of its checkpoint
    g.change(30);
    REQUIRE(checkpoint(env(lazy), "/s", m, g.newest(), {}, false));
    REQUIRE(need(backup(env(disk), "/s", "/b")).sequence == 1);
    disk->power_cut(seed);
    REQUIRE(need(read_manifest(env(disk), "/s")).value.checkpoint == 1);
  }
}

TEST_CASE("a disk that is full keeps the backup before, and takes the new one when there is room") {
  for (const work w : all_work) {
    scene at(3, w); // copies
    at.s.disk->set_capacity(1);
    const auto full = at.go(3);
    REQUIRE_FALSE(full);
    CHECK(full.error().code == errc::disk_full);
    bool is_new = false;
    CHECK(at.fault(false, is_new) == "");
    at.s.disk->set_capacity(~std::uint64_t{0});
    REQUIRE(at.go(3));
    CHECK(at.fault(true, is_new) == "");
  }
}
