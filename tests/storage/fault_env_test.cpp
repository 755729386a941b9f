// The file system that later tests trust to fail: that it keeps what was synced, loses only what
// was not, and that env above it deals with what it must.

#include "tests/catch.hpp"
#include "tests/fault_env.hpp"

#include <set>

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::uint64_t cuts = 200; // seeds tried where each of a few outcomes has to turn up

const_bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

struct disk {
  std::shared_ptr<fault_env> faults;
  env e;

  explicit disk(std::uint64_t seed = 1) : faults(std::make_shared<fault_env>(seed)), e(faults) {
    REQUIRE(e.make_directory("/s"));
    REQUIRE(e.sync_directory("/"));
  }

  file create(const std::string& path) const {
    auto opened = e.open(path, open_mode::create);
    REQUIRE(opened);
    return std::move(*opened);
  }

  /// A file with `text`, durable.
  file synced(const std::string& path, std::string_view text) const {
    file f = create(path);
    REQUIRE(f.append({bytes_of(text)}));
    REQUIRE(f.sync());
    REQUIRE(e.sync_directory("/s"));
    return f;
  }

  std::string text_of(const std::string& path) const {
    const auto bytes = faults->content(path);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  std::string names() const {
    std::string text;
    const auto listed = e.list("/s");
    REQUIRE(listed);
    for (const std::string& name : *listed)
      text += name + " ";
    return text;
  }
};

/// A letter for each sector of `text`: all sectors must be of one letter each.
std::string sectors(const std::string& text) {
  std::string letters;
  for (std::size_t i = 0; i < text.size(); i += fault_env::sector_bytes) {
    const std::string sector = text.substr(i, fault_env::sector_bytes);
    REQUIRE(sector == std::string(sector.size(), sector[0]));
    letters += sector[0];
  }
  return letters;
}

std::string sector_of(char letter, std::size_t count = 1) {
  return std::string(count * fault_env::sector_bytes, letter);
}

} // namespace

TEST_CASE("fault_env: what was synced survives every power cut") {
  for (std::uint64_t seed = 0; seed != cuts; ++seed) {
    const disk d;
    static_cast<void>(d.synced("/s/a", sector_of('a', 3)));
    d.faults->power_cut(seed);
    REQUIRE(sectors(d.text_of("/s/a")) == "aaa");
  }
}

TEST_CASE("fault_env: a power cut keeps any subset of unsynced sectors, whole ones") {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed != cuts; ++seed) {
    const disk d;
    file f = d.synced("/s/a", sector_of('a', 3));
    REQUIRE(f.write_at(bytes_of(sector_of('b', 3)), 0));
    REQUIRE(f.write_at(bytes_of(sector_of('c')), 0));
    d.faults->power_cut(seed);
    seen.insert(sectors(d.text_of("/s/a")));
  }
  std::set<std::string> expected;
  for (const char first : {'a', 'b', 'c'})
    for (const char second : {'a', 'b'})
      for (const char third : {'a', 'b'})
        expected.insert({first, second, third});
  CHECK(seen == expected);
}

TEST_CASE("fault_env: a file that grew is short, or holds zeros or garbage, or all of it") {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed != cuts; ++seed) {
    const disk d;
    file f = d.synced("/s/a", sector_of('a'));
    REQUIRE(f.append({bytes_of(sector_of('b', 2))}));
    d.faults->power_cut(seed);
    const std::string text = d.text_of("/s/a");
    REQUIRE(text.substr(0, 512) == sector_of('a'));
    for (std::size_t i = 512; i < text.size(); i += 512) {
      const std::string sector = text.substr(i, 512);
      seen.insert(sector == sector_of('b') ? "b" : sector == sector_of('\0') ? "zero" : "garbage");
    }
    seen.insert(std::to_string(text.size() / 512));
  }
  CHECK(seen == std::set<std::string>{"1", "2", "3", "b", "garbage", "zero"});
}

TEST_CASE("fault_env: a name lives by the sync of its directory, not of its file") {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed != cuts; ++seed) {
    const disk d;
    file f = d.create("/s/a");
    REQUIRE(f.append({bytes_of("text")}));
    REQUIRE(f.sync());
    d.faults->power_cut(seed);
    seen.insert(d.names());
    if (d.names() == "a ")
      REQUIRE(d.text_of("/s/a") == "text");
  }
  CHECK(seen == std::set<std::string>{"", "a "});
}

TEST_CASE(
  "fault_env: names made, renamed and removed are kept in any order, never lost altogether") {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed != cuts * 5; ++seed) {
    const disk d;
    static_cast<void>(d.synced("/s/a", "1"));
    static_cast<void>(d.synced("/s/b", "2"));
    static_cast<void>(d.create("/s/c"));
    REQUIRE(d.e.rename("/s/a", "/s/b"));
    static_cast<void>(d.create("/s/d"));
    REQUIRE(d.e.remove("/s/d"));
    d.faults->power_cut(seed);
    seen.insert(d.names());
    const std::string b = d.text_of("/s/b"); // the old one or the new one
    REQUIRE((b == "1" || (b == "2" && d.text_of("/s/a") == "1")));
  }
  CHECK(seen
        == std::set<std::string>{"a b ", "a b c ", "a b c d ", "a b d ", "b ", "b c ", "b c d ",
                                 "b d "});
}

TEST_CASE("fault_env: a link is a name like any other, of the same bytes") {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed != cuts; ++seed) {
    const disk d;
    static_cast<void>(d.synced("/s/a", "text"));
    REQUIRE(*d.e.link("/s/a", "/s/b"));
    REQUIRE(d.e.link("/s/a", "/s/b").error().code == errc::io_error);
    REQUIRE(d.e.link("/s/none", "/s/c").error().code == errc::not_found);
    d.faults->set_capacity(4);
    REQUIRE(d.create("/s/a").write_at(bytes_of("more"), 0)); // its bytes count once
    REQUIRE(d.text_of("/s/b") == "more");
    d.faults->power_cut(seed);
    seen.insert(d.names());
    if (d.names() == "a b ")
      REQUIRE(d.text_of("/s/a") == d.text_of("/s/b"));
  }
  CHECK(seen == std::set<std::string>{"a ", "a b "});
}

TEST_CASE("fault_env: a killed process loses locks and handles, no bytes") {
  const disk d;
  file f = d.create("/s/a");
  REQUIRE(f.append({bytes_of("text")}));
  const auto held = d.e.lock("/s/LOCK");
  REQUIRE(held);
  CHECK(d.e.lock("/s/LOCK").error().code == errc::locked);
  CHECK_THAT(d.e.lock("/s/LOCK").error().detail, ContainsSubstring("process 4242"));
  d.faults->kill();
  CHECK(d.text_of("/s/a") == "text");
  CHECK(d.e.lock("/s/LOCK"));
  CHECK(f.sync().error().code == errc::io_error);
}

TEST_CASE("fault_env: one seed, one run") {
  const auto run = [](std::uint64_t seed) {
    const disk d(seed);
    file f = d.create("/s/a");
    REQUIRE(f.append({bytes_of(sector_of('a', 20))}));
    d.faults->inject(fault::sync_eio, 0);
    static_cast<void>(f.sync());
    REQUIRE(f.append({bytes_of(sector_of('b', 20))}));
    REQUIRE(d.e.sync_directory("/s"));
    d.faults->power_cut(seed);
    return d.text_of("/s/a") + std::to_string(*d.e.random_seed());
  };
  std::set<std::string> different;
  for (std::uint64_t seed = 0; seed != 20; ++seed) {
    different.insert(run(seed));
    REQUIRE(run(seed) == run(seed));
  }
  CHECK(different.size() == 20);
}

TEST_CASE("D4: after a failed sync nothing is synced, and the disk may lack what was written") {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed != cuts; ++seed) {
    const disk d(seed);
    file f = d.synced("/s/a", sector_of('a', 2));
    REQUIRE(f.write_at(bytes_of(sector_of('b', 2)), 0));
    d.faults->inject(fault::sync_eio, 0);
    REQUIRE(f.sync().error().code == errc::io_error);
    REQUIRE(d.faults->hit());
    const auto again = f.sync();
    REQUIRE(again.error().code == errc::read_only);
    REQUIRE_THAT(again.error().detail, ContainsSubstring("/s/a"));
    REQUIRE(d.create("/s/a").sync()); // another handle is told nothing, and nothing is written
    REQUIRE(sectors(d.text_of("/s/a")) == "bb");
    d.faults->power_cut(seed);
    seen.insert(sectors(d.text_of("/s/a")));
  }
  CHECK(seen == std::set<std::string>{"aa", "ab", "ba", "bb"});
}

TEST_CASE("env: interruptions and short writes and reads are nobody's business above it") {
  for (const fault f : {fault::eintr, fault::short_io}) {
    const disk d;
    d.faults->inject(f, 0, true);
    file a = d.create("/s/a");
    REQUIRE(a.append({bytes_of("hello, "), bytes_of(""), bytes_of("short "), bytes_of("world")}));
    REQUIRE(a.preallocate(20));
    REQUIRE(a.truncate(18));
    REQUIRE(a.sync());
    REQUIRE(d.e.sync_directory("/s"));
    REQUIRE(d.e.list("/s"));
    REQUIRE(d.e.random_seed());
    REQUIRE(d.e.lock("/s/LOCK"));
    std::string text(18, '?');
    REQUIRE(a.read_all_at(std::as_writable_bytes(std::span(text)), 0));
    CHECK(text == "hello, short world");
    CHECK(d.faults->hit());
  }
}

TEST_CASE("fault_env: every call that can fail does, once or for ever, and says where") {
  for (const fault f : {fault::eio, fault::enospc}) {
    const disk d;
    static_cast<void>(d.synced("/s/a", "text"));
    const auto run = [&]() -> result<void> {
      auto a = d.e.open("/s/new", open_mode::create);
      if (!a)
        return a.error();
      if (auto done = a->append({bytes_of("text")}); !done)
        return done;
      if (auto done = a->preallocate(100); !done)
        return done;
      if (auto done = a->sync(); !done)
        return done;
      if (auto done = d.e.rename("/s/new", "/s/a"); !done)
        return done;
      return d.e.sync_directory("/s");
    };
    const std::uint64_t before = d.faults->sites(f);
    REQUIRE(run());
    const std::uint64_t sites = d.faults->sites(f) - before;
    CHECK(sites == (f == fault::eio ? 8U : 6U));
    for (std::uint64_t n = 0; n != sites; ++n) {
      d.faults->inject(f, n);
      const auto done = run();
      REQUIRE_FALSE(done);
      CHECK(done.error().code == (f == fault::eio ? errc::io_error : errc::disk_full));
      CHECK_THAT(done.error().detail, ContainsSubstring("/s"));
      CHECK(d.faults->hit());
      REQUIRE(run());
      d.faults->inject(f, n, true);
      CHECK_FALSE(run());
      CHECK_FALSE(run());
      d.faults->heal();
    }
    d.faults->inject(f, 1'000);
    REQUIRE(run());
    CHECK_FALSE(d.faults->hit());
  }
}

TEST_CASE("fault_env: reads are flipped by one bit, or cut short") {
  const disk d;
  const file f = d.synced("/s/a", sector_of('a'));
  std::string text(512, '?');
  d.faults->inject(fault::bit_flip, 0);
  REQUIRE(f.read_all_at(std::as_writable_bytes(std::span(text)), 0));
  int flipped = 0;
  for (const char c : text)
    for (unsigned bits = static_cast<unsigned char>(c) ^ 'a'; bits != 0; bits &= bits - 1)
      ++flipped;
  CHECK(flipped == 1);
  REQUIRE(f.read_all_at(std::as_writable_bytes(std::span(text)), 0));
  CHECK(text == sector_of('a'));

  d.faults->inject(fault::bit_flip, 0);
  const auto mapped = f.map(512);
  REQUIRE(mapped);
  CHECK(d.faults->hit());
  CHECK_FALSE(std::equal(mapped->bytes().begin(), mapped->bytes().end(), bytes_of(text).begin()));

  d.faults->inject(fault::truncation, 0);
  CHECK(f.read_all_at(std::as_writable_bytes(std::span(text)), 0).error().code == errc::corrupt);
  CHECK(*f.size() < 512);
}

TEST_CASE("fault_env: nothing works from the power failure to the power cut") {
  const disk d;
  file f = d.synced("/s/a", "a");
  d.faults->inject(fault::power_off, 1);
  REQUIRE(f.append({bytes_of("b")}));
  CHECK_FALSE(f.sync());
  CHECK_FALSE(d.e.list("/s"));
  d.faults->power_cut(3);
  CHECK(d.e.list("/s"));
}

TEST_CASE("fault_env: a full disk takes no more bytes until some are given back") {
  const disk d;
  static_cast<void>(d.synced("/s/a", sector_of('a')));
  d.faults->set_capacity(1'000);
  file f = d.create("/s/b");
  CHECK(f.append({bytes_of(sector_of('b'))}).error().code == errc::disk_full);
  CHECK(f.preallocate(512).error().code == errc::disk_full);
  REQUIRE(d.e.remove("/s/a"));
  CHECK(f.append({bytes_of(sector_of('b'))}));
  REQUIRE(f.write_at(bytes_of(sector_of('c')), 0)); // in place
}

TEST_CASE("fault_env: locks are shared, or not, as the system has it") {
  const disk d;
  file first = std::move(*d.e.open("/s/LOCK", open_mode::create));
  file second = std::move(*d.e.open("/s/LOCK", open_mode::write));
  CHECK(*first.try_lock(lock_mode::shared));
  CHECK(*second.try_lock(lock_mode::shared));
  CHECK_FALSE(*second.try_lock());
  first.close();
  CHECK(*second.try_lock());
  CHECK_FALSE(*d.e.open("/s/LOCK", open_mode::read)->try_lock(lock_mode::shared));
}

TEST_CASE("fault_env: the clock is the test's") {
  const disk d;
  const auto wall = d.e.wall_us();
  const auto steady = d.e.monotonic_ns();
  d.faults->advance_us(5);
  CHECK(d.e.wall_us() == wall + 5);
  CHECK(d.e.monotonic_ns() == steady + 5'000);
}
