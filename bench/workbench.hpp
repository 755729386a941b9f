#pragma once
// What several benchmarks build on: graphs to write, clocks, and a builder without a thread of its
// own.

#include "bench/bench.hpp"
#include "storage/engine.hpp"
#include "storage/graph_builder.hpp"
#include "storage/write_log.hpp"
#include "tools/random.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace cmem::bench {

template <class T>
T or_throw(result<T> r) {
  if (!r)
    throw std::runtime_error(to_string(r.error()));
  return std::move(*r);
}

/// Id number i of a set whose bits are as random as a hash's.
inline concept_id id_of(std::uint64_t i) {
  tools::random_numbers bits(i * 2 + 1);
  const std::uint64_t high = bits.next();
  return concept_id::from_halves(high, bits.next());
}

/// Seconds since the first call of start().
class stopwatch {
public:
  void start() noexcept { at_ = std::chrono::steady_clock::now(); }
  [[nodiscard]] double seconds() const noexcept {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - at_).count();
  }

private:
  std::chrono::steady_clock::time_point at_ = std::chrono::steady_clock::now();
};

/// Medians of 5 windows of each, which take turns, after one that lets grow what grows at first.
/// For what waits for the disk, or has threads of its own: a window that was preempted counts.
std::vector<double> take_turns(const std::vector<window>& all);

struct edge_pair {
  std::uint32_t source;
  std::uint32_t target;
};

/// `n` pairs of random concepts.
std::vector<edge_pair> random_edges(std::uint32_t concepts, std::size_t n, std::uint64_t seed);
/// `n` edges of a graph with 2^scale vertices and the skew of Graph500 (R-MAT, Chakrabarti et al.
/// 2004: 0.57, 0.19, 0.19, 0.05).
std::vector<edge_pair> rmat_edges(unsigned scale, std::size_t n, std::uint64_t seed);
/// `full` where all is measured, else less: each 1 below halves the graph. At least 8.
[[nodiscard]] unsigned rmat_scale(const options& o, unsigned full = 20);
/// "RMAT scale 20, 16M", of a graph with 16 edges a vertex; "RMAT scale 14, 256K".
[[nodiscard]] std::string rmat_name(unsigned scale);

/// An engine for loading much: large log, `reject`. The caller reconciles.
std::unique_ptr<engine> make_engine(engine_options o = {});
/// Learns concepts [0, n) with content of `content_bytes`, in batches of 10,000.
void learn_concepts(engine& e, std::uint64_t n, std::size_t content_bytes);

/// The parts under an engine, to time a merge without the log around it. One old snapshot may be
/// held. Threads: one.
class builder_rig {
public:
  builder_rig();

  /// Takes what was appended to log() and was not merged yet in hand. Not timed by anyone.
  void drain(std::size_t entries);
  /// Merges what is in hand, publishes, frees what nobody sees. Entries stay in hand.
  void publish();
  /// Gives the entries back and prepares for the next batch, as an engine does between publishes.
  void release();
  /// Holds the newest snapshot from here on.
  void hold() { held_ = builder_.live().back(); }

  write_log& log() noexcept { return log_; }
  payload_pool& payloads() noexcept { return payloads_; }
  [[nodiscard]] const graph_snapshot& newest() const noexcept { return builder_.newest(); }

private:
  arena memory_;
  payload_pool payloads_{memory_};
  page_pool pages_{memory_};
  settlement_log settled_{16, 1};
  graph_builder builder_{pages_, payloads_, {}, settled_.publish()};
  write_log log_;
  drained_batch batch_;
  std::uint64_t sequence_ = 0;
  const graph_snapshot* held_ = nullptr;
};

} // namespace cmem::bench
