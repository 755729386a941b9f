#pragma once
// The threads that write and read during one phase, and what each of them counts.

#include "tools/histogram.hpp"
#include "tools/scenario.hpp"
#include "tools/scenario_target.hpp"
#include "tools/workload.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace cmem::tools {

/// A write whose visibility is being watched.
struct probe {
  ticket entry;
  std::int64_t appended_ns = 0; ///< before the call
};

/// Probes on their way from a writer to the watcher. Full: the writer skips the probe.
/// Threads: push() for one thread, front() and pop() for one other. Algorithm: Lamport 1983.
class probe_queue {
public:
  bool push(const probe& p) noexcept {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) == probes_.size()) // pairs with pop()
      return false;
    probes_[tail % probes_.size()] = p;
    tail_.store(tail + 1, std::memory_order_release); // pairs with front()
    return true;
  }
  [[nodiscard]] const probe* front() const noexcept {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    return head == tail_.load(std::memory_order_acquire) ? nullptr // pairs with push()
                                                         : &probes_[head % probes_.size()];
  }
  void pop() noexcept {
    head_.store(head_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

private:
  std::vector<probe> probes_{8192};
  alignas(64) std::atomic<std::size_t> tail_{0}; // writer
  alignas(64) std::atomic<std::size_t> head_{0}; // watcher
};

/// Divides a phase into equal stretches for the plot.
struct timeline_grid {
  std::int64_t start_ns = 0;
  std::int64_t point_ns = 1;
  std::size_t points = 1;

  /// The stretch that a moment falls into; moments outside count to the first or last.
  [[nodiscard]] std::size_t at(std::int64_t ns) const noexcept {
    const std::int64_t i = (ns - start_ns) / point_ns;
    return static_cast<std::size_t>(
      std::clamp<std::int64_t>(i, 0, static_cast<std::int64_t>(points) - 1));
  }
};

/// Written by its thread; read by others after that thread was joined, save `done` and `probes`.
struct writer_tally {
  explicit writer_tally(const timeline_grid& grid)
    : by_point(grid.points, 0), staleness_by_point(grid.points) {}

  std::array<histogram, write_kinds> service;
  std::array<histogram, write_kinds> latency;
  histogram staleness; ///< of targets where a write is visible at return
  std::vector<std::uint32_t> by_point;
  std::vector<coarse_histogram> staleness_by_point; ///< as staleness
  std::uint64_t attempts = 0;
  std::uint64_t accepted = 0;
  std::uint64_t rejected = 0;
  std::uint64_t refused = 0;
  std::string refused_first;
  std::atomic<std::uint64_t> done{0}; // live line
  probe_queue probes;
};

struct reader_tally {
  explicit reader_tally(const timeline_grid& grid) : by_point(grid.points * query_kinds) {}

  [[nodiscard]] coarse_histogram& point(std::size_t i, std::size_t kind) noexcept {
    return by_point[i * query_kinds + kind];
  }

  std::array<histogram, query_kinds> service;
  std::array<histogram, query_kinds> latency;
  std::array<std::uint64_t, query_kinds> found{};
  std::vector<coarse_histogram> by_point; ///< latency
  std::atomic<std::uint64_t> done{0};     // live line
};

/// What one thread does in one phase. Borrows everything.
struct thread_task {
  scenario_target& target;
  workload& work;
  const phase& load;
  const timeline_grid& grid;     ///< of the phase
  const std::atomic<bool>& stop; ///< ends the phase early
  std::int64_t start_ns = 0;
  std::int64_t end_ns = 0;
  unsigned thread = 0; ///< of the phase's writers or readers
  std::uint64_t seed = 0;
};

/// Writes until end or stop. A rejected write is not repeated when paced: what was due and is
/// refused was not achieved. Unpaced, the writer steps back for half a millisecond and tries the
/// same again.
void run_writer(const thread_task& task, writer_tally& tally);
/// Queries until end or stop.
void run_reader(const thread_task& task, reader_tally& tally);

} // namespace cmem::tools
