// Writers, readers, awaits and the reconciler at once: what a reader sees holds together at any
// moment.

#include "storage/engine.hpp"
#include "tests/catch.hpp"
#include "tests/storage/builder_fixture.hpp"
#include "tests/storage/model.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace cmem;
using namespace std::chrono_literals;
using cmem::test::cid;

namespace {

constexpr std::uint64_t ids = 600; // of each writer, whose own they are

std::string content_of(std::uint64_t n) {
  return std::string(1 + n % 200, 'a') + std::to_string(n);
}

std::uint64_t number_of(const concept_id& id) {
  std::uint64_t n = 0;
  for (std::size_t i = 8; i < 16; ++i)
    n = n << 8 | id.bytes[i];
  return n;
}

/// Reconciles when woken, or every few milliseconds, until the memory is closed and empty.
class reconciling_thread {
public:
  explicit reconciling_thread(engine_options o) {
    o.on_wake = [this] {
      const std::lock_guard lock(mutex_);
      woken_ = true;
      changed_.notify_one();
    };
    memory = std::move(engine::create(std::move(o))).value();
    thread_ = std::thread([this] { run(); });
  }
  ~reconciling_thread() { finish(); }
  void finish() {
    memory->close();
    if (thread_.joinable())
      thread_.join();
  }
  std::unique_ptr<engine> memory;

private:
  void run() {
    for (;;) {
      const auto report = memory->reconcile();
      if (report.more_pending)
        continue;
      if (memory->closed() && memory->reconcile().entries == 0)
        return;
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, 2ms, [this] { return woken_; });
      woken_ = false;
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false; // guarded by mutex_
  std::thread thread_;
};

/// Steps of half a second, however little time passes: lists settle while readers are at work.
std::function<timestamp_us()> hurried_clock() {
  return [at = std::make_shared<std::atomic<timestamp_us>>(1'000'000)] {
    return at->fetch_add(500'000, std::memory_order_relaxed); // nothing hangs on the order
  };
}

/// Until more than `before` lists have been packed, which readers then meet.
void await_packing(const engine& memory, std::uint64_t before) {
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (memory.stats().lists_packed == before && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  CHECK(memory.stats().lists_packed > before);
}

struct tally {
  std::uint64_t applied = 0;
  std::uint64_t dropped = 0;
  std::uint64_t failed = 0;
  std::uint64_t refused = 0;
};

/// Learns, links, forgets in ids of its own, with a seed of its own; awaits some.
std::vector<ticket> write_burst(engine& memory, std::uint64_t seed, std::size_t operations,
                                std::uint64_t& refused) {
  const std::uint64_t writer = seed % 3;
  std::minstd_rand random(static_cast<std::uint32_t>(seed + 1));
  std::vector<ticket> tickets;
  const auto any = [&] { return writer * ids + random() % ids; };
  for (std::size_t i = 0; i < operations; ++i) {
    const std::uint64_t n = any();
    const std::string content = content_of(n);
    result<ticket> t = failure{errc::internal, ""};
    switch (random() % 8) {
      case 0: t = memory.write(op::forget_concept{cid(n)}); break;
      case 1: t = memory.write(op::strengthen{cid(n), 1.0F}); break;
      case 2:
      case 3:
      case 4: t = memory.write(op::learn_association{cid(n), cid(random() % (3 * ids))}); break;
      case 5: {
        const std::vector<write_op> both{op::learn_concept{cid(n), content},
                                         op::learn_association{cid(n), cid(n)}};
        t = memory.learn_batch(both);
        break;
      }
      default: t = memory.write(op::learn_concept{cid(n), content}); break;
    }
    if (t)
      tickets.push_back(*t);
    else
      ++refused;
    if (t && i % 512 == 0 && !memory.await_visible(*t, 60s))
      refused += 1'000'000'000; // shows in the sum
  }
  return tickets;
}

/// What is wrong with what it sees, or "".
std::string look(engine& memory, std::minstd_rand& random, std::uint64_t& last_sequence,
                 timestamp_us& last_time) {
  const auto s = memory.load();
  if (s->sequence() < last_sequence || s->timestamp() < last_time)
    return "number or time went back";
  last_sequence = s->sequence();
  last_time = s->timestamp();
  for (int i = 0; i < 20; ++i) {
    const std::uint64_t n = random() % (3 * ids);
    const auto c = s->find(cid(n));
    if (!c)
      continue;
    if (c->content() != content_of(n))
      return "another concept's content";
    if (s->find(cid(n))->index() != c->index())
      return "found twice, at two places";
    bool ok = true;
    const auto mirrored = [&](std::uint32_t t) {
      bool found = false;
      s->in(t).for_each_target([&](std::uint32_t back) { found = found || back == c->index(); });
      return found;
    };
    s->out(c->index()).for_each_target([&](std::uint32_t t) {
      ok = ok && t < s->index_count() && s->node(t).state != node_vacant && mirrored(t)
           && (!s->is_learned(t) || s->at(t).content() == content_of(number_of(s->node(t).id)));
    });
    if (!ok)
      return "an association without its other end";
  }
  return "";
}

} // namespace

TEST_CASE("R1, R2, W4: writers, readers and the reconciler at once") {
  const overflow_policy policy = GENERATE(overflow_policy::drop_oldest, overflow_policy::reject);
  const auto [parallel_entries_min, packs] =
    GENERATE(std::pair(std::size_t{20'000}, false), std::pair(std::size_t{2}, false),
             std::pair(std::size_t{20'000}, true));
  reconciling_thread r({.log_capacity = 2'000,
                        .overflow = policy,
                        .batch_entries_max = 300,
                        .parallel_entries_min = parallel_entries_min,
                        .pack_associations = packs,
                        .arena_bytes = std::size_t{256} << 20,
                        .settlement_history = 1'000'000,
                        .clock = packs ? hurried_clock() : nullptr});
  engine& memory = *r.memory;
  const std::size_t rounds = 4; // with packing in between
  const std::size_t operations = cmem::test::sweep(24'000) / rounds * rounds;
  std::vector<std::vector<ticket>> tickets(3);
  std::vector<std::uint64_t> refused(3, 0);
  std::atomic<bool> done{false};
  std::vector<std::string> wrong(2);
  std::vector<std::thread> readers;
  for (std::uint32_t i = 0; i < 2; ++i)
    readers.emplace_back([&, i] {
      std::minstd_rand random(i + 100);
      std::uint64_t sequence = 0;
      timestamp_us time = 0;
      std::vector<std::pair<snapshot_handle, std::string>> kept; // and read again later
      for (std::uint64_t n = 0; wrong[i].empty() && !done.load(); ++n) {
        wrong[i] = look(memory, random, sequence, time);
        if (n % 64 == 0) {
          const auto s = memory.share();
          const auto c = s->find(cid(n % (3 * ids)));
          kept.emplace_back(s, c ? std::string(c->content()) : "");
        }
        if (kept.size() == 4) {
          for (const auto& [s, content] : kept)
            if (!content.empty())
              if (std::string digits = content.substr(content.find_first_not_of('a'));
                  s->find(cid(std::stoull(digits)))->content() != content)
                wrong[i] = "a held snapshot changed";
          kept.clear();
        }
      }
    });
  for (std::size_t round = 0; round != rounds; ++round) {
    const std::uint64_t packed = memory.stats().lists_packed; // it may go on before all have joined
    std::vector<std::thread> writers;
    for (std::uint64_t w = 0; w < 3; ++w)
      writers.emplace_back([&, w] {
        const auto more = write_burst(memory, round * 3 + w, operations / rounds, refused[w]);
        tickets[w].insert(tickets[w].end(), more.begin(), more.end());
      });
    for (std::thread& t : writers)
      t.join();
    if (packs)
      await_packing(memory, packed);
  }
  done = true;
  for (std::thread& t : readers)
    t.join();
  r.finish();
  CHECK(wrong == std::vector<std::string>(2));
  // W3: every entry is accounted for.
  const auto s = memory.load();
  tally sum;
  for (std::size_t w = 0; w < 3; ++w) {
    sum.refused += refused[w];
    for (const ticket& t : tickets[w])
      switch (s->outcome(t).what) {
        case fate::applied: ++sum.applied; break;
        case fate::dropped: ++sum.dropped; break;
        case fate::failed: ++sum.failed; break;
        default: FAIL("a ticket without a fate");
      }
  }
  CHECK(sum.applied + sum.dropped + sum.failed + sum.refused == 3 * operations);
  const auto figures = memory.stats();
  if (std::thread::hardware_concurrency() > 1)
    CHECK((figures.parallel_parts != 0) == (parallel_entries_min == 2));
  CHECK(figures.log.written == figures.entries_processed + figures.log.dropped);
  CHECK(s->sequence() == figures.entries_processed);
  if (policy == overflow_policy::reject)
    CHECK(sum.dropped == 0);
  else
    CHECK(sum.refused == 0);
  CHECK(cmem::test::text_of(*s).find("differ") == std::string::npos);
}
