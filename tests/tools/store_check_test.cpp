// D3: `cmem verify` names file and offset of what is damaged, and goes on.

#include "actors/concurrent_memory.hpp"
#include "storage/manifest.hpp"
#include "storage/segment_format.hpp"
#include "tests/tools/store_shell.hpp"

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

struct damaged {
  shell sh;
  std::string store = sh.file("s");

  damaged() {
    REQUIRE(sh.import("s", rain + large).code == 0);
    REQUIRE(sh.run({"import", store, "-"}, R"({"type":"concept","id":"x"})").code == 0);
  }
  void flip(const std::string& name, std::uint64_t offset) const {
    std::fstream bytes(store + "/" + name, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekg(static_cast<std::streamoff>(offset));
    const int byte = bytes.get();
    bytes.seekp(static_cast<std::streamoff>(offset));
    bytes.put(static_cast<char>(byte ^ 4));
    REQUIRE(bytes);
  }
  json verify(int code) const {
    const auto a = sh.run({"verify", store, "--json"});
    INFO(a.out << a.err);
    CHECK(a.code == code);
    return json::parse(a.out);
  }
  /// One flipped bit of a good store is one fault, at that place.
  void check(const std::string& name, std::uint64_t at, std::uint64_t reported) const {
    INFO(name << " at " << at);
    flip(name, at);
    const auto j = verify(1);
    CHECK(j["ok"] == false);
    REQUIRE(j["faults"].size() == 1);
    CHECK_THAT(j["faults"][0].get<std::string>(),
               ContainsSubstring(store + "/" + name)
                 && ContainsSubstring("offset " + std::to_string(reported) + ":"));
    flip(name, at);
    CHECK(verify(0)["ok"] == true);
  }
};

} // namespace

TEST_CASE("D3: a flipped bit of each part of a store is named with file and offset") {
  const damaged d;
  CHECK_THAT(d.sh.run({"verify", d.store}).out, ContainsSubstring("all checksums are right"));
  const auto m = read_manifest(env(), d.store);
  REQUIRE(m);
  const std::uint64_t newest = m->slot * manifest_sector;
  d.check("MANIFEST", newest, newest);
  d.check("MANIFEST", manifest_sector - newest + 100, manifest_sector - newest);
  d.check("MANIFEST", m->root.body.offset + 3, m->root.body.offset);
  d.check("segment-1.cmseg", 33, 0);
  const auto in = env().open(d.store + "/segment-1.cmseg", open_mode::read);
  segment_header h;
  REQUIRE(in->read_all_at(std::as_writable_bytes(std::span(&h, 1)), 0));
  for (const segment_extent& s : h.sections)
    if (s.bytes != 0)
      d.check("segment-1.cmseg", s.offset + s.bytes / 2, s.offset);
  d.check("segment-2.cmseg", 300, 256);
  // What the log holds is in segments, and still under checksums.
  std::string log;
  for (const auto& entry : fs::directory_iterator(d.store))
    if (entry.path().extension() == ".log")
      log = std::max(log, entry.path().filename().string());
  d.check(log, 17, 0);
  d.check(log, 560, 512);
}

TEST_CASE("verify goes on behind the first damage") {
  const damaged d;
  d.flip("segment-1.cmseg", 300);
  const auto m = read_manifest(env(), d.store);
  const auto in = env().open(d.store + "/segment-1.cmseg", open_mode::read);
  segment_header h;
  REQUIRE(in->read_all_at(std::as_writable_bytes(std::span(&h, 1)), 0));
  d.flip("segment-1.cmseg", h.at(segment_section::content).offset);
  d.flip("segment-2.cmseg", 0);
  const auto j = d.verify(1);
  REQUIRE(j["faults"].size() == 3);
  CHECK_THAT(j["faults"][1].get<std::string>(),
             ContainsSubstring(std::to_string(h.at(segment_section::content).offset)));
  CHECK_THAT(j["faults"][2].get<std::string>(), ContainsSubstring("segment-2.cmseg"));
  CHECK_THAT(d.sh.run({"verify", d.store}).out,
             ContainsSubstring("FAULT: corrupt: ") && ContainsSubstring("DAMAGED"));
  CHECK(d.sh.run({"get", d.store, "rain"}).code == 1);
  CHECK(d.sh.run({"export", d.store}).code == 1);
}

TEST_CASE("without a manifest the segments are still checked, and a lost one is a fault") {
  const damaged d;
  d.flip("MANIFEST", 8);
  d.flip("MANIFEST", manifest_sector + 8);
  d.flip("segment-2.cmseg", 300);
  auto j = d.verify(1);
  REQUIRE(j["faults"].size() == 2);
  CHECK_THAT(j["faults"][0].get<std::string>(), ContainsSubstring("/MANIFEST"));
  CHECK_THAT(j["faults"][1].get<std::string>(), ContainsSubstring("segment-2.cmseg"));
  d.flip("MANIFEST", 8);
  d.flip("MANIFEST", manifest_sector + 8);
  fs::remove(d.store + "/segment-2.cmseg");
  j = d.verify(1);
  REQUIRE(j["faults"].size() == 1);
  CHECK_THAT(j["faults"][0].get<std::string>(), ContainsSubstring("segment-2.cmseg"));
}

TEST_CASE("files that are no part of a store are noted, and are no fault") {
  const damaged d;
  std::ofstream(d.store + "/notes.txt") << "mine";
  fs::copy(d.store + "/segment-1.cmseg", d.store + "/segment-9.cmseg");
  const auto j = d.verify(0);
  const std::string notes = j["notes"].dump();
  CHECK_THAT(notes, ContainsSubstring("notes.txt") && ContainsSubstring("segment-9.cmseg"));
  CHECK(j["segments"] == 2);
}

TEST_CASE("progress counts bytes on a terminal, and leaves no trace of itself") {
  const damaged d;
  const auto live = d.sh.run({"verify", d.store}, "", true);
  CHECK_THAT(live.err, ContainsSubstring("\r\033[Kverify: 0 of 0 MiB"));
  CHECK(live.err.ends_with("\r\033[K"));
  CHECK(d.sh.run({"verify", d.store}).err.empty());
}
