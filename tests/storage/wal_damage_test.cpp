// D3: every cut and every flipped bit of a small log is reported or harmless, and nothing is
// invented.

#include "tests/storage/wal_fixture.hpp"

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Three syncs, five records; two files when `rotated`, of which the first was used before when
/// `reused`.
struct small_log : wal_disk {
  explicit small_log(bool rotated, bool reused) {
    options.file_bytes = wal_file_bytes_min;
    if (reused) {
      auto w = open();
      for (std::uint64_t i = 1; i <= 3; ++i)
        append(w, i, std::string(1'500, static_cast<char>('A' + i)));
      REQUIRE(w.sync());
      REQUIRE(w.release(2));
      first = 4;
      after = 3;
      write(w, rotated);
    } else {
      auto w = open();
      write(w, rotated);
    }
    healthy = read(after);
    REQUIRE(healthy.error.code == errc::ok);
    REQUIRE(healthy.records.size() == 5);
    REQUIRE(healthy.report.discarded_bytes == 0);
  }

  void write(wal_writer& w, bool rotated) {
    for (std::uint64_t i = 0; i != 5; ++i) {
      append(w, first + i, std::string(rotated ? 900 : 20 + i, static_cast<char>('a' + i)));
      if (i % 2 == 1)
        REQUIRE(w.sync());
    }
    REQUIRE(w.sync());
  }

  /// What was read is the beginning of what was written, and what is missing was reported.
  void judge(const reading& r, bool harmless_is_fine) const {
    REQUIRE(r.records.size() <= healthy.records.size());
    for (std::size_t i = 0; i != r.records.size(); ++i)
      REQUIRE(r.records[i] == healthy.records[i]);
    if (r.error.code != errc::ok) {
      REQUIRE(r.error.code == errc::corrupt);
      REQUIRE_THAT(r.error.detail, ContainsSubstring("/s/wal-") && ContainsSubstring("offset"));
      return;
    }
    const bool reported =
      r.report.discarded_bytes != 0 || r.report.missing_bytes != 0 || !r.report.unfinished.empty();
    const bool whole = r.records.size() == healthy.records.size();
    REQUIRE((reported || (whole && harmless_is_fine)));
  }

  std::uint64_t first = 1;
  std::uint64_t after = 0;
  reading healthy;
};

} // namespace

TEST_CASE("D3: every flipped bit of a log is reported or harmless") {
  for (const bool rotated : {false, true})
    for (const bool reused : {false, true}) {
      const small_log d(rotated, reused);
      for (const std::string& name : d.files()) {
        const std::string path = "/s/" + name;
        const auto good = d.faults->content(path);
        auto bytes = good;
        // Nobody reads what lies behind the records of an older file, or of one used before.
        for (std::size_t bit = 0; bit != 8 * bytes.size(); ++bit) {
          bytes[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
          d.faults->set_content(path, bytes);
          INFO(path << " bit " << bit << (reused ? " reused" : "") << (rotated ? " rotated" : ""));
          d.judge(d.read(d.after), reused || rotated);
          // With the number of what was durable known, what is lost is always an error.
          const auto strict = d.read(d.after, d.first + 4);
          REQUIRE((strict.error.code == errc::corrupt || strict.records.size() == 5));
          bytes[bit / 8] = good[bit / 8];
        }
        d.faults->set_content(path, good);
      }
    }
}

TEST_CASE("D3: every cut of a log is reported") {
  for (const bool rotated : {false, true})
    for (const bool reused : {false, true}) {
      const small_log d(rotated, reused);
      for (const std::string& name : d.files()) {
        const std::string path = "/s/" + name;
        const auto good = d.faults->content(path);
        for (std::size_t bytes = 0; bytes != good.size(); ++bytes) {
          d.faults->set_content(path, {good.begin(), good.begin() + static_cast<long>(bytes)});
          INFO(path << " cut to " << bytes << (reused ? " reused" : "")
                    << (rotated ? " rotated" : ""));
          const auto r = d.read(d.after);
          if (bytes == 0 && r.records.size() != 5)
            continue; // one that was never used looks the same
          d.judge(r, reused);
        }
        d.faults->set_content(path, good);
      }
    }
}

TEST_CASE("D3: damage before the end names file and offset, and what is lost") {
  const small_log d(false, false);
  auto bytes = d.faults->content("/s/wal-0.log");
  bytes[512 + 40] ^= std::byte{1}; // the first payload
  d.faults->set_content("/s/wal-0.log", bytes);
  const auto r = d.read();
  CHECK(r.error.code == errc::corrupt);
  CHECK_THAT(r.error.detail,
             ContainsSubstring("/s/wal-0.log at offset 512: records up to sequence 4 "
                               "were durable, and sequence 0 is the last one"));
}

TEST_CASE("D3: records behind a damaged header are not taken for an unused file") {
  const small_log d(false, false);
  auto bytes = d.faults->content("/s/wal-0.log");
  bytes[20] ^= std::byte{4};
  d.faults->set_content("/s/wal-0.log", bytes);
  const auto r = d.read();
  CHECK(r.error.code == errc::corrupt);
  CHECK_THAT(r.error.detail, ContainsSubstring("/s/wal-0.log at offset 0: the header is damaged"));
}

TEST_CASE("D3: a file that steps over the place where the next one begins is corrupt") {
  wal_disk d;
  auto w = d.open();
  append(w, 1, "a");
  append(w, 5, std::string(3'300, 'b'));
  append(w, 6, std::string(3'300, 'c'));
  REQUIRE(w.sync());
  auto bytes = d.faults->content("/s/wal-1.log");
  wal_header h;
  REQUIRE(read_wal_header(const_bytes(bytes).first(512), h) == wal_header_state::valid);
  CHECK(h.base == 5);
  h.base = 3;
  h = sealed(h);
  std::copy_n(reinterpret_cast<const std::byte*>(&h), sizeof h, bytes.begin());
  d.faults->set_content("/s/wal-1.log", bytes);
  CHECK(d.read().text() == "1=a corrupt");
}

TEST_CASE("D3: a record that says others were durable which are not there is proof of a loss") {
  const auto read = [](std::uint64_t durable) {
    wal_disk d;
    auto w = d.open();
    append(w, 3, "a");
    append(w, 5, "b");
    REQUIRE(w.sync());
    auto bytes = d.faults->content("/s/wal-0.log");
    wal_header h;
    REQUIRE(read_wal_header(const_bytes(bytes).first(512), h) == wal_header_state::valid);
    const auto records = bytes.begin() + 512;
    std::vector<std::byte> third;
    append_wal_record(third, {0, 0, wal_type::batch, 0, h.generation, 9, durable}, bytes_of("c"),
                      wal_disk::store);
    std::ranges::copy(third, records + 96); // behind two records of 48 bytes
    d.faults->set_content("/s/wal-0.log", bytes);
    return d.read();
  };
  for (const std::uint64_t there : {0U, 3U, 5U})
    CHECK(read(there).text() == "3=a 5=b 9=c");
  for (const std::uint64_t lost : {1U, 4U, 6U, 8U}) {
    const auto r = read(lost);
    CHECK(r.text() == "3=a 5=b corrupt");
    CHECK_THAT(r.error.detail,
               ContainsSubstring("/s/wal-0.log at offset 608: records up to sequence "
                                 + std::to_string(lost) + " were durable"));
  }
}

TEST_CASE("D3: a torn tail is no error, and its bytes are counted") {
  const small_log d(false, false);
  auto bytes = d.faults->content("/s/wal-0.log");
  const std::size_t last = 512 + 4 * 64; // the fifth record: of the last sync, which nothing proves
  bytes[last + 40] ^= std::byte{1};
  d.faults->set_content("/s/wal-0.log", bytes);
  const auto r = d.read();
  CHECK(r.error.code == errc::ok);
  CHECK(r.records.size() == 4);
  CHECK(r.report.discarded_file == "/s/wal-0.log");
  CHECK(r.report.discarded_offset == last);
  CHECK(r.report.discarded_bytes == 64);
  CHECK(d.read(0, 5).error.code == errc::corrupt);
}

TEST_CASE("D3: content that looks like records of the log is content") {
  const wal_disk d;
  auto w = d.open();
  append(w, 1, "");
  REQUIRE(w.sync());
  // Every 8 bytes a header of the right generation that claims the rest of the file.
  wal_header h;
  REQUIRE(read_wal_header(const_bytes(d.faults->content("/s/wal-0.log")).first(512), h)
          == wal_header_state::valid);
  std::string payload;
  for (int i = 0; i != 60; ++i)
    payload += std::string(reinterpret_cast<const char*>(&h.generation), 8);
  append(w, 2, payload);
  append(w, 3, payload);
  REQUIRE(w.sync());
  auto bytes = d.faults->content("/s/wal-0.log");
  bytes[512 + 48 + 40 + 480 + 40] ^= std::byte{1}; // tears the last one
  d.faults->set_content("/s/wal-0.log", bytes);
  const auto r = d.read();
  CHECK(r.error.code == errc::ok);
  CHECK(r.records.size() == 2);
  CHECK(r.report.discarded_bytes == 520);
}

TEST_CASE("D3: files that are no log are damage, not crashes") {
  splitmix random(7);
  for (std::size_t round = 0; round != sweep(2'000); ++round) {
    const wal_disk d(round);
    {
      auto w = d.open();
      append(w, 1, "a");
      REQUIRE(w.sync());
    }
    auto bytes = d.faults->content("/s/wal-0.log");
    bytes.resize(random.below(bytes.size()));
    const std::size_t from = random.one_in(2) ? 512 : 0;
    for (std::size_t i = from; i < bytes.size(); ++i)
      if (round % 3 == 0 || random.one_in(100))
        bytes[i] = static_cast<std::byte>(random.next());
    d.faults->set_content("/s/wal-0.log", bytes);
    const auto r = d.read();
    for (const auto& [sequence, payload] : r.records)
      REQUIRE((sequence == 1 && payload == "a"));
  }
}
