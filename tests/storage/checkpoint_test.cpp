// D2, D4: the power goes and calls fail at every step of segment and manifest, and each time the
// store holds one whole checkpoint: the last one acknowledged, or the one under way.

#include "tests/storage/checkpoint_fixture.hpp"

using namespace cmem;
using namespace cmem::test;

namespace {

/// A store on one disk, through many lives.
class store_lives {
public:
  explicit store_lives(std::uint64_t seed)
    : disk_(std::make_shared<fault_env>(seed)), e_(disk_), graph_(seed, 12) {
    for (std::size_t n = 0; n != graph_.names(); ++n)
      ids_.push_back(graph_.id(n));
  }

  fault_env& disk() { return *disk_; }
  splitmix& random() { return graph_.random(); }

  /// Opens or makes the store and takes checkpoints, until something fails.
  failure run(std::uint64_t checkpoints) {
    const auto there = read_manifest(e_, "/s");
    auto m = there || there.error().code != errc::not_found
               ? manifest_file::open(e_, "/s")
               : manifest_file::create(e_, "/s", new_store(graph_));
    if (!m)
      return m.error();
    made_ = true;
    settle(m->current());
    for (; checkpoints != 0; --checkpoints) {
      graph_.change(1 + random().below(30));
      pending_ = know(graph_.newest());
      const auto done = checkpoint(e_, "/s", *m, graph_.newest(), kept_, random().one_in(4));
      // A failure to remove what is not needed comes after the manifest was written.
      if (m->current().checkpoint == graph_.newest().sequence())
        keep_pending();
      if (!done)
        return done.error();
    }
    return {};
  }

  /// The disk holds the last checkpoint, or the one that was under way.
  void check() {
    const auto read = read_manifest(e_, "/s");
    if (!made_ && !read) {
      REQUIRE(read.error().code == errc::not_found);
      return;
    }
    const manifest& m = need(read).value;
    REQUIRE((m.checkpoint == checkpoint_ || m.checkpoint == graph_.newest().sequence()));
    check_store(e_, "/s", m.checkpoint == checkpoint_ ? kept_ : *pending_, ids_);
    for (const segment_ref& s : m.segments)
      REQUIRE(need(need(segment_reader::open(e_, "/s", s, m.store)).verify()) == s.bytes);
  }

private:
  // What the new life sees is durable now.
  void settle(const manifest& m) {
    REQUIRE((m.checkpoint == checkpoint_ || pending_));
    if (m.checkpoint != checkpoint_) {
      REQUIRE(m.checkpoint == graph_.newest().sequence());
      keep_pending();
    }
  }
  void keep_pending() {
    kept_ = *pending_;
    checkpoint_ = graph_.newest().sequence();
  }

  std::shared_ptr<fault_env> disk_;
  env e_;
  random_graph graph_;
  std::vector<concept_id> ids_;
  known_graph kept_;
  std::optional<known_graph> pending_;
  std::uint64_t checkpoint_ = 0;
  bool made_ = false;
};

} // namespace

TEST_CASE("D2: a power cut in any step of a checkpoint leaves a whole one") {
  std::size_t cuts = 0;
  for (std::uint64_t seed = 1; cuts < sweep(6'000); ++seed) {
    store_lives l(seed);
    for (int life = 0; life != 6; ++life) {
      INFO("seed " << seed << ", life " << life);
      if (!l.random().one_in(5))
        l.disk().inject(fault::power_off, l.random().below(90));
      const failure f = l.run(l.random().below(4));
      REQUIRE((f.code == errc::ok || f.code == errc::io_error));
      INFO(l.disk().last_call());
      if (l.random().one_in(5))
        l.disk().kill();
      else
        l.disk().power_cut(l.random().next());
      l.disk().heal();
      l.check();
      ++cuts;
    }
  }
}

TEST_CASE("D4: a call that fails in a checkpoint loses nothing, and the next life goes on") {
  for (const fault f : {fault::eio, fault::enospc, fault::sync_eio, fault::short_io, fault::eintr})
    for (const bool for_ever : {false, true})
      for (std::uint64_t n = 0, hits = 1; hits != 0; ++n) {
        hits = 0;
        for (std::uint64_t seed = 1; seed <= 3; ++seed) {
          INFO(to_string(f) << (for_ever ? " for ever" : "") << ", call " << n << ", seed "
                            << seed);
          store_lives l(seed);
          REQUIRE(l.run(1).code == errc::ok);
          l.disk().inject(f, n, for_ever);
          const failure got = l.run(2);
          const bool hit = l.disk().hit();
          hits += hit;
          if (!hit || f == fault::short_io || f == fault::eintr)
            REQUIRE(got.code == errc::ok);
          else if (got.code != errc::ok)
            REQUIRE((got.code == errc::io_error || got.code == errc::disk_full));
          l.disk().heal();
          if (seed % 2 == 0)
            l.disk().kill();
          else
            l.disk().power_cut(seed);
          l.check();
          REQUIRE(l.run(2).code == errc::ok);
          l.disk().power_cut(seed + 1);
          l.check();
        }
      }
}
