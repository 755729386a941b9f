#pragma once
// A write log with all it needs, and verbs that make tests short.

#include "storage/arena.hpp"
#include "storage/payload_pool.hpp"
#include "storage/write_log.hpp"
#include "tests/catch.hpp"

#include <atomic>
#include <optional>
#include <string>

namespace cmem::test {

class log_fixture {
public:
  explicit log_fixture(std::size_t capacity, overflow_policy policy = overflow_policy::drop_oldest,
                       std::size_t arena_bytes = std::size_t{1} << 30)
    : memory(arena_bytes), pool(memory) {
    log.emplace(pool, write_log_options{.capacity = capacity,
                                        .overflow = policy,
                                        .memory_tag = 7,
                                        .on_wake = [this] { wakes.fetch_add(1); }});
  }

  /// Appends an entry labelled `time`.
  result<ticket> append(timestamp_us time) { return log->append(op::record_access{"x"}, time); }
  /// Appends entries labelled first … last.
  void append(timestamp_us first, timestamp_us last) {
    for (timestamp_us t = first; t <= last; ++t)
      REQUIRE(append(t));
  }
  result<ticket> append_batch(std::size_t entries, timestamp_us time) {
    return log->append_batch(std::vector<write_op>(entries, op::record_access{"x"}), time);
  }
  result<ticket> append_together(std::size_t entries, timestamp_us time) {
    return log->append_together(std::vector<write_op>(entries, op::record_access{"x"}), time);
  }
  /// Drains, releases, and prints the labels; a batch as label×entries.
  std::string drain(std::size_t entries_max = 1'000'000) {
    std::string text;
    drained_batch batch;
    log->drain_batch(entries_max, batch);
    for (const handle h : batch.entries) {
      const write_entry& e = log->entry(h);
      text.append(text.empty() ? "" : " ").append(std::to_string(e.time));
      if (e.batch_count != 1)
        text.append("x").append(std::to_string(e.batch_count));
    }
    drained += batch.entry_count;
    log->release(batch);
    return text;
  }
  /// Counters as one line.
  [[nodiscard]] std::string counters() const {
    const auto c = log->counters();
    return "written " + std::to_string(c.written) + " dropped " + std::to_string(c.dropped)
           + " rejected " + std::to_string(c.rejected) + " pending " + std::to_string(c.pending);
  }
  [[nodiscard]] bool balances() const {
    const auto c = log->counters();
    return c.written == drained + c.dropped + c.pending;
  }

  arena memory;
  payload_pool pool;
  std::atomic<int> wakes = 0;
  std::optional<write_log> log;          // optional, so that a test may end it
  std::uint64_t drained = 0;             // entries
  std::atomic<std::uint64_t> drains = 0; // calls, for those who wait for room
};

} // namespace cmem::test
