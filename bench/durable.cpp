#include "actors/concurrent_memory.hpp"
#include "bench/benches.hpp"
#include "bench/durable_peer.hpp"
#include "bench/scratch_directory.hpp"
#include "bench/workbench.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <latch>
#include <mutex>
#include <thread>

namespace cmem::bench {
namespace {

constexpr std::size_t content_bytes = 100;
constexpr std::size_t batch = 1'000;
constexpr std::array peers_known = {"rocksdb", "lmdb", "sqlite"};

/// Ids that were not there before, of all threads and windows.
std::atomic<std::uint64_t> ids_taken{0};
concept_id fresh_id() { return id_of(ids_taken.fetch_add(1, std::memory_order_relaxed)); }

/// Runs `work(seconds)` on so many threads at once; it answers what it got acknowledged. All of
/// that, a second. Clients have threads of their own everywhere: nobody's is the one that measures.
double rate_of(std::size_t threads, double seconds,
               const std::function<std::uint64_t(std::size_t, double)>& work) {
  std::latch ready(static_cast<std::ptrdiff_t>(threads) + 1);
  std::atomic<std::uint64_t> acknowledged{0};
  std::mutex mutex;
  std::exception_ptr failed; // guarded by mutex
  std::vector<std::thread> all;
  for (std::size_t t = 0; t < threads; ++t)
    all.emplace_back([&, t] {
      ready.arrive_and_wait();
      try {
        acknowledged += work(t, seconds);
      } catch (...) {
        const std::lock_guard lock(mutex);
        failed = std::current_exception();
      }
    });
  ready.arrive_and_wait();
  stopwatch watch;
  for (auto& t : all)
    t.join();
  const double took = watch.seconds();
  if (failed)
    std::rethrow_exception(failed);
  return static_cast<double>(acknowledged) / took;
}

// -- ours

/// What is written and not acknowledged yet. Threads: count() from any; the rest from one.
class in_flight {
public:
  /// Waits until fewer than `most` are.
  void await_below(std::uint64_t most) {
    for (auto seen = acknowledged_.load(std::memory_order_acquire); written_ - seen >= most;
         seen = acknowledged_.load(std::memory_order_acquire))
      acknowledged_.wait(seen, std::memory_order_acquire);
  }
  void add() noexcept { ++written_; }
  /// What the memory calls. A write that is not on the disk is counted apart.
  void count(const result<settlement>& s) {
    if (!s || s->what != fate::applied)
      lost_.fetch_add(1, std::memory_order_relaxed);
    acknowledged_.fetch_add(1, std::memory_order_release); // pairs with await_below()
    acknowledged_.notify_one();
  }
  [[nodiscard]] std::uint64_t done() {
    await_below(1);
    if (lost_.load(std::memory_order_relaxed) != 0)
      throw std::runtime_error("a write was not made durable");
    return written_;
  }

private:
  std::uint64_t written_ = 0;
  std::atomic<std::uint64_t> acknowledged_{0};
  std::atomic<std::uint64_t> lost_{0};
};

/// `outstanding` writes in flight, each acknowledged by itself, a new one when one is.
std::uint64_t write_singly(concurrent_memory& memory, std::uint64_t outstanding, double seconds) {
  const std::string content(content_bytes, 'c');
  in_flight flying;
  for (stopwatch watch; watch.seconds() < seconds;) {
    flying.await_below(outstanding);
    const auto t = or_throw(memory.learn_concept(fresh_id(), content));
    flying.add();
    memory.on_durable(t, [&flying](const result<settlement>& s) { flying.count(s); });
  }
  return flying.done();
}

/// One learn_batch in flight: what the peers' transactions are.
std::uint64_t write_batches(concurrent_memory& memory, double seconds) {
  const std::string content(content_bytes, 'c');
  std::uint64_t written = 0;
  std::vector<write_op> ops;
  for (stopwatch watch; watch.seconds() < seconds; written += batch) {
    ops.clear();
    for (std::size_t i = 0; i < batch; ++i)
      ops.emplace_back(op::learn_concept{.id = fresh_id(), .content = content});
    const auto settled = or_throw(memory.await_durable(or_throw(memory.learn_batch(ops))));
    if (settled.what != fate::applied)
      throw std::runtime_error("a batch was not made durable");
  }
  return written;
}

// -- theirs

std::uint64_t put_singly(peer_client& client, double seconds) {
  const std::string content(content_bytes, 'c');
  std::uint64_t written = 0;
  for (stopwatch watch; watch.seconds() < seconds; ++written)
    client.put(fresh_id(), content);
  return written;
}

std::uint64_t put_batches(peer_client& client, double seconds) {
  const std::string content(content_bytes, 'c');
  std::uint64_t written = 0;
  std::vector<concept_id> ids(batch);
  for (stopwatch watch; watch.seconds() < seconds; written += batch) {
    std::generate(ids.begin(), ids.end(), fresh_id);
    client.put_all(ids, content);
  }
  return written;
}

// -- the machine

/// One 4 KiB write and one sync at a time, into a file that has its blocks already.
class bare_disk {
public:
  explicit bare_disk(const std::string& path)
    : file_(or_throw(env().open(path, open_mode::create_new))) {
    check(file_.zero(0, file_bytes));
    check(file_.sync());
  }
  std::uint64_t write(double seconds) {
    const std::vector<std::byte> page(page_bytes, std::byte{1});
    std::uint64_t written = 0;
    for (stopwatch watch; watch.seconds() < seconds; ++written) {
      check(file_.write_at(const_bytes(page), at_));
      check(file_.sync());
      at_ = (at_ + page_bytes) % file_bytes;
    }
    return written;
  }

private:
  static constexpr std::uint64_t page_bytes = 4096;
  static constexpr std::uint64_t file_bytes = std::uint64_t{64} << 20;
  static void check(const result<void>& done) {
    if (!done)
      throw std::runtime_error(to_string(done.error()));
  }

  file file_;
  std::uint64_t at_ = 0;
};

// -- together

struct measured {
  std::string name;
  double rate = 0;
};

struct level_figures {
  double ours = 0;
  double ours_in_batches = 0; ///< 0: not measured
  double disk = 0;
  std::vector<measured> peers;
  std::vector<std::string> settings; ///< of the peers
};

std::unique_ptr<concurrent_memory> open_memory(const std::string& path) {
  config c;
  c.storage_path = path;
  c.durability = durability::sync;
  return or_throw(concurrent_memory::open(std::move(c)));
}

/// Fresh stores of everybody, side by side, in windows that take turns.
level_figures measure(const scratch_directory& scratch, std::size_t outstanding, double seconds) {
  const std::string level = std::to_string(outstanding);
  const bool batched = outstanding == batch;
  const auto memory = open_memory(scratch.at("cmem-" + level));
  bare_disk disk(scratch.at("bare-" + level));
  std::vector<std::unique_ptr<durable_peer>> peers;
  std::vector<std::vector<std::unique_ptr<peer_client>>> clients; // go before their peers
  for (const char* const known : peers_known) {
    auto peer = open_peer(known, scratch.at(known + ("-" + level)));
    if (!peer)
      continue;
    auto& of_it = clients.emplace_back();
    for (std::size_t t = 0; t < (batched ? 1 : outstanding); ++t)
      of_it.push_back(peer->connect());
    peers.push_back(std::move(peer));
  }
  std::vector<window> windows;
  windows.emplace_back([&] {
    return rate_of(1, seconds,
                   [&](std::size_t, double s) { return write_singly(*memory, outstanding, s); });
  });
  windows.emplace_back(
    [&] { return rate_of(1, seconds, [&](std::size_t, double s) { return disk.write(s); }); });
  for (auto& of_one : clients)
    windows.emplace_back([&] {
      return rate_of(of_one.size(), seconds, [&](std::size_t t, double s) {
        return batched ? put_batches(*of_one[t], s) : put_singly(*of_one[t], s);
      });
    });
  if (batched)
    windows.emplace_back([&] {
      return rate_of(1, seconds, [&](std::size_t, double s) { return write_batches(*memory, s); });
    });
  const auto medians = take_turns(windows);
  level_figures f{medians[0], batched ? medians.back() : 0, medians[1], {}, {}};
  for (std::size_t i = 0; i < peers.size(); ++i)
    f.peers.push_back({peers[i]->name(), medians[2 + i]});
  for (const auto& p : peers)
    f.settings.push_back(p->name() + ": " + p->settings());
  clients.clear();
  return f;
}

} // namespace

outcome durable(const options& options) {
  outcome o;
  const scratch_directory scratch(options);
  const double seconds = std::clamp(0.5 * options.scale, 0.02, 5.0);
  const auto best_of = [](const level_figures& f, std::string_view only) {
    measured best;
    for (const measured& m : f.peers)
      if (m.name.starts_with(only) && m.rate > best.rate)
        best = m;
    return best;
  };
  const auto add = [&](const std::string& name, double value, const measured& against,
                       double at_least) {
    row r{name, value, "writes/s", against.name, against.rate, std::nullopt};
    if (!against.name.empty())
      r.bar = ratio_at_least(at_least);
    o.rows.push_back(std::move(r));
  };
  const level_figures one = measure(scratch, 1, seconds);
  const level_figures some = measure(scratch, 16, seconds);
  const level_figures many = measure(scratch, batch, seconds);
  add("1 outstanding", one.ours, best_of(one, "RocksDB"), 0.8);
  add("16 outstanding", some.ours, best_of(some, "RocksDB"), 1.5);
  add("1,000 outstanding", many.ours, best_of(many, ""), 2);
  add("batches of 1,000", many.ours_in_batches, best_of(many, ""), 2);
  o.rows.back().bar.reset();
  const auto show = [&](const level_figures& f, const std::string& how) {
    for (const measured& m : f.peers)
      o.rows.push_back({m.name + how, m.rate, "writes/s"});
    o.rows.push_back({"bare fdatasync of 4 KiB, beside" + how, f.disk, "writes/s"});
  };
  show(one, ", 1 thread");
  show(some, ", 16 threads");
  show(many, ", batches of 1,000");
  o.notes.push_back("16-byte ids, 100 bytes each, acknowledged after the sync; on "
                    + scratch.file_system());
  o.notes.push_back("ours: one client, each write acknowledged by on_durable, level `sync`; "
                    "`batches of 1,000` are learn_batch, one at a time");
  o.notes.insert(o.notes.end(), one.settings.begin(), one.settings.end());
  for (const char* known : {"RocksDB", "LMDB", "SQLite"})
    if (best_of(one, known).name.empty())
      o.notes.push_back(std::string(known) + " is left out: it was not there to build with");
  return o;
}

} // namespace cmem::bench
