// The write-ahead log, on a disk that does what it is told. What it does when the power goes is in
// wal_power_cut_test.cpp, what damage does in wal_damage_test.cpp.

#include "tests/storage/wal_fixture.hpp"

#include <filesystem>
#include <stdlib.h>

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// One that leaves room for two in a file of 4,096 bytes.
const std::string large(1'700, 'x');

} // namespace

TEST_CASE("wal: an empty directory is an empty log") {
  const wal_disk d;
  const auto r = d.read();
  CHECK(r.text().empty());
  REQUIRE(r.end);
  CHECK(r.end->last == 0);
  CHECK(d.read(7).end->last == 7);
  CHECK(d.read(0, 1).text() == "corrupt");
}

TEST_CASE("wal: what was synced is read back, in order, with type and sequence") {
  const wal_disk d;
  auto w = d.open();
  append(w, 1, "one");
  append(w, 2, "");
  append(w, 40, "forty");
  CHECK(w.durable() == 0);
  CHECK(w.appended() == 40);
  CHECK(*w.sync() == 40);
  CHECK(d.read().text() == "1=one 2= 40=forty");
  CHECK(d.read(2).text() == "40=forty");
  CHECK(d.read(40, 40).text().empty());
  CHECK(d.read(0, 41).text() == "1=one 2= 40=forty corrupt");
  CHECK(d.read().report.discarded_bytes == 0);
}

TEST_CASE("wal: many records are one write and one sync, and nothing new is none") {
  const wal_disk d;
  auto w = d.open();
  const auto writes = [&] { return d.faults->sites(fault::short_io); };
  const auto syncs = [&] { return d.faults->sites(fault::sync_eio); };
  append(w, 1, "makes the file");
  REQUIRE(w.sync());
  const auto writes_before = writes();
  const auto syncs_before = syncs();
  for (std::uint64_t i = 2; i <= 51; ++i)
    append(w, i, "r");
  CHECK(writes() == writes_before);
  CHECK(w.waiting_bytes() == 50 * 48);
  CHECK(*w.sync() == 51);
  CHECK(writes() == writes_before + 1);
  CHECK(syncs() == syncs_before + 1);
  CHECK(*w.sync() == 51);
  CHECK(writes() == writes_before + 1);
  CHECK(syncs() == syncs_before + 1);
}

TEST_CASE("wal: a write survives the process, a sync the power") {
  const wal_disk d;
  {
    auto w = d.open();
    append(w, 1, "a");
    REQUIRE(w.write());
    CHECK(w.durable() == 0);
    append(w, 2, "b");
  }
  d.faults->kill();
  CHECK(d.read().text() == "1=a");
}

TEST_CASE("wal: a reopened log goes on in a new file, again and again") {
  const wal_disk d;
  for (std::uint64_t i = 1; i <= 5; ++i) {
    auto w = d.open();
    append(w, i, "r" + std::to_string(i));
    REQUIRE(w.sync());
  }
  CHECK(d.read().text() == "1=r1 2=r2 3=r3 4=r4 5=r5");
  CHECK(d.files().size() == 5);
}

TEST_CASE("wal: a full file is followed by the next") {
  const wal_disk d;
  auto w = d.open();
  for (std::uint64_t i = 1; i <= 7; ++i)
    append(w, i, large);
  CHECK(w.live_files() == 4);
  CHECK(w.durable() == 6); // a file is synced before the next begins
  REQUIRE(w.sync());
  CHECK(d.read().report.records == 7);
  CHECK(d.read(4).report.records == 3);
}

TEST_CASE("wal: a record larger than a file makes it grow") {
  const wal_disk d;
  auto w = d.open();
  append(w, 1, "a");
  append(w, 2, std::string(1'000'000, 'b'));
  append(w, 3, "c");
  REQUIRE(w.sync());
  const auto r = d.read();
  REQUIRE(r.records.size() == 3);
  CHECK(r.records[1].second == std::string(1'000'000, 'b'));
}

TEST_CASE("wal: a file of reserved blocks costs no write, and serves like one of zeros") {
  wal_disk d;
  d.options.filled = false;
  {
    auto w = d.open();
    for (std::uint64_t i = 1; i <= 3; ++i)
      append(w, i, large); // two files
    REQUIRE(w.sync());
    CHECK(w.written_bytes() == 2 * sizeof(wal_header) + 3 * wal_record_bytes(large.size()));
    append(w, 4, "never synced");
    REQUIRE(w.write());
  }
  CHECK(d.read().text().ends_with(" 4=never synced"));
  d.faults->power_cut(5);
  const auto r = d.read(0, 3);
  CHECK(r.error.code == errc::ok);
  CHECK(r.records.size() >= 3);
}

TEST_CASE("wal: released files are written again, and their old bytes never read") {
  const wal_disk d;
  auto w = d.open();
  for (std::uint64_t i = 1; i <= 4; ++i)
    append(w, i, large);
  REQUIRE(w.sync());
  REQUIRE(w.release(1));
  CHECK(w.live_files() == 2); // 2 is in the first file too
  REQUIRE(w.release(2));
  CHECK(w.live_files() == 1);
  CHECK(w.spare_files() == 1);
  CHECK(d.read(0).report.records == 4); // until they are written again
  append(w, 5, large);                  // as long as 1 was: 2 is still there, right behind it
  REQUIRE(w.sync());
  CHECK(d.files().size() == 2);
  CHECK(d.read(2).records.size() == 3);
  CHECK(d.read(2).records.back().first == 5);
  CHECK(d.read(2).report.discarded_bytes == 0);
  CHECK(d.read(0).error.code == errc::corrupt); // for who still needs what was released
}

TEST_CASE("wal: once a fresh file was asked for, none that holds old bytes is taken") {
  const wal_disk d;
  auto w = d.open();
  append(w, 1, "to be forgotten");
  REQUIRE(w.sync());
  REQUIRE(w.begin_file());
  REQUIRE(w.release(1));
  CHECK(w.spare_files() == 1); // with what is to be forgotten
  for (std::uint64_t i = 2; i <= 4; ++i)
    append(w, i, large); // another file
  REQUIRE(w.sync());
  CHECK(w.live_files() == 2);
  CHECK(w.spare_files() == 1);
  REQUIRE(w.remove_used_spares());
  CHECK(w.spare_files() == 0);
  CHECK(d.read(1).report.records == 3);
  for (const std::string& name : d.files()) {
    const auto f = d.e.open("/s/" + name, open_mode::read);
    std::vector<std::byte> bytes(*f->size());
    REQUIRE(f->read_all_at(bytes, 0));
    CHECK(text_of(bytes).find("forgotten") == std::string::npos);
  }
}

TEST_CASE("wal: records that lost their header to a crash are never taken for newer ones") {
  const wal_disk d;
  {
    auto w = d.open();
    for (std::uint64_t i = 1; i <= 4; ++i)
      append(w, i, large);
    REQUIRE(w.sync());
    REQUIRE(w.release(2));
    const auto before = d.faults->content("/s/wal-0.log");
    append(w, 5, large); // wal-0.log again
    append(w, 6, "lost");
    append(w, 7, "lost");
    REQUIRE(w.write());
    auto crashed = d.faults->content("/s/wal-0.log");
    std::copy_n(before.begin(), sizeof(wal_header), crashed.begin());
    d.faults->set_content("/s/wal-0.log", crashed);
  }
  d.faults->kill();
  CHECK(d.read(2).records.size() == 2);
  auto w = d.open(2);
  REQUIRE(w.release(2));
  append(w, 5, std::string(1'752, 'x')); // wal-0.log again: as long as 5 and 6 were
  REQUIRE(w.sync());
  const auto bytes = d.faults->content("/s/wal-0.log");
  CHECK(peek_wal_record(const_bytes(bytes).subspan(512 + 1'792)).sequence == 7); // is right behind
  CHECK(d.read(4).records.size() == 1);
}

TEST_CASE("wal: a generation never comes again, also when a crash lost it") {
  const wal_disk d;
  const auto generation = [&] {
    auto w = d.open();
    append(w, 1, "r");
    const std::string path = "/s/" + d.files().front();
    wal_header h;
    REQUIRE(read_wal_header(const_bytes(d.faults->content(path)).first(512), h)
            == wal_header_state::valid);
    REQUIRE(d.e.remove(path));
    return h.generation;
  };
  CHECK(generation() != generation());
}

TEST_CASE("wal: no more spare files stay than were asked for, and one can be made ahead") {
  wal_disk d;
  d.options.spares_max = 1;
  auto w = d.open();
  CHECK(d.files().empty()); // none before it is needed
  REQUIRE(make_ready(w));
  CHECK(d.files().empty());
  append(w, 1, large);
  append(w, 2, large); // more than half of a file
  REQUIRE(w.wants_spare());
  REQUIRE(make_ready(w));
  CHECK_FALSE(w.wants_spare());
  CHECK(d.files().size() == 2);
  for (std::uint64_t i = 3; i <= 9; ++i)
    append(w, i, large);
  REQUIRE(w.sync());
  CHECK(d.files().size() == 5);
  REQUIRE(w.release(8));
  CHECK(w.spare_files() == 1);
  CHECK(d.files().size() == 2);
  CHECK(d.read(8).report.records == 1);
}

TEST_CASE("wal: files that a process made ready and did not use are made anew by the next") {
  const wal_disk d;
  {
    auto w = d.open();
    append(w, 1, large);
    append(w, 2, large);
    REQUIRE(w.sync());
    REQUIRE(make_ready(w));
    CHECK(d.files() == std::vector<std::string>{"wal-0.log", "wal-1.log"});
  }
  auto w = d.open();
  append(w, 3, "a");
  REQUIRE(w.sync());
  CHECK(d.files() == std::vector<std::string>{"wal-0.log", "wal-2.log"});
  CHECK(d.read().records.size() == 3);
}

TEST_CASE("wal: the log may end before what is kept elsewhere") {
  const wal_disk d;
  {
    auto w = d.open();
    append(w, 1, "a");
    REQUIRE(w.sync());
  }
  auto w = d.open(10); // segments were ahead of the log
  append(w, 11, "b");
  REQUIRE(w.sync());
  CHECK(d.read(10).text() == "11=b");
  CHECK(d.read(12).text().empty());
}

TEST_CASE("wal: a missing file is a hole, not an end") {
  const wal_disk d;
  auto w = d.open();
  for (std::uint64_t i = 1; i <= 5; ++i)
    append(w, i, large);
  REQUIRE(w.sync());
  SECTION("the first") {
    REQUIRE(d.e.remove("/s/wal-0.log"));
    const auto r = d.read();
    CHECK(r.text() == "corrupt");
    CHECK_THAT(r.error.detail, ContainsSubstring("a file is missing"));
    CHECK(d.read(2).report.records == 3);
  }
  SECTION("one between") {
    REQUIRE(d.e.remove("/s/wal-1.log"));
    const auto r = d.read();
    CHECK(r.error.code == errc::corrupt);
    CHECK(r.records.size() == 2);
    CHECK_THAT(r.error.detail, ContainsSubstring("/s/wal-0.log at offset")
                                 && ContainsSubstring("up to sequence 4 were durable"));
  }
  SECTION("the last, which only a recorded number can miss") {
    REQUIRE(d.e.remove("/s/wal-2.log"));
    CHECK(d.read().report.records == 4);
    CHECK(d.read(0, 5).error.code == errc::corrupt);
  }
}

TEST_CASE("wal: another store's files, newer versions and newer records are refused") {
  const wal_disk d;
  {
    auto w = d.open();
    append(w, 1, "a");
    REQUIRE(w.sync());
  }
  CHECK(wal_reader::open(d.e, "/s", {1, 0, 0}).error().code == errc::corrupt);
  auto bytes = d.faults->content("/s/wal-0.log");
  wal_header h;
  REQUIRE(read_wal_header(const_bytes(bytes).first(512), h) == wal_header_state::valid);
  SECTION("version") {
    h.version = 2;
    h = sealed(h);
    std::copy_n(reinterpret_cast<const std::byte*>(&h), sizeof h, bytes.begin());
    d.faults->set_content("/s/wal-0.log", bytes);
    CHECK(d.read().text() == "unsupported");
    CHECK(d.read().error.detail
          == "/s/wal-0.log has format version 2, and this program reads up to version 1: open the "
             "store with a newer cmem; nothing was changed");
  }
  SECTION("flags that this version does not write, and no record to show that it was used") {
    h.flags |= 2;
    h = sealed(h);
    std::copy_n(reinterpret_cast<const std::byte*>(&h), sizeof h, bytes.begin());
    std::fill(bytes.begin() + sizeof h, bytes.end(), std::byte{});
    d.faults->set_content("/s/wal-0.log", bytes);
    CHECK(d.read().text() == "corrupt");
  }
  SECTION("record") {
    std::vector<std::byte> record;
    append_wal_record(record, {0, 0, wal_type::leader_epoch, 0, h.generation, 2, 1}, {}, h.store);
    std::copy(record.begin(), record.end(), bytes.begin() + 512 + 48);
    d.faults->set_content("/s/wal-0.log", bytes);
    CHECK(d.read().text() == "1=a 2=");
  }
}

TEST_CASE("wal: sequences grow, payloads are bounded") {
  const wal_disk d;
  auto w = d.open();
  append(w, 5, "a");
  CHECK(w.append(wal_type::batch, 5, {}).error().code == errc::invalid_argument);
  CHECK(w.append(wal_type::batch, 4, {}).error().code == errc::invalid_argument);
  const const_bytes huge(bytes_of("x").data(), wal_payload_bytes_max + 1); // not looked at
  CHECK(w.append(wal_type::batch, 6, huge).error().code == errc::limit_exceeded);
  append(w, 6, "b");
  REQUIRE(w.sync());
  CHECK(d.read().text() == "5=a 6=b");
}

TEST_CASE("D4: after a failed sync the log is read-only, and says why") {
  const wal_disk d;
  auto w = d.open();
  append(w, 1, "a");
  REQUIRE(w.sync());
  append(w, 2, "b");
  d.faults->inject(fault::sync_eio, 0);
  CHECK(w.sync().error().code == errc::io_error);
  CHECK(w.durable() == 1);
  for (const auto& f : {w.sync().error(), w.write().error(), w.release(1).error(),
                        w.append(wal_type::batch, 3, {}).error()}) {
    CHECK(f.code == errc::read_only);
    CHECK_THAT(f.detail, ContainsSubstring("syncing /s/wal-0.log"));
  }
}

TEST_CASE("D4: on a full disk what was synced stays, and the next open goes on") {
  const wal_disk d;
  {
    auto w = d.open();
    d.faults->set_capacity(4096);
    append(w, 1, large);
    append(w, 2, large);
    const auto full = w.append(wal_type::batch, 3, bytes_of(large));
    CHECK(full.error().code == errc::disk_full);
    CHECK(w.durable() == 2);
    CHECK(d.files().size() == 1); // the half-made one is gone
    CHECK(w.sync().error().code == errc::read_only);
  }
  CHECK(d.read().report.records == 2);
  CHECK(d.try_open().error().code == errc::disk_full);
  d.faults->set_capacity(100'000);
  auto w = d.open();
  append(w, 3, "c");
  REQUIRE(w.sync());
  CHECK(d.read().report.records == 3);
}

TEST_CASE("wal: a real disk takes it too") {
  const env e;
  std::string path = (std::filesystem::temp_directory_path() / "cmem_wal_XXXXXX").string();
  REQUIRE(::mkdtemp(path.data()) != nullptr);
  wal_end end;
  std::uint64_t sequence = 0;
  for (int life = 0; life != 3; ++life) {
    auto w = wal_writer::open(e, path, {wal_file_bytes_min, 1}, end);
    REQUIRE(w);
    for (int i = 0; i != 20; ++i)
      append(*w, ++sequence, std::string(500, 'r'));
    REQUIRE(w->sync());
    REQUIRE(w->release(sequence - 5));
    auto r = wal_reader::open(e, path, {0, sequence - 5, sequence});
    REQUIRE(r);
    wal_record record;
    for (std::uint64_t i = sequence - 4; i <= sequence; ++i) {
      REQUIRE(*r->next(record));
      CHECK(record.sequence == i);
      CHECK(text_of(record.payload) == std::string(500, 'r'));
    }
    REQUIRE_FALSE(*r->next(record));
    end = r->end();
  }
  std::filesystem::remove_all(path);
}
