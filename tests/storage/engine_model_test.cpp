// The engine against a sequential model: any operations, cut into any batches, with old snapshots
// held; and the same with a store that is flushed, compacted, opened again and cut off in between.

#include "storage/engine.hpp"
#include "tests/catch.hpp"
#include "tests/fault_env.hpp"
#include "tests/storage/model.hpp"
#include "tests/storage/operations.hpp"

#include <rapidcheck.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace cmem;
using namespace cmem::test;

namespace {

struct held_snapshot {
  snapshot_handle handle;
  std::string text;
};

/// A model, and an engine with a store that it is compared with.
class stored_memory {
public:
  explicit stored_memory(std::uint64_t code) : disk_(std::make_shared<fault_env>(code)) {
    decoder d(code);
    options_.vector_dimension = vector_values.size();
    options_.arena_bytes = std::size_t{16} << 20;
    options_.log_capacity = 200;
    options_.overflow = overflow_policy::reject;
    options_.clock = [this] { return now_; };
    store_options s;
    s.files = env(disk_);
    s.directory = "/s";
    s.log = {wal_file_bytes_min, 1};
    s.map_flushed = d.below(2) != 0;
    s.compaction.fan_in = 2 + d.below(2);
    if (d.below(2) != 0)
      s.compaction.garbage_max = 0.01;
    options_.store = s;
    options_.pack_associations = d.below(2) != 0; // a few ticks later
    open();
    begin_from(0);
  }
  ~stored_memory() { held_.clear(); }

  void tick() { now_ += options_.pack_associations ? 300'000 : 10; }
  void write(const write_op& o) {
    const auto t = memory_->write(o);
    RC_ASSERT(t.has_value());
    pending_.emplace_back(*t, expected_.apply(o, now_));
  }
  void learn_batch(const std::vector<write_op>& ops) {
    const auto t = memory_->learn_batch(ops);
    RC_ASSERT(t.has_value());
    pending_.emplace_back(*t, expected_.apply_batch(ops, now_));
  }
  /// Merges what was written; then all is as the model has it, and as it was.
  void check(std::uint32_t dropped) {
    reconcile();
    const auto s = memory_->share();
    for (const auto& [t, e] : pending_) {
      const settlement want =
        e == errc::ok ? settlement{fate::applied, errc::ok} : settlement{fate::failed, e};
      RC_ASSERT(s->outcome(t) == want);
    }
    pending_.clear();
    const std::string text = text_of(*s);
    RC_ASSERT(difference(text, expected_.text()) == "");
    held_.push_back({s, text});
    if (held_.size() > 3)
      held_.erase(held_.begin() + dropped % 3);
    for (const held_snapshot& h : held_)
      RC_ASSERT(text_of(*h.handle) == h.text);
  }
  void commit() {
    const auto done = memory_->commit();
    RC_ASSERT(done.has_value());
    durable_ = std::min(*done, last_);
  }
  void flush() {
    memory_->ask_for_flush();
    reconcile();
    const auto done = memory_->flush();
    RC_ASSERT(done.has_value());
    durable_ = std::min(memory_->stats().store.durable_sequence, last_);
  }
  /// So many steps: one that began goes on with the next call, whatever comes in between.
  void compact(std::uint32_t steps) {
    for (bool more = true; more && steps != 0; --steps) {
      const auto done = memory_->compact(500);
      RC_ASSERT(done.has_value());
      more = *done;
    }
  }
  void close() {
    memory_->close();
    reconcile();
    RC_ASSERT(memory_->close_store().has_value());
    memory_.reset();
    open();
    begin_from(memory_->recovery().log_sequence);
  }
  /// The process dies (0), or the power goes. What was durable is there, and what comes with it is
  /// the state of some snapshot.
  void cut(std::uint64_t seed) {
    if (seed == 0)
      disk_->kill();
    else
      disk_->power_cut(seed);
    memory_.reset();
    open();
    const std::uint64_t found = memory_->recovery().log_sequence;
    RC_LOG() << "found " << found << ", durable " << durable_ << "\n";
    RC_ASSERT(found >= durable_);
    RC_ASSERT(before_.contains(found));
    expected_ = before_.at(found);
    begin_from(found);
  }

private:
  void open() {
    auto made = engine::create(options_);
    if (!made)
      RC_FAIL(to_string(made.error()));
    memory_ = std::move(*made);
  }
  /// All of the store is on the disk, and this is what it shows.
  void begin_from(std::uint64_t durable) {
    durable_ = last_ = durable;
    before_ = {{durable, expected_}, {memory_->share()->sequence(), expected_}};
    pending_.clear();
  }
  void reconcile() {
    while (memory_->reconcile().entries != 0)
      last_ = memory_->share()->sequence();
    (void) memory_->reconcile(); // what a flush or a compaction handed over
    before_.insert_or_assign(memory_->share()->sequence(), expected_);
  }

  timestamp_us now_ = 1'000;
  std::shared_ptr<fault_env> disk_;
  engine_options options_;
  std::unique_ptr<engine> memory_;
  model expected_;
  std::uint64_t last_ = 0;                // that an entry has: an opening may skip numbers
  std::uint64_t durable_ = 0;             // of these
  std::map<std::uint64_t, model> before_; // by sequence: what a crash may leave
  std::vector<std::pair<ticket, errc>> pending_;
  std::vector<held_snapshot> held_;
};

std::vector<write_op> next_few(const std::vector<std::uint64_t>& codes, std::size_t& i,
                               std::uint64_t actions, std::array<contents, 4>& texts) {
  std::vector<write_op> ops;
  for (std::size_t k = 0; k < texts.size() && i + 1 < codes.size(); ++k)
    ops.push_back(operation(codes[++i] / actions, texts[k]));
  return ops;
}

/// Random operations in random batches, merged by so many threads. How many parts two of them
/// merged.
std::uint64_t check_fold(std::size_t runs, std::uint32_t merge_threads) {
  rc::detail::TestParams params = rc::detail::configuration().testParams;
  params.maxSuccess = static_cast<int>(runs);
  params.maxSize = 100;
  std::uint64_t parts = 0;
  const auto property = [merge_threads, &parts] {
    const auto codes = *rc::gen::container<std::vector<std::uint64_t>>(
      static_cast<std::size_t>(*rc::gen::inRange(100, 160)),
      rc::gen::inRange<std::uint64_t>(0, ~0ULL));
    timestamp_us now = 1'000;
    engine_options options;
    options.vector_dimension = vector_values.size();
    options.arena_bytes = std::size_t{16} << 20;
    options.log_capacity = 200; // each costs a block made ready: most of a short run's time
    options.overflow = overflow_policy::reject;
    options.clock = [&now] { return now; };
    options.merge_threads = merge_threads;
    options.parallel_entries_min = 1 + codes.size() % 4;
    auto made = engine::create(options);
    RC_ASSERT(made.has_value());
    engine& memory = **made;
    model expected;
    std::vector<held_snapshot> held;
    std::vector<std::pair<ticket, errc>> pending;
    for (std::size_t i = 0; i < codes.size(); ++i) {
      now += 10;
      decoder d(codes[i]);
      const std::uint32_t action = d.below(8);
      if (action == 1 || action == 2) { // the next few, as a batch or together
        std::array<contents, 4> texts;
        const auto ops = next_few(codes, i, 8, texts);
        if (ops.empty())
          continue;
        const auto t = action == 1 ? memory.learn_batch(ops) : memory.write_together(ops);
        RC_ASSERT(t.has_value());
        if (action == 1)
          pending.emplace_back(*t, expected.apply_batch(ops, now));
        else
          for (std::uint64_t k = 0; k < ops.size(); ++k)
            pending.emplace_back(ticket{t->number + k, t->writer, t->memory},
                                 expected.apply(ops[k], now));
      } else if (action != 0) {
        contents c;
        const write_op o = operation(codes[i] / 8, c);
        const auto t = memory.write(o);
        RC_ASSERT(t.has_value());
        pending.emplace_back(*t, expected.apply(o, now));
      }
      if (action == 7 || i + 1 == codes.size()) {
        (void) memory.reconcile();
        const auto s = memory.share();
        for (const auto& [t, e] : pending) {
          const settlement want =
            e == errc::ok ? settlement{fate::applied, errc::ok} : settlement{fate::failed, e};
          const settlement got = s->outcome(t);
          RC_LOG() << "ticket " << t.number << ": " << to_string(got.reason) << ", expected "
                   << to_string(want.reason) << "\n";
          RC_ASSERT(got == want);
        }
        const std::string text = text_of(*s);
        RC_ASSERT(difference(text, expected.text()) == "");
        pending.clear();
        held.push_back({s, text});
        if (held.size() > 3)
          held.erase(held.begin() + d.below(3));
        for (const held_snapshot& h : held)
          RC_ASSERT(text_of(*h.handle) == h.text);
      }
    }
    parts += memory.stats().parallel_parts;
  };
  const auto outcome = rc::detail::checkTestable(property, rc::detail::TestMetadata{}, params);
  INFO("seed " << params.seed);
  rc::detail::printResultMessage(outcome, std::cerr);
  CHECK(outcome.template is<rc::detail::SuccessResult>());
  return parts;
}

} // namespace

TEST_CASE("snapshots are the fold of the entries that were applied", "[engine]") {
  CHECK(check_fold(cmem::test::sweep(10'000), 1) == 0);
}

TEST_CASE("the same where two threads merge", "[engine]") {
  const std::size_t runs = cmem::test::sweep(2'000);
  const std::uint64_t parts = check_fold(runs, 2);
  if (std::thread::hardware_concurrency() > 1)
    CHECK(parts > runs); // or it missed its point
}

TEST_CASE("the same with a store, flushed, compacted and opened again in between", "[engine]") {
  const auto runs = cmem::test::sweep(1'000);
  rc::detail::TestParams params = rc::detail::configuration().testParams;
  params.maxSuccess = static_cast<int>(runs);
  params.maxSize = 100;
  const auto property = [] {
    constexpr std::uint32_t actions = 20;
    const auto codes = *rc::gen::container<std::vector<std::uint64_t>>(
      static_cast<std::size_t>(*rc::gen::inRange(100, 160)),
      rc::gen::inRange<std::uint64_t>(0, ~0ULL));
    stored_memory memory(codes[0]);
    for (std::size_t i = 1; i < codes.size(); ++i) {
      memory.tick();
      const std::uint64_t code = codes[i] / actions;
      const auto some = static_cast<std::uint32_t>(code % 1'000);
      switch (codes[i] % actions) {
        case 0: break;
        case 1: {
          std::array<contents, 4> texts;
          if (const auto ops = next_few(codes, i, actions, texts); !ops.empty())
            memory.learn_batch(ops);
          break;
        }
        case 2: memory.check(some); break;
        case 3: memory.commit(); break;
        case 4:
        case 5: memory.flush(); break;
        case 6: memory.compact(some % 4); break;
        case 7: memory.compact(1'000); break;
        case 8: memory.close(); break;
        case 9: memory.cut(some % 3); break;
        default: {
          contents c;
          memory.write(operation(code, c));
          continue; // not alone: nothing is merged yet
        }
      }
      memory.check(some);
    }
    memory.check(0);
  };
  const auto outcome = rc::detail::checkTestable(property, rc::detail::TestMetadata{}, params);
  INFO("seed " << params.seed);
  rc::detail::printResultMessage(outcome, std::cerr);
  CHECK(outcome.template is<rc::detail::SuccessResult>());
}
