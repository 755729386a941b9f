#pragma once
// The bounded, lock-free log that every write goes through (W1–W4, W8).

#include "storage/payload_pool.hpp"
#include "storage/records.hpp"
#include "storage/result.hpp"
#include "storage/ticket.hpp"
#include "storage/write_entry.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace cmem {

/// What append does when the log is full (W3).
enum class overflow_policy : std::uint8_t {
  drop_oldest, ///< discards the oldest entry still queued and counts it
  reject,      ///< refuses the new one with `overloaded`
};

struct write_log_options {
  std::size_t capacity = 100'000; ///< entries, batches counted by what they hold
  overflow_policy overflow = overflow_policy::drop_oldest;
  std::uint32_t memory_tag = 0; ///< goes into tickets
  /// Called by the append that crosses half of the capacity (once until the next drain), and by
  /// wake(). Must not block; may be empty.
  std::function<void()> on_wake = {};
};

struct write_log_counters {
  std::uint64_t written = 0;  ///< entries accepted
  std::uint64_t dropped = 0;  ///< entries discarded by drop_oldest
  std::uint64_t rejected = 0; ///< entries refused as `overloaded`
  std::uint64_t pending = 0;  ///< entries queued, not yet drained
};

/// Entries in hand, in log order. Each element is the first entry of a batch (see write_entry::next).
/// The batch belongs to whoever drained it; release it with write_log::release().
struct drained_batch {
  std::vector<handle> entries;   ///< first entries
  std::size_t entry_count = 0;   ///< with the members of batches
  timestamp_us oldest_time = 0;  ///< of the first entry, 0 when empty
};

/// FIFO for each writer, and in one total order: the order of application (W2).
/// Arguments are valid already (validate.hpp); the log stores, it does not judge.
/// Threads: append*() and counters() from any thread, lock-free, no system call, save that one wake.
/// drain_batch() and release() from one thread at a time (the reconciler).
/// Algorithm: boost::lockfree::queue (Michael & Scott 1996) of pooled entries, nodes reserved.
class write_log {
public:
  write_log(payload_pool& pool, write_log_options options);
  ~write_log();
  write_log(const write_log&) = delete;
  write_log& operator=(const write_log&) = delete;

  /// Appends one operation. Fails: overloaded (W3), out_of_memory (arena used up), closed.
  result<ticket> append(const op::learn_concept& o, timestamp_us now);
  result<ticket> append(const op::learn_association& o, timestamp_us now);
  result<ticket> append(const op::strengthen& o, timestamp_us now);
  result<ticket> append(const op::strengthen_association& o, timestamp_us now);
  result<ticket> append(const op::record_access& o, timestamp_us now);
  result<ticket> append(const op::record_use& o, timestamp_us now);
  result<ticket> append(const op::set_attributes& o, timestamp_us now);
  result<ticket> append(const op::forget_concept& o, timestamp_us now);
  result<ticket> append(const op::forget_association& o, timestamp_us now);
  result<ticket> append(const write_op& o, timestamp_us now);
  /// Many operations as one entry with one ticket: dropped together, drained together (W8).
  /// Fails (invalid_argument) when empty, (overloaded) when larger than the capacity.
  result<ticket> append_batch(std::span<const write_op> ops, timestamp_us now);

  /// The two most used, by name.
  result<ticket> append_concept(const op::learn_concept& o, timestamp_us now) { return append(o, now); }
  result<ticket> append_association(const op::learn_association& o, timestamp_us now) { return append(o, now); }

  /// Takes up to `entries_max` entries (a batch is never split: one larger than that comes alone).
  void drain_batch(std::size_t entries_max, drained_batch& out);
  /// Gives entries and the payloads they still own back to the pool, and empties `batch`.
  void release(drained_batch& batch) noexcept;

  /// Calls on_wake, if it was not called since the last drain.
  void wake() noexcept;
  /// From here on append answers `closed`. What is queued stays to be drained. An append that
  /// is under way may still get in: appends_in_flight() says when no more can.
  void close() noexcept;
  [[nodiscard]] bool appends_in_flight() const noexcept;

  [[nodiscard]] write_log_counters counters() const noexcept;
  /// Log elements ever pushed (started) and ever popped (finished), batches counted once. If
  /// popped() >= a value of pushed() read after an append returned, its entry has left the queue.
  [[nodiscard]] std::uint64_t pushed() const noexcept;
  [[nodiscard]] std::uint64_t popped() const noexcept;
  /// Time of the oldest entry still queued as far as known, 0 when empty; for reconciliation lag (R7).
  [[nodiscard]] timestamp_us oldest_pending() const noexcept;

  [[nodiscard]] const write_entry& entry(handle h) const noexcept;
  [[nodiscard]] write_entry& entry(handle h) noexcept;
};

} // namespace cmem
