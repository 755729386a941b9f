// D1, D2, D4, R2: stores whose power goes, whose process dies and whose calls fail, at every point
// of their lives. What opens afterwards is the fold of a prefix that includes what was
// acknowledged.

#include "tests/storage/model.hpp"
#include "tests/storage/operations.hpp"
#include "tests/storage/store_fixture.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <deque>
#include <set>
#include <vector>

using namespace cmem;
using namespace cmem::test;

namespace {

/// One store through many lives, and what must be in it. Every check is a REQUIRE.
class lives {
public:
  explicit lives(std::uint64_t seed, durability level = durability::interval)
    : s_(seed, level), random_(seed) {
    s_.options.vector_dimension = vector_values.size();
    s_.options.store->waiting_bytes_max = 4'000;
    // Some disks are small, and some logs long.
    s_.options.store->log = {wal_file_bytes_min << random_.below(3), random_.below(3)};
    s_.options.store->flush_concepts = 5 + random_.below(100);
    s_.options.store->map_flushed = random_.one_in(3);
    s_.options.store->compaction.fan_in = 2 + random_.below(2);
    s_.options.store->flush_log_bytes = std::uint64_t{1'000} << random_.below(8);
    history_.push_back({0, model(), model().text()});
  }

  store_fixture& store() { return s_; }
  splitmix& random() { return random_; }
  std::size_t acknowledged() const { return acknowledged_; }
  std::size_t flushes() const { return flushes_; }
  std::size_t compactions() const { return compactions_; }

  /// Opens and checks what is there: the failure, or ok.
  failure open() {
    const failure f = s_.try_open();
    if (f.code != errc::ok)
      return f;
    const recovery_report& found = s_.memory->recovery();
    made_ = true;
    REQUIRE(found.first_sequence >= shown_); // R2
    REQUIRE(s_.sequence() == found.first_sequence);
    while (history_.back().sequence > found.log_sequence) {
      REQUIRE(history_.back().sequence > durable_); // what was acknowledged is there
      history_.pop_back();
    }
    REQUIRE(difference(text_of(*s_.memory->load()), history_.back().text) == "");
    shown_ = next_ = found.first_sequence;
    return {};
  }

  /// A segment that no manifest names.
  void leave_unfinished() {
    fault_env& disk = *s_.disk;
    disk.close(static_cast<int>(disk.open("/s/segment-9999.cmseg", open_mode::create)));
  }

  /// Opens it read-only, where nobody writes it, and checks what is there (D6).
  void check_read_only() {
    const auto reader = read_only();
    if (reader == nullptr)
      return;
    const recovery_report& found = reader->memory->recovery();
    REQUIRE_FALSE(found.beside);
    for (auto lost = history_.rbegin(); lost->sequence > found.log_sequence; ++lost)
      REQUIRE(lost->sequence > durable_); // what was acknowledged is there
    REQUIRE(found.checkpoint >= flushed_);
    check_fold(*reader, found.log_sequence);
  }
  /// The same beside this writer: the checkpoint.
  void check_beside() {
    const auto reader = read_only();
    REQUIRE(reader != nullptr);
    const recovery_report& found = reader->memory->recovery();
    REQUIRE(found.beside);
    REQUIRE(found.checkpoint >= flushed_);
    REQUIRE(found.checkpoint == s_.memory->stats().store.checkpoint);
    REQUIRE(reader->sequence() == found.checkpoint);
    check_fold(*reader, found.checkpoint);
  }

  /// Does what the numbers say: the failure of a commit, or ok.
  failure run(const std::vector<std::uint64_t>& codes) {
    for (std::size_t i = 0; i != codes.size(); ++i) {
      s_.now += 10;
      decoder d(codes[i]);
      const std::uint32_t action = d.below(10);
      failure f;
      if (action == 0)
        reconcile();
      else if (action == 1)
        f = commit();
      else if (action == 2)
        f = d.below(4) == 0 ? compact() : flush(d.below(3));
      else if (action == 3 && i + 3 < codes.size()) {
        write_batch(codes[i + 1], codes[i + 2]);
        i += 2;
      } else
        write_one(codes[i] / 10);
      if (f.code != errc::ok)
        return f;
    }
    return {};
  }
  failure run(std::size_t steps) {
    std::vector<std::uint64_t> codes(steps);
    for (std::uint64_t& c : codes)
      c = random_.next();
    return run(codes);
  }

  failure close() {
    s_.memory->close();
    for (bool more = true; more;) {
      const reconcile_report r = reconcile();
      if (r.stalled)
        (void) s_.memory->commit();
      more = r.more_pending || r.stalled;
    }
    const auto done = s_.memory->close_store();
    if (done)
      durable_ = shown_;
    waiting_.clear();
    s_.memory.reset();
    return done ? failure{} : done.error();
  }
  void crash(bool power) {
    if (power)
      s_.cut_power(random_.next());
    else
      s_.die();
    s_.disk->heal();
    waiting_.clear();
  }

private:
  struct state {
    std::uint64_t sequence;
    model fold;
    std::string text;
  };
  struct waiting_entry {
    ticket of;
    std::size_t entries;
    model fold; // when it was applied
    errc expected;
  };

  /// Null where there is no store yet.
  std::unique_ptr<store_fixture> read_only() {
    auto reader = std::make_unique<store_fixture>();
    reader->disk = s_.disk;
    reader->options.vector_dimension = s_.options.vector_dimension;
    reader->options.store->files = env(s_.disk);
    reader->options.store->read_only = true;
    const failure f = reader->try_open();
    if (!made_ && f.code == errc::not_found)
      return nullptr;
    REQUIRE(to_string(f) == to_string(failure{}));
    return reader;
  }
  void check_fold(const store_fixture& reader, std::uint64_t up_to) const {
    auto last = history_.end();
    while ((--last)->sequence > up_to) {}
    REQUIRE(difference(text_of(*reader.memory->load()), last->text) == "");
  }

  void write_one(std::uint64_t code) {
    contents c;
    const write_op o = operation(code, c);
    const auto t = s_.memory->write(o);
    if (!t) {
      REQUIRE((t.error().code == errc::read_only || t.error().code == errc::overloaded));
      return;
    }
    const errc expected = pending().apply(o, s_.now);
    await(*t, 1, expected);
  }
  void write_batch(std::uint64_t a, std::uint64_t b) {
    std::array<contents, 2> texts;
    const std::vector<write_op> ops{operation(a, texts[0]), operation(b, texts[1])};
    const auto t = s_.memory->learn_batch(ops);
    if (!t) {
      REQUIRE((t.error().code == errc::read_only || t.error().code == errc::overloaded));
      return;
    }
    const errc expected = pending().apply_batch(ops, s_.now);
    await(*t, 2, expected);
  }
  /// The fold of all that was written, queued entries included.
  model& pending() {
    if (waiting_.empty())
      pending_ = history_.back().fold;
    return pending_;
  }
  void await(const ticket& t, std::size_t entries, errc expected) {
    waiting_.push_back({t, entries, pending_, expected});
    if (random_.one_in(2))
      return;
    // Told now, later or never; if ever, then when it is on the disk.
    s_.memory->on_durable(t, [this, t](const result<settlement>& r) {
      if (!r || r->what != fate::applied)
        return;
      ++acknowledged_;
      const std::uint64_t at = numbers_.at(t.number);
      durable_ = std::max(durable_, at);
    });
  }
  reconcile_report reconcile() {
    // Numbers first: whoever awaits may be told within.
    std::uint64_t n = next_;
    for (const waiting_entry& w : waiting_)
      numbers_[w.of.number] = n += w.entries;
    const reconcile_report r = s_.memory->reconcile();
    const auto snapshot = s_.memory->load();
    REQUIRE(snapshot->sequence() >= shown_);
    shown_ = snapshot->sequence();
    while (!waiting_.empty()) {
      const waiting_entry& w = waiting_.front();
      const settlement got = snapshot->outcome(w.of);
      if (got.what == fate::pending)
        break;
      if (got.reason == errc::read_only) { // and all behind it
        waiting_.pop_front();
        continue;
      }
      REQUIRE(got.reason == w.expected);
      next_ += w.entries;
      history_.push_back({next_, w.fold, w.fold.text()});
      waiting_.pop_front();
    }
    REQUIRE(shown_ == next_);
    REQUIRE(difference(text_of(*snapshot), history_.back().text) == "");
    return r;
  }
  /// Asks for one, writes what was handed over, or both.
  failure flush(std::uint32_t what) {
    if (what != 0)
      s_.memory->ask_for_flush();
    if (what == 1)
      return {};
    if (what == 2)
      reconcile();
    const auto done = s_.memory->flush();
    if (!done)
      return done.error();
    flushes_ += *done ? 1U : 0U;
    flushed_ = std::max(flushed_, s_.memory->stats().store.checkpoint);
    durable_ = std::max(durable_, flushed_);
    return {};
  }
  /// A few steps: it may go on after the next writes, or never.
  failure compact() {
    for (std::uint64_t steps = random_.below(20); steps != 0; --steps) {
      const auto more = s_.memory->compact(random_.below(20'000));
      if (!more)
        return more.error();
      if (!*more)
        break;
    }
    compactions_ += s_.memory->stats().store.compactions != 0 ? 1U : 0U;
    return {};
  }
  failure commit() {
    const auto done = s_.memory->commit();
    if (!done)
      return done.error();
    REQUIRE(*done == shown_);
    durable_ = std::max(durable_, *done);
    return {};
  }

  store_fixture s_;
  splitmix random_;
  std::vector<state> history_;        // after each entry that was merged
  std::deque<waiting_entry> waiting_; // queued
  model pending_;
  std::map<std::uint64_t, std::uint64_t> numbers_; // of tickets: the sequence they get
  std::uint64_t next_ = 0;                         // sequence of what was merged last
  std::uint64_t shown_ = 0;
  std::uint64_t durable_ = 0; // acknowledged up to here
  std::uint64_t flushed_ = 0; // in segments up to here
  bool made_ = false;         // it was opened once
  std::size_t acknowledged_ = 0;
  std::size_t flushes_ = 0;
  std::size_t compactions_ = 0;
};

bool is_clean(errc e) {
  return e == errc::ok || e == errc::io_error || e == errc::disk_full || e == errc::read_only;
}

} // namespace

TEST_CASE("D2: nothing acknowledged is lost to a power cut, and what opens is a prefix") {
  std::size_t cuts = 0;
  std::size_t acknowledged = 0;
  std::size_t flushes = 0;
  std::size_t compactions = 0;
  std::size_t beside = 0;
  for (std::uint64_t seed = 1; cuts < sweep(16'000); ++seed) {
    lives l(seed, seed % 4 == 0 ? durability::sync : durability::interval);
    for (int life = 0; life != 8; ++life) {
      INFO("seed " << seed << ", life " << life);
      if (!l.random().one_in(4)) // else between two calls
        l.store().disk->inject(fault::power_off, l.random().below(60));
      failure f = l.open();
      if (f.code == errc::ok)
        f = l.run(l.random().below(60));
      if (f.code == errc::ok && l.random().one_in(3))
        f = l.close();
      INFO(l.store().disk->last_call());
      REQUIRE((f.code == errc::ok || f.code == errc::io_error || f.code == errc::read_only));
      l.crash(!l.random().one_in(5));
      ++cuts;
      l.check_read_only();
      if (!l.random().one_in(4))
        continue;
      REQUIRE(to_string(l.open()) == to_string(failure{}));
      l.check_beside();
      REQUIRE(l.run(20).code == errc::ok);
      l.check_beside(); // of a writer that has gone on
      l.crash(l.random().one_in(2));
      l.check_read_only();
      ++cuts;
      ++beside;
    }
    const failure f = l.open();
    REQUIRE(to_string(f) == to_string(failure{}));
    l.check_beside();
    ++beside;
    acknowledged += l.acknowledged();
    flushes += l.flushes();
    compactions += l.compactions();
  }
  CHECK(acknowledged > cuts); // the sweep is worth something
  CHECK(flushes > cuts / 5);
  CHECK(compactions > cuts / 24);
  CHECK(beside > cuts / 8);
}

/// "fdatasync", "fdatasync of a directory", …
std::string kind_of_call(const std::string& call) {
  const std::string name = call.substr(0, call.find(' '));
  const bool of_directory = call.ends_with(" /s") || call.ends_with(" /");
  return of_directory && (name == "open" || name == "fdatasync") ? name + " of a directory" : name;
}

TEST_CASE("D4: every call fails once or for ever: a clean error or success, and nothing is lost") {
  const std::uint64_t seeds = std::max<std::uint64_t>(3, sweep(8)); // three ways to begin
  std::size_t runs = 0;
  std::set<std::string> failed; // kinds of calls
  for (const fault f : {fault::eio, fault::enospc, fault::sync_eio, fault::short_io, fault::eintr})
    for (const bool for_ever : {false, true})
      for (std::uint64_t n = 0, hits = 1; hits != 0; ++n) {
        hits = 0;
        for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
          INFO(to_string(f) << (for_ever ? " for ever" : "") << ", call " << n << ", seed "
                            << seed);
          lives l(seed);
          if (seed % 3 != 0) { // else the store is being made
            REQUIRE(l.open().code == errc::ok);
            REQUIRE(l.run(20).code == errc::ok);
            if (seed % 3 == 1)
              REQUIRE(l.close().code == errc::ok);
            else
              l.crash(false);
          }
          if (seed % 4 == 1) // what a flush left that was cut off
            l.leave_unfinished();
          l.store().disk->inject(f, n, for_ever);
          failure got = l.open();
          if (got.code == errc::ok)
            got = l.run(30);
          if (l.store().memory) {
            const failure closing = l.close();
            got = got.code == errc::ok ? closing : got;
          }
          INFO(l.store().disk->last_call());
          const bool hit = l.store().disk->hit();
          hits += hit;
          runs += hit;
          if (hit && f == fault::eio)
            failed.insert(kind_of_call(l.store().disk->hit_call()));
          if (!hit || f == fault::short_io || f == fault::eintr)
            REQUIRE(to_string(got) == to_string(failure{}));
          REQUIRE(is_clean(got.code));
          l.store().disk->heal();
          if (seed % 2 == 0)
            l.crash(true);
          else
            l.crash(false);
          l.check_read_only();
          REQUIRE(to_string(l.open()) == to_string(failure{}));
          REQUIRE(l.run(10).code == errc::ok);
          REQUIRE(l.close().code == errc::ok);
          REQUIRE(l.open().code == errc::ok);
        }
      }
  CHECK(runs >= sweep(6'000));
  // All of kernel.hpp that can fail. A clock, a pid, close and unmap cannot; link is for backups.
  std::string kinds;
  for (const std::string& kind : failed)
    kinds += kind + "\n";
  CHECK(
    kinds
    == "fallocate\nfdatasync\nfdatasync of a directory\nftruncate\nlist\nlock\nmake_directory\n"
       "map\nmap_at\nopen\nopen of a directory\npread\npwritev\nrandom\nremove\nrename\nsize\n");
}

TEST_CASE("R2: a store reopened at any point is the fold of what it keeps") {
  rc::detail::TestParams params = rc::detail::configuration().testParams;
  params.maxSuccess = static_cast<int>(sweep(2'000));
  params.maxSize = 100;
  const auto property = [] {
    const auto codes = *rc::gen::container<std::vector<std::vector<std::uint64_t>>>(
      4, rc::gen::container<std::vector<std::uint64_t>>(40,
                                                        rc::gen::inRange<std::uint64_t>(0, ~0ULL)));
    const auto seed = *rc::gen::inRange<std::uint64_t>(1, 1'000'000);
    lives l(seed);
    for (const auto& life : codes) {
      RC_ASSERT(l.open().code == errc::ok);
      RC_ASSERT(l.run(life).code == errc::ok);
      if (l.random().one_in(2))
        RC_ASSERT(l.close().code == errc::ok);
      else
        l.crash(l.random().one_in(2));
    }
    RC_ASSERT(l.open().code == errc::ok);
  };
  const auto outcome = rc::detail::checkTestable(property, rc::detail::TestMetadata{}, params);
  INFO("seed " << params.seed);
  rc::detail::printResultMessage(outcome, std::cerr);
  CHECK(outcome.template is<rc::detail::SuccessResult>());
}
