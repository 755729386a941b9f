// The manifest: kept over restarts, power cuts and failing calls; damage is reported.

#include "storage/manifest.hpp"

#include "tests/catch.hpp"
#include "tests/fault_env.hpp"
#include "tests/forwarding_kernel.hpp"

#include <cereal/archives/portable_binary.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <cstring>
#include <filesystem>
#include <functional>
#include <sstream>
#include <unistd.h>

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

manifest make_manifest(std::uint64_t n = 0, std::size_t segments = 2, std::size_t kinds = 5) {
  manifest m;
  m.store = 0xC0FFEE;
  m.checkpoint = 100 + n;
  m.durable = 90 + n;
  m.reserved = 200 + n;
  m.timestamp = 1'000 + static_cast<timestamp_us>(n);
  m.vector_dimension = 3;
  m.association_times = false;
  for (std::uint64_t i = 0; i != segments; ++i)
    m.segments.push_back({m.next_segment++, 1'000 + i, i, i + 1, n ^ i});
  for (std::size_t i = 0; i != kinds; ++i)
    m.kinds.push_back("kind " + std::to_string(i));
  m.strength_half_life_us = 86'400'000'000;
  m.written = {1 + n, 20 + n, 300 + n, 4'000 + n};
  return m;
}

manifest of_version_1(manifest m) {
  m.strength_half_life_us = 0;
  m.written = {};
  return m;
}

struct manifest_disk {
  static constexpr const char* path = "/s/MANIFEST";

  std::shared_ptr<fault_env> faults;
  env e;

  explicit manifest_disk(std::uint64_t seed = 1)
    : faults(std::make_shared<fault_env>(seed)), e(faults) {}

  manifest_file create(const manifest& m = make_manifest()) const {
    auto made = manifest_file::create(e, "/s", m);
    if (!made)
      FAIL(to_string(made.error()));
    return std::move(*made);
  }
  manifest read() const {
    auto r = read_manifest(e, "/s");
    if (!r)
      FAIL(to_string(r.error()));
    return r->value;
  }
  /// As a program of version 1 left it.
  std::vector<std::byte> put_version_1(const manifest& m) const {
    const auto body = encode(m, 1);
    std::vector<std::byte> bytes(12'288 + body.size());
    for (std::size_t slot = 0; slot != 2; ++slot) {
      manifest_root r;
      r.version = 1;
      r.generation = slot + 1;
      r.store = m.store;
      r.body = {8'192 + slot * 4'096, body.size()};
      r.body_checksum = segment_checksum(body);
      r = sealed(r);
      std::memcpy(bytes.data() + slot * 4'096, &r, sizeof r);
      std::copy(body.begin(), body.end(),
                bytes.begin() + static_cast<std::ptrdiff_t>(r.body.offset));
    }
    REQUIRE(e.make_directory("/s"));
    auto made = e.open(path, open_mode::create);
    REQUIRE(made);
    REQUIRE(made->write_at(bytes, 0));
    REQUIRE(made->sync());
    REQUIRE(e.sync_directory("/s"));
    REQUIRE(e.sync_directory("/"));
    return bytes;
  }
  manifest reopen() const {
    auto m = manifest_file::open(e, "/s");
    if (!m)
      FAIL(to_string(m.error()));
    return m->current();
  }
};

/// Another process acts before chosen reads: forwards everything, and calls `before_read` first.
class shared_disk final : public forwarding_kernel {
public:
  using forwarding_kernel::forwarding_kernel;

  std::function<void()> before_read = [] {};

  answer pread(int fd, std::span<std::byte> into, std::uint64_t offset) override {
    before_read();
    return forwarding_kernel::pread(fd, into, offset);
  }
};

} // namespace

TEST_CASE("manifest: what was written is read, beside the writer and after it") {
  std::string folder = (std::filesystem::temp_directory_path() / "cmem_manifest_XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  for (const auto& [e, directory] :
       {std::pair(env(), folder + "/store/"),
        std::pair(env(std::make_shared<fault_env>()), std::string("/s"))}) {
    CHECK(read_manifest(e, directory).error().code == errc::not_found);
    CHECK(manifest_file::open(e, directory).error().code == errc::not_found);
    auto made = manifest_file::create(e, directory, make_manifest());
    REQUIRE(made);
    CHECK(made->current() == make_manifest());
    CHECK_FALSE(made->mended());
    for (std::uint64_t n = 1; n != 20; ++n) {
      // Bodies grow and shrink across sectors, in either place.
      const manifest m = make_manifest(n, (n * 37) % 300, 1 + (n * 11) % 400);
      REQUIRE(made->update(m));
      const auto read = read_manifest(e, directory);
      REQUIRE(read);
      REQUIRE(read->value == m);
      REQUIRE_FALSE(read->other);
      REQUIRE(read->twice);
      REQUIRE(read->generation == 2 * n + 2);
      if (n % 3 == 0) {
        made = manifest_file::open(e, directory);
        REQUIRE(made);
        REQUIRE(made->current() == m);
      }
    }
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("D5: a manifest is these bytes, for good") {
  const auto hex = [](const_bytes bytes) {
    std::string text;
    for (const std::byte b : bytes) {
      text += "0123456789abcdef"[std::to_integer<unsigned>(b) >> 4];
      text += "0123456789abcdef"[std::to_integer<unsigned>(b) & 0xF];
    }
    return text;
  };
  const manifest_disk d;
  static_cast<void>(d.create(make_manifest(0, 1, 2)));
  const auto bytes = d.faults->content(d.path);
  REQUIRE(bytes.size() == 12'288 + 170);
  const auto part = [&](std::size_t from, std::size_t count) {
    return hex(const_bytes(bytes).subspan(from, count));
  };
  CHECK(part(4096, 48)
        == "636d656d6d616e31" // cmemman1
           "0200000000000000" // version
           "0200000000000000" // generation
           "eeffc00000000000" // store
           "0030000000000000" // offset of the body
           "aa00000000000000" /* its bytes */);
  CHECK(part(4096 + 56, 448) == std::string(896, '0'));
  CHECK(part(4096 + 504, 8) == "8a236e9aa71a3b68");
  CHECK(part(0, 504) != part(4096, 504));
  CHECK(part(8192, 170) == part(12'288, 170));
  CHECK(part(8192, 170)
        == "01"               // little-endian
           "6400000000000000" // checkpoint
           "5a00000000000000" // durable
           "c800000000000000" // reserved
           "e803000000000000" // timestamp
           "0200000000000000" // next segment
           "03000000"         // vector dimension
           "00"               // no association times
           "0100000000000000" // one segment: number, bytes, first, last, checksum
           "0100000000000000e803000000000000000000000000000001000000000000000000000000000000"
           "0200000000000000" // two kinds
           "06000000000000006b696e642030"
           "06000000000000006b696e642031"
           "0060d71d14000000"   // half-life of strengths
           "0100000000000000"   // learned bytes
           "1400000000000000"   // log bytes
           "2c01000000000000"   // flushed bytes
           "a00f000000000000"); // compacted bytes
}

TEST_CASE("manifest: its body is an archive that cereal reads") {
  const manifest m = make_manifest(3, 2, 4);
  const auto body = encode(m);
  std::istringstream stream(std::string(reinterpret_cast<const char*>(body.data()), body.size()));
  cereal::PortableBinaryInputArchive archive(stream);
  manifest back;
  back.store = m.store; // of the root
  std::uint8_t times = 7;
  std::uint64_t segments = 0;
  archive(back.checkpoint, back.durable, back.reserved, back.timestamp, back.next_segment,
          back.vector_dimension, times, segments);
  for (; segments != 0; --segments) {
    segment_ref& s = back.segments.emplace_back();
    archive(s.number, s.bytes, s.first_sequence, s.last_sequence, s.checksum);
  }
  archive(back.kinds, back.strength_half_life_us, back.written.learned_bytes,
          back.written.log_bytes, back.written.flushed_bytes, back.written.compacted_bytes);
  back.association_times = times != 0;
  CHECK(back == m);
  CHECK(stream.peek() == std::istringstream::traits_type::eof());
}

TEST_CASE("D3: every flipped bit of a manifest is reported or harmless, and mended") {
  manifest_disk d;
  const manifest before = make_manifest(1, 3, 3);
  const manifest now = make_manifest(2, 3, 3);
  {
    auto m = d.create(before);
    REQUIRE(m.update(before));
    REQUIRE(m.update(now));
  }
  const auto good = d.faults->content(d.path);
  auto bytes = good;
  std::size_t harmless = 0;
  for (std::size_t bit = 0; bit != 8 * good.size(); ++bit) {
    INFO("bit " << bit);
    bytes[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    d.faults->set_content(d.path, bytes);
    const auto r = read_manifest(d.e, "/s");
    REQUIRE(r);
    REQUIRE(r->value == now); // never what was before: its segments and its log are gone
    harmless += !r->other;
    if (r->other)
      REQUIRE_THAT(r->other->detail, ContainsSubstring("/s/MANIFEST is corrupt at offset"));
    if (r->other && bit % 97 == 0) {
      const auto opened = manifest_file::open(d.e, "/s");
      REQUIRE(opened);
      REQUIRE(opened->mended());
      REQUIRE(opened->current() == r->value);
      const auto again = read_manifest(d.e, "/s");
      REQUIRE(again);
      REQUIRE_FALSE(again->other);
      REQUIRE(again->value == r->value);
    }
    bytes[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
  }
  const std::size_t root_and_body = 8 * (512 + encode(now).size());
  CHECK(harmless == 8 * good.size() - 2 * root_and_body);
}

TEST_CASE("D3: a manifest that was cut anywhere is reported") {
  manifest_disk d;
  static_cast<void>(d.create());
  const auto good = d.faults->content(d.path);
  for (std::size_t size = 0; size != good.size(); ++size) {
    d.faults->set_content(d.path, {good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)});
    const auto r = read_manifest(d.e, "/s");
    if (r) {
      REQUIRE(r->value == make_manifest());
      REQUIRE(r->other);
    } else {
      REQUIRE(r.error().code == errc::corrupt);
    }
  }
}

TEST_CASE("D3: two bad roots are corruption, with both offsets") {
  manifest_disk d;
  static_cast<void>(d.create());
  auto bytes = d.faults->content(d.path);
  bytes[17] ^= std::byte{4};
  bytes[12'288 + 3] ^= std::byte{4};
  d.faults->set_content(d.path, bytes);
  const auto r = read_manifest(d.e, "/s");
  CHECK(r.error().code == errc::corrupt);
  CHECK_THAT(r.error().detail, ContainsSubstring("MANIFEST is corrupt at offset 0: ")
                                 && ContainsSubstring("MANIFEST is corrupt at offset 12288: "));
  CHECK(manifest_file::open(d.e, "/s").error().code == errc::corrupt);
}

TEST_CASE("D3: a store that lost its manifest is corrupt, an empty directory is none") {
  manifest_disk d;
  REQUIRE(d.e.make_directory("/s"));
  REQUIRE(d.e.open("/s/notes.txt", open_mode::create));
  CHECK(read_manifest(d.e, "/s").error().code == errc::not_found);
  for (const std::string name : {"segment-3.cmseg", "wal-0.log"}) {
    REQUIRE(d.e.open("/s/" + name, open_mode::create));
    const auto r = read_manifest(d.e, "/s");
    CHECK(r.error().code == errc::corrupt);
    CHECK_THAT(r.error().detail, ContainsSubstring("missing, beside " + name));
    CHECK(manifest_file::open(d.e, "/s").error().code == errc::corrupt);
    REQUIRE(d.e.remove("/s/" + name));
  }
}

TEST_CASE("D5: a manifest of a later version is not read, whatever the older root says") {
  manifest_disk d;
  static_cast<void>(d.create());
  auto bytes = d.faults->content(d.path);
  manifest_root r;
  std::memcpy(&r, bytes.data() + 4096, sizeof r);
  r.version = 3;
  r.reserved = 7; // may mean something by then
  r = sealed(r);
  std::memcpy(bytes.data() + 4096, &r, sizeof r);
  d.faults->set_content(d.path, bytes);
  const failure newer{errc::unsupported,
                      "/s/MANIFEST has format version 3, and this program reads up to version 2: "
                      "open the store with a newer cmem; nothing was changed"};
  CHECK(read_manifest(d.e, "/s").error() == newer);
  CHECK(manifest_file::open(d.e, "/s").error() == newer);
  CHECK(d.faults->content(d.path) == bytes);
}

TEST_CASE("D5: version 0 was never written") {
  const manifest_disk d;
  static_cast<void>(d.create());
  auto bytes = d.faults->content(d.path);
  for (const std::size_t at : {std::size_t{0}, std::size_t{4096}}) {
    manifest_root r;
    std::memcpy(&r, bytes.data() + at, sizeof r);
    r.version = 0;
    r = sealed(r);
    std::memcpy(bytes.data() + at, &r, sizeof r);
  }
  d.faults->set_content(d.path, bytes);
  CHECK(read_manifest(d.e, "/s").error().code == errc::corrupt);
}

TEST_CASE(
  "D5: a manifest of version 1 is read, stays as it is, and is one of version 2 when written") {
  const manifest_disk d;
  const manifest old = of_version_1(make_manifest(0, 3, 3));
  const auto bytes = d.put_version_1(old);
  CHECK(d.read() == old);
  {
    auto opened = manifest_file::open(d.e, "/s");
    REQUIRE(opened);
    CHECK_FALSE(opened->mended());
    CHECK(opened->current() == old);
    CHECK(d.faults->content(d.path) == bytes);
    REQUIRE(opened->update(make_manifest(1, 3, 3)));
  }
  const auto read = read_manifest(d.e, "/s");
  REQUIRE(read);
  CHECK(read->twice);
  CHECK(read->root.version == 2);
  CHECK(d.reopen() == make_manifest(1, 3, 3));
}

TEST_CASE(
  "D2: the first update of a manifest of version 1 is cut anywhere: it is before or after") {
  const manifest old = of_version_1(make_manifest(0, 3, 3));
  const manifest now = make_manifest(1, 3, 3);
  for (std::uint64_t seed = 1; seed != 4; ++seed)
    for (std::uint64_t n = 0, hit = 1; hit != 0; ++n) {
      INFO("seed " << seed << ", call " << n);
      const manifest_disk d(seed);
      d.put_version_1(old);
      d.faults->power_cut(seed);
      d.faults->inject(fault::eio, n);
      bool done = false;
      if (auto opened = manifest_file::open(d.e, "/s"))
        done = opened->update(now).has_value();
      hit = d.faults->hit();
      d.faults->heal();
      d.faults->power_cut(seed);
      const manifest found = d.read();
      REQUIRE((found == now || (found == old && !done)));
      REQUIRE(d.reopen() == found);
      auto again = manifest_file::open(d.e, "/s");
      REQUIRE(again);
      REQUIRE(again->update(now));
      REQUIRE(d.read() == now);
    }
}

TEST_CASE("D3: every flipped bit of a manifest of both versions is reported or harmless") {
  const manifest_disk d;
  manifest m = of_version_1(make_manifest(0, 2, 2));
  auto bytes = d.put_version_1(m);
  {
    // An update that was cut off between its halves.
    auto opened = manifest_file::open(d.e, "/s");
    REQUIRE(opened);
    REQUIRE(opened->update(m));
    auto now = d.faults->content(d.path);
    std::copy_n(bytes.begin() + 4096, 4096, now.begin() + 4096);
    bytes = now;
  }
  for (std::size_t bit = 0; bit != 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    d.faults->set_content(d.path, bytes);
    INFO("bit " << bit);
    REQUIRE(d.read() == m);
    bytes[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
  }
}

TEST_CASE("manifest: bodies that no writer makes are refused, and take no memory") {
  splitmix random(5);
  const auto good = encode(make_manifest(0, 3, 3));
  for (std::size_t size = 0; size != good.size(); ++size)
    REQUIRE(decode(const_bytes(good).first(size)).error().code == errc::corrupt);
  auto more = good;
  more.push_back(std::byte{0});
  CHECK(decode(more).error().code == errc::corrupt);
  for (std::size_t round = 0; round != sweep(20'000); ++round) {
    auto bytes = good;
    for (std::uint64_t changes = 1 + random.below(3); changes != 0; --changes)
      bytes[random.below(bytes.size())] = static_cast<std::byte>(random.next());
    const auto m = decode(bytes);
    REQUIRE((m || m.error().code == errc::corrupt));
    if (m)
      REQUIRE(encode(*m) == bytes);
  }
}

TEST_CASE("D2: a power cut anywhere leaves the manifest before an update or after it") {
  for (std::uint64_t seed = 1; seed <= sweep(4'000); ++seed) {
    INFO("seed " << seed);
    splitmix random(seed);
    const manifest_disk d(seed);
    std::vector<manifest> written; // the last one is perhaps there, all before it were
    bool made = false;
    for (int life = 0; life != 4; ++life) {
      if (!random.one_in(4))
        d.faults->inject(fault::power_off, random.below(made ? 12 : 24));
      const auto read = read_manifest(d.e, "/s");
      auto m = read || read.error().code != errc::not_found
                 ? manifest_file::open(d.e, "/s")
                 : manifest_file::create(d.e, "/s", make_manifest());
      if (m && !made) {
        made = true;
        written = {m->current()};
      }
      if (m) {
        REQUIRE((m->current() == written.back()
                 || (written.size() > 1 && m->current() == written[written.size() - 2])));
        written = {m->current()}; // durable from here on
        for (std::uint64_t n = random.below(4); n != 0; --n) {
          written.push_back(make_manifest(random.next(), random.below(200), random.below(300)));
          if (!m->update(written.back())) {
            CHECK(m->update(written.back()).error().code == errc::read_only);
            break;
          }
          written.erase(written.begin(), written.end() - 1);
        }
      }
      if (random.one_in(4))
        d.faults->kill();
      else
        d.faults->power_cut(random.next());
      d.faults->heal();
      const auto after = read_manifest(d.e, "/s");
      if (!made) {
        REQUIRE((after || after.error().code == errc::not_found));
        continue;
      }
      REQUIRE(after);
      REQUIRE((after->value == written.back() || after->value == written.front()));
    }
  }
}

TEST_CASE("D4: a call that fails leaves one of the two, and the next opening goes on") {
  for (const fault f : {fault::eio, fault::enospc, fault::sync_eio, fault::short_io, fault::eintr})
    for (const bool for_ever : {false, true})
      for (std::uint64_t n = 0, hit = 1; hit != 0; ++n) {
        INFO(to_string(f) << (for_ever ? " for ever" : "") << ", call " << n);
        const manifest_disk d(n);
        const manifest next = make_manifest(1, 200, 200);
        d.faults->inject(f, n, for_ever);
        const auto created = manifest_file::create(d.e, "/s", make_manifest());
        auto opened =
          created ? manifest_file::open(d.e, "/s") : result<manifest_file>(created.error());
        const auto updated = opened ? opened->update(next) : result<void>(opened.error());
        hit = d.faults->hit();
        if (hit == 0 || f == fault::short_io || f == fault::eintr)
          REQUIRE(updated);
        else if (!updated)
          REQUIRE(
            (updated.error().code == errc::io_error || updated.error().code == errc::disk_full));
        d.faults->heal();
        if (n % 2 == 0)
          d.faults->power_cut(n);
        else
          d.faults->kill();
        const auto read = read_manifest(d.e, "/s");
        if (!read) {
          REQUIRE(read.error().code == errc::not_found);
          REQUIRE_FALSE(created);
          REQUIRE(manifest_file::create(d.e, "/s", make_manifest()));
          continue;
        }
        REQUIRE((read->value == next || (!updated && read->value == make_manifest())));
        auto again = manifest_file::open(d.e, "/s");
        REQUIRE(again);
        REQUIRE(again->update(next));
        d.faults->power_cut(n + 1);
        REQUIRE(d.read() == next);
      }
}

TEST_CASE("D2: what an opening has shown stays, though the sync of who wrote it had failed") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    const manifest_disk d(seed);
    {
      auto m = d.create();
      d.faults->inject(fault::sync_eio, 0);
      REQUIRE_FALSE(m.update(make_manifest(1)));
    }
    d.faults->kill(); // what the disk did not take is in memory, and counts as written
    const manifest shown = d.reopen();
    d.faults->power_cut(seed);
    REQUIRE(d.read() == shown);
  }
}

TEST_CASE("D2: what an opening has shown stays, though who made it died before its last sync") {
  for (std::uint64_t n = 0, hit = 1; hit != 0; ++n)
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
      INFO("call " << n << ", seed " << seed);
      const manifest_disk d(seed);
      d.faults->inject(fault::power_off, n);
      const auto made = manifest_file::create(d.e, "/s", make_manifest());
      hit = d.faults->hit();
      d.faults->kill();
      const auto opened = manifest_file::open(d.e, "/s");
      d.faults->power_cut(seed);
      if (made || opened)
        REQUIRE(d.read() == make_manifest());
    }
}

TEST_CASE("D6: a reading that two updates fall into is done again") {
  const manifest_disk d;
  auto m = d.create();
  const auto shared = std::make_shared<shared_disk>(d.faults);
  std::uint64_t reads = 0;
  std::uint64_t updates = 0;
  shared->before_read = [&] {
    // Of root, body, root, body: each body is overwritten after its root was read.
    if (++reads == 2 || reads == 4)
      REQUIRE(m.update(make_manifest(++updates)));
  };
  const auto read = read_manifest(env(shared), "/s");
  REQUIRE(read);
  CHECK(updates == 2);
  CHECK(reads > 4);
  CHECK(read->value == make_manifest(2));
}

TEST_CASE("D3: a read that fails is an error, not another manifest") {
  const manifest_disk d;
  {
    auto m = d.create();
    REQUIRE(m.update(make_manifest(1)));
  }
  for (const fault f : {fault::eio, fault::bit_flip, fault::truncation})
    for (std::uint64_t n = 0, hit = 1; hit != 0; ++n) {
      INFO(to_string(f) << ", call " << n);
      d.faults->inject(f, n);
      const auto r = read_manifest(d.e, "/s");
      hit = d.faults->hit();
      d.faults->heal();
      d.faults->power_cut(1);
      if (hit == 0)
        REQUIRE(r);
      else if (f == fault::eio)
        REQUIRE(r.error().code == errc::io_error);
      else
        REQUIRE((!r ? r.error().code == errc::corrupt : r->other || r->value == make_manifest(1)));
    }
}

TEST_CASE("manifest: what it does not name goes, and nothing else") {
  const manifest_disk d;
  static_cast<void>(d.create(make_manifest(0, 2)));
  for (const char* name : {"segment-1.cmseg", "segment-2.cmseg", "segment-3.cmseg",
                           "segment-03.cmseg", "wal-0.log", "LOCK", "MANIFEST.new"})
    REQUIRE(d.e.open(std::string("/s/") + name, open_mode::create));
  const auto gone = remove_unnamed(d.e, "/s", make_manifest(0, 2));
  REQUIRE(gone);
  CHECK(*gone == std::vector<std::string>{"MANIFEST.new", "segment-3.cmseg"});
  CHECK(*d.e.list("/s")
        == std::vector<std::string>{"LOCK", "MANIFEST", "segment-03.cmseg", "segment-1.cmseg",
                                    "segment-2.cmseg", "wal-0.log"});
}
