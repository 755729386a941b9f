#pragma once
// What the tests of the builder's parts share: versions that are published and held, and a builder
// without log or engine.

#include "storage/entry_maker.hpp"
#include "storage/graph_builder.hpp"
#include "tests/catch.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace cmem::test {

/// Concept n of a test.
inline concept_id cid(std::uint64_t n) { return concept_id::from_halves(0, n); }

/// Pools with a reclaimer, and the versions that have been published and are held.
class version_fixture {
public:
  explicit version_fixture(std::size_t arena_bytes = std::size_t{1} << 30)
    : memory(arena_bytes), pages(memory) {}

  /// The version being built was published; what nobody sees any more is freed.
  void publish() {
    pages.keep();
    published_.push_back(version++);
    settle();
  }
  void hold(std::uint64_t v) { held_.insert(v); }
  void release(std::uint64_t v) { held_.erase(v); }

  arena memory;
  page_pool pages;
  reclaimer retired;
  std::uint64_t version = 1; // being built

private:
  void settle() {
    std::vector<std::uint64_t> live;
    std::vector<std::uint64_t> dead;
    const std::uint64_t newest = published_.back();
    published_.pop_back();
    for (const std::uint64_t v : published_)
      (held_.contains(v) ? live : dead).push_back(v);
    published_ = live;
    published_.push_back(newest);
    const auto free = [this](const retired_object& o) {
      pages.release(o.object, o.size, static_cast<page_use>(o.use));
    };
    retired.settle(live, dead, free, [](const retired_object&) {});
  }

  std::vector<std::uint64_t> published_; // and not yet out of use
  std::set<std::uint64_t> held_;
};

/// A builder fed by hand. Entries go straight from write() into the next version.
class builder_fixture {
public:
  explicit builder_fixture(graph_builder_options options = {},
                           std::size_t arena_bytes = std::size_t{1} << 30)
    : memory(arena_bytes),
      payloads(memory),
      pages(memory),
      builder(pages, payloads, std::move(options), settlement_log(1, 1).publish()) {}
  ~builder_fixture() { release_entries(); }

  void write(const write_op& o) { entries_.push_back(make(o)); }
  void write_batch(const std::vector<write_op>& ops) {
    handle last = 0;
    for (const write_op& o : ops) {
      const handle h = make(o);
      if (last == 0)
        entries_.push_back(h);
      else
        entry(last).next = h;
      last = h;
    }
    entry(entries_.back()).batch_count = static_cast<std::uint32_t>(ops.size());
  }
  /// Merges what was written; the reasons of those that failed, in order.
  std::vector<errc> merge() {
    std::vector<errc> failed;
    builder.merge(entries_, [&](const write_entry&, errc why) { failed.push_back(why); });
    return failed;
  }
  /// Merges and publishes what was written.
  std::vector<errc> publish() {
    auto failed = merge();
    publish_merged();
    return failed;
  }
  void publish_merged() {
    (void) builder.publish(++sequence_, now, settlement_log(1, 1).publish());
    release_entries();
    reclaim();
  }
  /// Takes a merge back, and drops what was written.
  void discard() {
    builder.discard();
    release_entries();
  }
  errc apply(const write_op& o) {
    write(o);
    const auto failed = publish();
    return failed.empty() ? errc::ok : failed.front();
  }
  /// Keeps the newest snapshot until let_go().
  const graph_snapshot& hold() {
    held_.insert(&builder.newest());
    return builder.newest();
  }
  void let_go(const graph_snapshot& s) { held_.erase(&s); }
  void reclaim() {
    std::vector<bool> in_use;
    for (const graph_snapshot* s : builder.live())
      in_use.push_back(s == builder.live().back() || held_.contains(s));
    builder.reclaim(in_use);
  }
  [[nodiscard]] const graph_snapshot& newest() const { return builder.newest(); }
  [[nodiscard]] write_entry& entry(handle h) {
    return *reinterpret_cast<write_entry*>(payloads.data(h));
  }
  [[nodiscard]] const std::vector<handle>& entries() const { return entries_; }
  void release_entries() {
    for (const handle first : entries_)
      for_each_block(payloads, first, [this](handle h) { payloads.release(h); });
    entries_.clear();
  }

  arena memory;
  payload_pool payloads;
  page_pool pages;
  graph_builder builder;
  timestamp_us now = 1'000;

private:
  handle make(const write_op& o) {
    const handle h = make_entry(payloads, o, {++number_, 0, now});
    REQUIRE(h != 0);
    return h;
  }

  std::vector<handle> entries_;
  std::set<const graph_snapshot*> held_;
  std::uint64_t number_ = 0;
  std::uint64_t sequence_ = 0;
};

} // namespace cmem::test
