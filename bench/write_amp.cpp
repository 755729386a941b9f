#include "bench/benches.hpp"
#include "bench/counted_peer.hpp"
#include "bench/learned_stream.hpp"
#include "bench/scratch_directory.hpp"
#include "bench/stored_graph.hpp"
#include "bench/written_bytes.hpp"
#include "tools/pacer.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <sstream>

namespace cmem::bench {
namespace {

/// What the kernel has counted of this process.
struct process_io {
  double handed_over = 0; ///< bytes of write(2) and its kin
  double to_disk = 0;     ///< of pages that became dirty

  static process_io now() {
    std::ifstream in("/proc/self/io");
    process_io io;
    double value = 0;
    for (std::string key; in >> key >> value;) {
      if (key == "wchar:")
        io.handed_over = value;
      else if (key == "write_bytes:")
        io.to_disk = value;
    }
    return io;
  }
  [[nodiscard]] process_io since(const process_io& before) const {
    return {handed_over - before.handed_over, to_disk - before.to_disk};
  }
};

struct part {
  std::string name;
  double bytes = 0;
};

struct written {
  std::string who;
  double learned = 0;
  std::vector<part> parts;
  process_io kernel;

  [[nodiscard]] double bytes() const {
    double sum = 0;
    for (const part& p : parts)
      sum += p.bytes;
    return sum;
  }
  /// A count that leaves something out would be worth nothing. What nobody counts: few KiB of text
  /// that stores log, and of lists of their files.
  void check() const {
    constexpr double uncounted = 4 << 20;
    if (std::abs(kernel.handed_over - bytes()) > uncounted + 0.02 * bytes())
      throw std::runtime_error(who + " counts " + std::to_string(bytes())
                               + " bytes written, the system "
                               + std::to_string(kernel.handed_over));
  }
};

/// Says how far it is.
class stage {
public:
  stage(const options& o, std::string who, std::uint64_t total)
    : options_(o), who_(std::move(who)), total_(total) {}
  void at(std::uint64_t done) const {
    options_.on_progress(who_ + ": " + std::to_string(done * 100 / total_) + " % learned");
  }
  void merging() const { options_.on_progress(who_ + ": merging"); }

private:
  const options& options_;
  std::string who_;
  std::uint64_t total_;
};

written write_memory(const options& options, const std::string& directory, std::uint64_t concepts) {
  const process_io before = process_io::now();
  const auto counter = std::make_shared<counting_kernel>();
  config c;
  c.storage_path = directory;
  c.files = env(counter);
  c.log = [](log_level, std::string_view) {}; // it lags on purpose
  written w{"the memory", 0, {}, {}};
  {
    const auto memory = or_throw(concurrent_memory::open(std::move(c)));
    learned_stream stream(concepts);
    const stage progress(options, w.who, 2 * concepts);
    ticket last;
    std::uint64_t done = 0;
    for (auto batch = stream.next(); !batch.empty(); batch = stream.next()) {
      constexpr std::int64_t step_back_ns = 500'000;
      auto t = memory->learn_batch(batch);
      for (; !t && t.error().code == errc::overloaded; t = memory->learn_batch(batch))
        tools::wait_until(tools::monotonic_ns() + step_back_ns, 0);
      last = or_throw(std::move(t));
      for (const write_op& o : batch)
        w.learned += static_cast<double>(learned_bytes(o));
      progress.at(done += batch.size());
    }
    await_merged(*memory, last);
    await_merges(*memory, [&] { progress.merging(); });
    const auto closed = memory->close();
    if (closed.store_error.code != errc::ok || closed.not_durable != 0)
      throw std::runtime_error("the memory was not closed well");
    const memory_stats s = memory->stats();
    if (s.snapshot.concept_count != concepts || s.reconciler.entries_failed != 0)
      throw std::runtime_error("the memory holds something else than it was told");
    const auto merged = static_cast<double>(s.storage.compacted_bytes);
    const auto count = [&](written_to what) { return static_cast<double>(counter->written(what)); };
    w.parts = {{"log", count(written_to::log)},
               {"flushes", count(written_to::segments) - merged},
               {"merges", merged},
               {"zeros that log files are made of", count(written_to::log_zeros)},
               {"manifest and lock", count(written_to::manifest) + count(written_to::other)}};
  }
  w.kernel = process_io::now().since(before);
  w.check();
  return w;
}

/// With how it is set up. nullopt: it is not there.
std::optional<std::pair<written, std::string>> write_peer(const options& options,
                                                          const std::string& directory,
                                                          std::uint64_t concepts, bool compressed) {
  const process_io before = process_io::now();
  const auto peer = open_counted_peer(directory, compressed);
  if (!peer)
    return std::nullopt;
  written w{peer->name(), 0, {}, {}};
  const std::string settings = peer->settings();
  learned_stream stream(concepts);
  const stage progress(options, w.who, 2 * concepts);
  std::vector<peer_record> records;
  std::uint64_t done = 0;
  for (auto batch = stream.next(); !batch.empty(); batch = stream.next()) {
    records.resize(batch.size());
    for (std::size_t i = 0; i != batch.size(); ++i) {
      records[i].id = std::get<op::learn_concept>(batch[i]).id.id;
      encode_value(batch[i], records[i].value);
      w.learned += static_cast<double>(learned_bytes(batch[i]));
    }
    peer->put_all(records);
    progress.at(done += batch.size());
  }
  constexpr int calm_looks = 5; // between a flush and what it brings about it may look idle
  constexpr std::int64_t look_every_ns = 100'000'000;
  stopwatch watch;
  for (int calm = 0; calm != calm_looks; calm = peer->busy() ? 0 : calm + 1) {
    if (watch.seconds() > 600)
      throw std::runtime_error(w.who + " still merges after 10 minutes");
    progress.merging();
    tools::wait_until(tools::monotonic_ns() + look_every_ns, 0);
  }
  const peer_written counted = peer->close();
  w.parts = {{"log", static_cast<double>(counted.log)},
             {"flushes", static_cast<double>(counted.flushes)},
             {"merges", static_cast<double>(counted.merges)}};
  w.kernel = process_io::now().since(before);
  w.check();
  return std::pair(std::move(w), settings);
}

} // namespace

outcome write_amp(const options& options) {
  outcome o;
  const scratch_directory scratch(options);
  const std::uint64_t concepts = options.scaled(1'000'000);
  const written ours = write_memory(options, scratch.at("memory"), concepts);
  const auto theirs = write_peer(options, scratch.at("peer"), concepts, true);
  const auto plain = write_peer(options, scratch.at("plain"), concepts, false);
  constexpr const char* unit = "bytes a byte learned";

  row all{"written", ours.bytes() / ours.learned, unit};
  if (theirs) {
    all.baseline = theirs->first.who;
    all.baseline_value = theirs->first.bytes() / theirs->first.learned;
    all.bar = ratio_at_most(1);
  }
  o.rows.push_back(std::move(all));
  for (const part& p : ours.parts) {
    row r{p.name, p.bytes / ours.learned, unit};
    if (theirs)
      for (const part& q : theirs->first.parts)
        if (q.name == p.name) {
          r.baseline = theirs->first.who;
          r.baseline_value = q.bytes / theirs->first.learned;
        }
    o.rows.push_back(std::move(r));
  }
  row dirty{"pages written, by the system's count", ours.kernel.to_disk / ours.learned, unit};
  if (theirs) {
    dirty.baseline = theirs->first.who;
    dirty.baseline_value = theirs->first.kernel.to_disk / theirs->first.learned;
  }
  o.rows.push_back(std::move(dirty));
  if (plain)
    o.rows.push_back({"written", ours.bytes() / ours.learned, unit,
                      plain->first.who + " without compression",
                      plain->first.bytes() / plain->first.learned});
  o.notes = {std::to_string(concepts)
               + " concepts of 150 to 250 bytes of words, every fourth with "
                 "a name, no vectors; then as many that replace one of "
                 "them, in batches of 1,000; on "
               + scratch.file_system(),
             "learned: " + std::to_string(static_cast<std::uint64_t>(ours.learned))
               + " bytes of ids or names, contents, strength and confidence",
             "ours: default settings, until it is closed and nothing is left to merge; every byte "
             "handed to the system, checked against the system's own count"};
  if (theirs)
    o.notes.push_back(theirs->first.who + ": " + theirs->second
                      + "; log, flushes and merges by its statistics, checked likewise; what its "
                        "memtable holds at the end is in its log alone");
  else
    o.notes.emplace_back("RocksDB is left out: it was not there to build with");
  return o;
}

} // namespace cmem::bench
