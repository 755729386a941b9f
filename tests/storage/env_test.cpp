// The env on a real file system. tests/storage/fault_env_test.cpp has what a real one does rarely.

#include "storage/env.hpp"
#include "tests/catch.hpp"

#include <cstdlib>
#include <filesystem>
#include <sys/types.h>
#include <unistd.h>

using namespace cmem;
using Catch::Matchers::ContainsSubstring;

namespace {

const_bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// A folder of its own, gone afterwards.
struct folder {
  env e;
  std::string path;

  folder() {
    std::string name = (std::filesystem::temp_directory_path() / "cmem_env_XXXXXX").string();
    path = ::mkdtemp(name.data()) != nullptr ? name : "";
    REQUIRE_FALSE(path.empty());
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() { std::filesystem::remove_all(path); }

  std::string at(const char* name) const { return path + "/" + name; }

  file open(const char* name, open_mode mode = open_mode::create) const {
    auto opened = e.open(at(name), mode);
    REQUIRE(opened);
    return std::move(*opened);
  }

  std::string text_of(const char* name) const {
    const file f = open(name, open_mode::read);
    std::string text(*f.size(), '?');
    REQUIRE(f.read_all_at(std::as_writable_bytes(std::span(text)), 0));
    return text;
  }

  std::string names() const {
    std::string text;
    const auto listed = e.list(path);
    REQUIRE(listed);
    for (const std::string& name : *listed)
      text += name + " ";
    return text;
  }
};

} // namespace

TEST_CASE("env: what is written is read, at any offset and by append") {
  const folder d;
  file f = d.open("a");
  REQUIRE(f.write_at(bytes_of("hello"), 3));
  REQUIRE(f.append({bytes_of(", "), bytes_of(""), bytes_of("world")}));
  REQUIRE(f.append({bytes_of("!")}));
  REQUIRE(f.sync());
  CHECK(d.text_of("a") == std::string(3, '\0') + "hello, world!");
  REQUIRE(f.zero(4, 6));
  REQUIRE(f.truncate(10));
  REQUIRE(f.append({bytes_of("end")}));
  CHECK(d.text_of("a") == std::string(3, '\0') + "h" + std::string(2, '\0') + "lo, end");
}

TEST_CASE("env: many parts are one write, however many the system takes at once") {
  const folder d;
  std::string all;
  std::vector<std::string> texts;
  for (int i = 0; i != 300; ++i)
    all += texts.emplace_back(std::to_string(i));
  std::vector<const_bytes> parts;
  for (const std::string& text : texts)
    parts.push_back(bytes_of(text));
  REQUIRE(d.open("a").append(parts));
  CHECK(d.text_of("a") == all);
}

TEST_CASE("env: reading beyond the end is short, or corrupt where all is needed") {
  const folder d;
  file f = d.open("a");
  REQUIRE(f.append({bytes_of("12345")}));
  std::string text(8, '?');
  CHECK(*f.read_at(std::as_writable_bytes(std::span(text)), 2) == 3);
  CHECK(text == "345?????");
  const auto all = f.read_all_at(std::as_writable_bytes(std::span(text)), 2);
  CHECK(all.error().code == errc::corrupt);
  CHECK_THAT(all.error().detail, ContainsSubstring("8 bytes at offset 2") && ContainsSubstring("/a")
                                   && ContainsSubstring("ends at 5"));
}

TEST_CASE("env: reserved and zeroed blocks read as zeros") {
  const folder d;
  file f = d.open("a");
  REQUIRE(f.preallocate(10'000));
  CHECK(*f.size() == 10'000);
  REQUIRE(f.preallocate(10)); // never shorter
  CHECK(*f.size() == 10'000);
  REQUIRE(f.zero(0, 3'000'000)); // more than one write
  CHECK(d.text_of("a") == std::string(3'000'000, '\0'));
}

TEST_CASE("env: a mapping outlives handle, name and env") {
  file_mapping mapped;
  CHECK(mapped.bytes().empty());
  {
    const folder d;
    file f = d.open("a");
    REQUIRE(f.append({bytes_of("mapped")}));
    auto made = f.map(6);
    REQUIRE(made);
    mapped = std::move(*made);
    CHECK(f.map(0)->bytes().empty());
  }
  const auto bytes = mapped.bytes();
  CHECK(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()) == "mapped");
}

TEST_CASE("env: names are made, listed, replaced and removed") {
  const folder d;
  REQUIRE(d.open("b").append({bytes_of("b")}));
  REQUIRE(d.open("a").append({bytes_of("a")}));
  REQUIRE(d.e.make_directory(d.at("sub")));
  REQUIRE(d.e.make_directory(d.at("sub")));
  CHECK(d.names() == "a b sub ");
  REQUIRE(d.e.rename(d.at("a"), d.at("b")));
  REQUIRE(d.e.sync_directory(d.path));
  CHECK(d.names() == "b sub ");
  CHECK(d.text_of("b") == "a");
  REQUIRE(d.e.remove(d.at("b")));
  CHECK(d.names() == "sub ");
}

TEST_CASE("env: a link is one more name, and none where there cannot be one") {
  const folder d;
  REQUIRE(d.open("a").write_at(bytes_of("text"), 0));
  const auto made = d.e.link(d.at("a"), d.at("b"));
  REQUIRE(made);
  CHECK(*made);
  REQUIRE(d.e.remove(d.at("a")));
  CHECK(d.text_of("b") == "text");
  CHECK(d.e.link(d.at("a"), d.at("c")).error().code == errc::not_found);
  CHECK(d.e.link(d.at("b"), d.at("b")).error().code == errc::io_error); // the name is taken
  const auto elsewhere = d.e.link("/proc/self/status", d.at("c"));
  REQUIRE(elsewhere);
  CHECK_FALSE(*elsewhere);
  CHECK(d.names() == "b ");
}

TEST_CASE("env: a failure says what, which file, why and what to do") {
  const folder d;
  const auto absent = d.e.open(d.at("absent"), open_mode::read);
  CHECK(absent.error().code == errc::not_found);
  CHECK(absent.error().detail
        == "opening " + d.at("absent") + ": No such file or directory; check the path");
  static_cast<void>(d.open("there"));
  CHECK(d.e.open(d.at("there"), open_mode::create_new).error().code == errc::io_error);
  CHECK(d.e.list(d.at("absent")).error().code == errc::not_found);
  CHECK(d.e.remove(d.at("absent")).error().code == errc::not_found);
  CHECK(d.e.rename(d.at("absent"), d.at("b")).error().code == errc::not_found);
  CHECK(d.e.sync_directory(d.at("absent")).error().code == errc::not_found);
  CHECK(d.e.make_directory(d.at("absent/sub")).error().code == errc::not_found);
  const auto refused = d.open("there", open_mode::read).write_at(bytes_of("x"), 7);
  CHECK(refused.error().code == errc::io_error);
  CHECK_THAT(refused.error().detail, ContainsSubstring("writing 1 bytes at offset 7 of " + d.path));
}

TEST_CASE("env: a full disk is told from other errors") {
  const env e;
  auto full = e.open("/dev/full", open_mode::write);
  if (!full)
    return; // no such device here
  const auto written = full->write_at(bytes_of("x"), 0);
  CHECK(written.error().code == errc::disk_full);
  CHECK_THAT(written.error().detail, ContainsSubstring("free space"));
}

TEST_CASE("D6: a lock file has one holder, in one process too, and says who") {
  const folder d;
  {
    const auto first = d.e.lock(d.at("LOCK"));
    REQUIRE(first);
    CHECK(d.text_of("LOCK") == std::to_string(::getpid()) + "\n");
    const auto second = d.e.lock(d.at("LOCK"));
    REQUIRE_FALSE(second);
    CHECK(second.error().code == errc::locked);
    CHECK_THAT(second.error().detail,
               ContainsSubstring("held by process " + std::to_string(::getpid())));
  }
  CHECK(d.e.lock(d.at("LOCK")));
}

TEST_CASE("D6: who shares a lock keeps out who does not, and no other") {
  const folder d;
  const auto handle = [&] { return std::move(*d.e.open(d.at("LOCK"), open_mode::create)); };
  {
    file first = handle();
    file second = handle();
    CHECK(*first.try_lock(lock_mode::shared));
    CHECK(*second.try_lock(lock_mode::shared));
    CHECK_FALSE(*handle().try_lock());
    CHECK(d.e.lock(d.at("LOCK")).error().code == errc::locked);
    first.close();
    CHECK_FALSE(*handle().try_lock());
  }
  const auto writer = d.e.lock(d.at("LOCK"));
  REQUIRE(writer);
  CHECK_FALSE(*handle().try_lock(lock_mode::shared));
}

TEST_CASE("env: the clocks go on, and seeds differ") {
  const env e;
  const auto before = e.monotonic_ns();
  CHECK(e.monotonic_ns() >= before);
  CHECK(e.wall_us() > 1'700'000'000'000'000);
  CHECK(*e.random_seed() != *e.random_seed());
}
