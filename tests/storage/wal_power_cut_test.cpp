// D1, D2: the power goes, calls fail and processes die at every point of a log's life, and each
// time the log opens and holds a prefix of what was appended, with all that was acknowledged.

#include "tests/storage/wal_fixture.hpp"

using namespace cmem;
using namespace cmem::test;

namespace {

/// Writes, crashes, reads back and goes on, through many lives on one disk. Knows what must be
/// there.
class lives {
public:
  explicit lives(std::uint64_t seed) : disk_(seed), random_(seed) {
    disk_.options = {wal_file_bytes_min, static_cast<std::size_t>(random_.below(3))};
  }

  wal_disk& disk() { return disk_; }
  splitmix& random() { return random_; }
  std::uint64_t acknowledged() const { return acknowledged_; }

  /// Opens, appends, writes, syncs, releases and prepares as the seed has it, `steps` times or
  /// until something fails: the failure, or ok.
  failure run(std::size_t steps) {
    auto w = disk_.try_open(kept_elsewhere_);
    if (!w)
      return w.error();
    appended_.resize(w->appended()); // what the last life had in memory alone
    acknowledged_ = std::max(acknowledged_, w->durable());
    for (std::size_t i = 0; i != steps; ++i) {
      const failure f = step(*w);
      if (f.code != errc::ok)
        return f;
    }
    return {};
  }

  /// Reads the log: a prefix of what was appended, with all that was acknowledged.
  void check() const {
    const auto r = disk_.read(kept_elsewhere_, acknowledged_);
    if (r.error.code != errc::ok)
      FAIL(to_string(r.error));
    REQUIRE(r.report.last >= acknowledged_);
    REQUIRE(r.report.last <= appended_.size());
    REQUIRE(r.report.unfinished.size() <= 3);
    std::uint64_t expected = kept_elsewhere_;
    for (const auto& [sequence, payload] : r.records) {
      REQUIRE(sequence == ++expected); // no hole, nothing invented
      REQUIRE(payload == appended_[static_cast<std::size_t>(sequence - 1)]);
    }
    REQUIRE(expected == r.report.last);
  }

private:
  failure step(wal_writer& w) {
    const std::uint64_t what = random_.below(20);
    if (what < 12) {
      // Half of one length, so that old records lie exactly behind new ones.
      const std::size_t bytes =
        random_.one_in(2)
          ? 24
          : static_cast<std::size_t>(random_.below(random_.one_in(8) ? 6'000 : 300));
      std::string payload = std::to_string(random_.next());
      payload.resize(bytes, static_cast<char>('a' + random_.below(26)));
      appended_.push_back(payload);
      return error_of(w.append(wal_type::batch, appended_.size(), bytes_of(payload)));
    }
    if (what < 15)
      return error_of(w.write());
    if (what < 18) {
      const auto done = w.sync();
      if (!done)
        return done.error();
      REQUIRE(*done == appended_.size());
      acknowledged_ = *done;
      return {};
    }
    if (what == 18) {
      // A checkpoint: elsewhere, and durable there.
      kept_elsewhere_ += random_.below(acknowledged_ - kept_elsewhere_ + 1);
      return error_of(w.release(kept_elsewhere_));
    }
    return error_of(make_ready(w));
  }

  static failure error_of(const result<void>& r) { return r ? failure{} : r.error(); }

  wal_disk disk_;
  splitmix random_;
  std::vector<std::string> appended_; // of sequence i + 1
  std::uint64_t acknowledged_ = 0;
  std::uint64_t kept_elsewhere_ = 0;
};

} // namespace

TEST_CASE("D2: nothing acknowledged is lost to a power cut, and what is left is a prefix") {
  std::size_t cuts = 0;
  for (std::uint64_t seed = 1; cuts < sweep(50'000); ++seed) {
    lives l(seed);
    for (int life = 0; life != 8; ++life) {
      INFO("seed " << seed << ", life " << life);
      if (!l.random().one_in(4)) // else between two calls
        l.disk().faults->inject(fault::power_off, l.random().below(80));
      const failure f = l.run(l.random().below(40));
      REQUIRE((f.code == errc::ok || f.code == errc::io_error));
      INFO(l.disk().faults->last_call());
      if (l.random().one_in(5))
        l.disk().faults->kill(); // the process alone dies: all that was written is there
      else
        l.disk().faults->power_cut(l.random().next());
      l.disk().faults->heal();
      l.check();
      ++cuts;
    }
  }
}

TEST_CASE("D4: a call that fails loses nothing acknowledged, once or for ever, power cut or not") {
  for (const fault f : {fault::eio, fault::enospc, fault::sync_eio, fault::short_io, fault::eintr})
    for (const bool for_ever : {false, true})
      for (std::uint64_t n = 0, hits = 1; hits != 0; ++n) {
        hits = 0;
        for (std::uint64_t seed = 1; seed <= sweep(60); ++seed) {
          INFO(to_string(f) << (for_ever ? " for ever" : "") << ", call " << n << ", seed "
                            << seed);
          lives l(seed);
          REQUIRE(l.run(10).code == errc::ok);
          l.disk().faults->inject(f, n, for_ever);
          const failure got = l.run(20);
          const bool hit = l.disk().faults->hit();
          hits += hit;
          if (!hit || f == fault::short_io || f == fault::eintr)
            REQUIRE(got.code == errc::ok);
          else if (got.code != errc::ok)
            REQUIRE((got.code == errc::io_error || got.code == errc::disk_full));
          l.disk().faults->heal();
          switch (seed
                  % 3) { // the next life sees the page cache, or the disk, or one after the other
            case 0: l.disk().faults->kill(); break;
            case 1: l.disk().faults->power_cut(seed); break;
            default:
              l.disk().faults->kill();
              l.check();
              REQUIRE(l.run(3).code == errc::ok);
              l.disk().faults->power_cut(seed);
          }
          l.check();
          REQUIRE(l.run(20).code == errc::ok);
          l.disk().faults->power_cut(seed);
          l.check();
        }
      }
}
