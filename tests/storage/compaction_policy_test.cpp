#include "storage/compaction_policy.hpp"
#include "tests/catch.hpp"
#include "tests/fault_inode.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <utility>
#include <vector>

using namespace cmem;
using cmem::test::splitmix;

namespace {

constexpr std::uint64_t record_bytes = 700;
constexpr std::uint64_t tombstone_bytes = 128;

std::vector<segment_size> sizes(std::initializer_list<std::uint64_t> bytes) {
  std::vector<segment_size> all;
  for (const std::uint64_t b : bytes)
    all.push_back({b, b / 10, 0});
  return all;
}

/// "first+count", or "-".
std::string run(const std::vector<segment_size>& s, const compaction_policy& p = {4, 1.0, 0.5, 0},
                std::uint64_t flush_bytes = 0) {
  const auto r = next_compaction(s, flush_bytes, p);
  return r ? std::to_string(r->first) + "+" + std::to_string(r->count) : "-";
}

/// A store that is nothing but ids: which segment says what of which of them.
class simulated_store {
public:
  explicit simulated_store(const compaction_policy& p) : policy_(p) {}

  void learn(std::uint64_t id) {
    next_[id] = true;
    live_.insert(id);
  }
  void forget(std::uint64_t id) {
    next_[id] = false;
    live_.erase(id);
  }
  /// Writes what changed, and merges as long as the policy says so.
  void flush() {
    const std::uint64_t flush_bytes = size_of(next_).bytes;
    sizes_.push_back(size_of(next_));
    segments_.push_back(std::exchange(next_, {}));
    flushed_ += flush_bytes;
    written_ += flush_bytes;
    space_peak_ = std::max(space_peak_, space());
    while (const auto r = next_compaction(sizes_, flush_bytes, policy_)) {
      REQUIRE(r->count >= 2);
      REQUIRE(r->first + r->count <= segments_.size());
      merge(*r);
    }
    space_settled_peak_ = std::max(space_settled_peak_, space());
    segments_peak_ = std::max(segments_peak_, segments_.size());
  }
  void forget_figures() {
    flushed_ = written_ = segments_peak_ = 0;
    space_peak_ = space_settled_peak_ = 0;
  }
  double write_amplification() const {
    return static_cast<double>(written_) / static_cast<double>(flushed_);
  }
  /// What is named, against what is live: right after a flush, and when what is to merge is merged.
  double space_peak() const { return space_peak_; }
  double space_settled_peak() const { return space_settled_peak_; }
  std::size_t segments_peak() const { return segments_peak_; }

  void print(const char* what) const {
    std::printf("%-34s %5.2f written a byte flushed, %5.2f times what is live, %2zu segments\n",
                what, write_amplification(), space_peak(), segments_peak());
  }

private:
  using contents = std::map<std::uint64_t, bool>; // false: forgotten

  static segment_size size_of(const contents& c) {
    segment_size s{256, c.size(), 0};
    for (const auto& [id, learned] : c) {
      s.bytes += learned ? record_bytes : tombstone_bytes;
      s.forgotten += learned ? 0 : 1;
    }
    return s;
  }
  double space() const {
    std::uint64_t named = 0;
    for (const segment_size& x : sizes_)
      named += x.bytes;
    return static_cast<double>(named) / static_cast<double>(256 + live_.size() * record_bytes);
  }
  void merge(const segment_run& r) {
    const auto first = segments_.begin() + static_cast<std::ptrdiff_t>(r.first);
    const auto last = first + static_cast<std::ptrdiff_t>(r.count);
    contents merged;
    for (auto s = first; s != last; ++s)
      for (const auto& [id, learned] : *s)
        merged[id] = learned;
    if (r.first == 0)
      std::erase_if(merged, [](const auto& x) { return !x.second; });
    const segment_size made = size_of(merged);
    written_ += made.bytes;
    *first = std::move(merged);
    segments_.erase(first + 1, last);
    const auto at = sizes_.begin() + static_cast<std::ptrdiff_t>(r.first);
    *at = made;
    sizes_.erase(at + 1, at + static_cast<std::ptrdiff_t>(r.count));
  }

  compaction_policy policy_;
  contents next_;
  std::set<std::uint64_t> live_;
  std::vector<contents> segments_;  // oldest first
  std::vector<segment_size> sizes_; // of each
  std::uint64_t flushed_ = 0;
  std::uint64_t written_ = 0;
  double space_peak_ = 0;
  double space_settled_peak_ = 0;
  std::size_t segments_peak_ = 0;
};

constexpr std::uint64_t flush_records = 64;

simulated_store filled(std::uint64_t flushes, const compaction_policy& p = {}) {
  simulated_store s(p);
  for (std::uint64_t id = 0; id != flushes * flush_records; ++id)
    s.learn(id);
  s.flush();
  s.forget_figures();
  return s;
}

} // namespace

TEST_CASE("compaction_policy: what is small for what comes before it is left alone") {
  CHECK(run({}) == "-");
  CHECK(run(sizes({100})) == "-");
  CHECK(run(sizes({100, 1, 1, 1})) == "-");
  CHECK(run(sizes({1'000, 100, 10, 1})) == "-");
  CHECK(run(sizes({100'000, 400, 100, 100, 99})) == "-"); // three that are as large
}

TEST_CASE(
  "compaction_policy: neighbours of about one size are merged, and what is as small before") {
  CHECK(run(sizes({1'000, 10, 10, 10, 10})) == "1+4");
  CHECK(run(sizes({10'000, 1'000, 10, 10, 10, 10, 10})) == "2+5");
  CHECK(run(sizes({10'000, 1'000, 40, 10, 10, 10, 10})) == "2+5"); // 40 <= 10 + 10 + 10 + 10
  CHECK(run(sizes({10'000, 1'000, 41, 10, 10, 10, 10})) == "3+4");
  CHECK(run(sizes({10'000, 1'000, 41, 10, 10, 10, 10}), {4, 1.1, 0.5, 0}) == "2+5");
  CHECK(run(sizes({10'000, 100, 50, 25, 25})) == "1+4");
  CHECK(run(sizes({10'000, 10, 10, 10, 10}), {5, 1.0, 0.5, 0}) == "-");
  CHECK(run(sizes({10'000, 10, 10, 10, 100})) == "1+4"); // newer ones may be larger
}

TEST_CASE("compaction_policy: a small newest segment does not keep larger ones apart") {
  CHECK(run(sizes({10'000, 100, 100, 100, 100, 1})) == "1+4");
  CHECK(run(sizes({10'000, 100, 100, 100, 100, 1, 1, 1, 1})) == "5+4");
}

TEST_CASE("compaction_policy: all is merged once what may be garbage is too much") {
  CHECK(run(sizes({100, 50})) == "-");
  CHECK(run(sizes({100, 51})) == "0+2");
  CHECK(run(sizes({100, 20, 20, 11})) == "0+4");
  CHECK(run(sizes({100, 51}), {4, 1.0, 0.6, 0}) == "-");
  CHECK(run(sizes({1, 1'000})) == "0+2");
  // 1000 bytes a record, 100 records; each tombstone may have ended one of them.
  CHECK(run({{100'000, 100, 0}, {128 * 30, 30, 30}}) == "-"); // 30 + 4 of 70
  CHECK(run({{100'000, 100, 0}, {128 * 34, 34, 34}}) == "0+2");
  CHECK(run({{100'000, 100, 0}, {128 * 17, 17, 17}, {128 * 17, 17, 17}}) == "0+3");
  CHECK(run({{100'000, 100, 0}, {128 * 500, 500, 500}}) == "0+2"); // more than there are
  CHECK(run({{344, 0, 0}, {128 * 500, 500, 500}}) == "0+2");
  CHECK(run({{100'000, 100, 100}}) == "-"); // there is nothing to merge it with
}

TEST_CASE("compaction_policy: all is merged before the flushes to come make it too much") {
  const compaction_policy two_ahead{4, 1.0, 0.9, 2};
  CHECK(run(sizes({100, 70}), two_ahead, 10) == "-"); // and 2 of 10
  CHECK(run(sizes({100, 71}), two_ahead, 10) == "0+2");
  CHECK(run(sizes({100, 60, 11}), two_ahead, 10) == "0+3");
  CHECK(run(sizes({100, 30, 30, 10}), two_ahead, 10) == "-");
  CHECK(run(sizes({1, 1'000}), compaction_policy::never()) == "-");
}

TEST_CASE("compaction_policy: asked again after each merge, it comes to an end") {
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    INFO("seed " << seed);
    splitmix random(seed);
    const compaction_policy p{2 + random.below(8), 0.5 + static_cast<double>(random.below(3)),
                              0.1 + static_cast<double>(random.below(10)) / 10,
                              static_cast<double>(random.below(4))};
    std::vector<segment_size> s;
    for (std::uint64_t n = random.below(40); n != 0; --n) {
      const std::uint64_t records = random.below(1ULL << random.below(20));
      s.push_back({340 + records * (128 + random.below(1'000)), records,
                   records == 0 ? 0 : random.below(records)});
    }
    while (const auto r = next_compaction(s, random.below(1'000), p)) {
      REQUIRE(r->count >= 2);
      REQUIRE(r->first + r->count <= s.size());
      const auto first = s.begin() + static_cast<std::ptrdiff_t>(r->first);
      for (std::size_t i = 1; i != r->count; ++i) {
        first->bytes += first[1].bytes;
        first->records += first[1].records;
        first->forgotten += first[1].forgotten;
        s.erase(first + 1);
      }
    }
  }
}

TEST_CASE(
  "compaction_policy: random parts replaced: what is written and kept stays within bounds") {
  struct expectation {
    std::uint64_t flushes; // that the store takes
    double written;
    double space;
    std::size_t segments;
  };
  // As simulated, with a few percent of room.
  for (const expectation& e : {expectation{4, 3.4, 1.60, 3},
                               {8, 2.8, 1.65, 6},
                               {16, 3.0, 1.75, 8},
                               {64, 3.7, 1.77, 10},
                               {256, 4.7, 1.78, 12}}) {
    simulated_store s = filled(e.flushes);
    splitmix random(e.flushes);
    for (std::uint64_t round = 0; round != 10 * e.flushes; ++round) {
      for (std::uint64_t i = 0; i != flush_records; ++i)
        s.learn(random.below(e.flushes * flush_records));
      s.flush();
    }
    s.print(("replacing parts of " + std::to_string(e.flushes) + " flushes").c_str());
    CHECK(s.write_amplification() <= e.written);
    CHECK(s.space_peak() <= e.space);
    CHECK(s.segments_peak() <= e.segments);
  }
}

TEST_CASE("compaction_policy: mostly the same parts replaced cost less") {
  simulated_store s = filled(64);
  splitmix random(1);
  for (std::uint64_t round = 0; round != 640; ++round) {
    for (std::uint64_t i = 0; i != flush_records; ++i)
      s.learn(random.below(64 * flush_records) / (random.one_in(10) ? 1 : 10));
    s.flush();
  }
  s.print("a tenth of 64 flushes, mostly");
  CHECK(s.write_amplification() <= 2.5);
  CHECK(s.space_peak() <= 1.86);
}

TEST_CASE("compaction_policy: a store that only grows is written a few times") {
  simulated_store s({});
  for (std::uint64_t id = 0; id != 256 * flush_records; ++id) {
    s.learn(id);
    if ((id + 1) % flush_records == 0)
      s.flush();
  }
  s.print("growing to 256 flushes");
  CHECK(s.write_amplification() <= 4.5);
  CHECK(s.space_peak() <= 1.01);
  CHECK(s.segments_peak() <= 12);
}

TEST_CASE("compaction_policy: what is forgotten gives its space back") {
  simulated_store s = filled(64);
  for (std::uint64_t id = 0; id != 58 * flush_records; ++id) {
    s.forget(id);
    if ((id + 1) % flush_records == 0)
      s.flush();
  }
  s.print("forgetting nine tenths of 64 flushes");
  CHECK(s.space_peak() <= 1.95); // with the last of it a flush is a sixth of what is left
  CHECK(s.space_settled_peak() <= 1.86);
}

TEST_CASE("compaction_policy: what is learned and soon forgotten does not pile up") {
  simulated_store s = filled(32);
  std::uint64_t id = 32 * flush_records;
  for (std::uint64_t round = 0; round != 640; ++round) {
    for (std::uint64_t i = 0; i != flush_records; ++i, ++id) {
      s.learn(id);
      s.forget(id - 2 * flush_records);
    }
    s.flush();
  }
  s.print("the newest of 32 flushes, in and out");
  CHECK(s.write_amplification() <= 4.5);
  CHECK(s.space_peak() <= 1.4);
}
