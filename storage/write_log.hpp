#pragma once
// The bounded, lock-free log that every write goes through (W1–W4, W8).

#include "storage/payload_pool.hpp"
#include "storage/records.hpp"
#include "storage/result.hpp"
#include "storage/thread_slots.hpp"
#include "storage/ticket.hpp"
#include "storage/write_entry.hpp"

#include <boost/lockfree/queue.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace cmem {

/// Threads that may append to one log at the same time; a thread that ended does not count.
inline constexpr std::size_t writers_max = 1024;

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

/// Entries in hand, in log order. Each element is the first entry of a batch (see
/// write_entry::next). The batch belongs to whoever drained it; release it with
/// write_log::release().
struct drained_batch {
  std::vector<handle> entries;  ///< first entries
  std::size_t entry_count = 0;  ///< with the members of batches
  timestamp_us oldest_time = 0; ///< of the first entry, 0 when empty
};

/// FIFO for each writer, and in one total order: the order of application (W2).
/// Arguments are valid already (validate.hpp); the log stores, it does not judge.
/// Threads: append*(), wake(), close() and the figures from any thread, lock-free, no system call,
/// save that one wake and a thread's first append. drain_batch() and release() from one thread at a
/// time (the reconciler).
/// Algorithm: boost::lockfree::queue (Michael & Scott 1996) of pooled entries. Its nodes are made
/// up front, for `fixed_sized` queues end at 65,534 elements. Boost tells a node's lives apart by
/// 16 bits: a thread that stops for a multiple of 65,536 queue operations between the few
/// instructions of taking a free node, and then finds the same node on top with another behind it,
/// corrupts the queue. Possible, not seen.
class write_log {
public:
  /// `pool` outlives the log.
  /// Precondition: capacity in [1, log_capacity_max].
  write_log(payload_pool& pool, write_log_options options);
  /// Gives back what was not drained. No append is under way.
  ~write_log();
  write_log(const write_log&) = delete;
  write_log& operator=(const write_log&) = delete;

  /// Appends one operation. Fails: overloaded (W3), out_of_memory (arena used up), closed,
  /// limit_exceeded (writers_max). A refused one leaves nothing behind and takes no number. The
  /// details of the first three are short, so that refusing costs no malloc.
  template <class Op> // any of op::, or a write_op
  result<ticket> append(const Op& o, timestamp_us now);
  /// Many operations as one entry with one ticket: dropped together, drained together (W8).
  /// Fails also (invalid_argument) when empty, (overloaded) when larger than the capacity.
  result<ticket> append_batch(std::span<const write_op> ops, timestamp_us now);
  /// Many operations that are dropped together and drained together, and are entries of their own
  /// otherwise: each has a ticket, numbered from the returned one on. Fails as append_batch() does.
  result<ticket> append_together(std::span<const write_op> ops, timestamp_us now);

  /// The two most used, by name.
  result<ticket> append_concept(const op::learn_concept& o, timestamp_us now) {
    return append(o, now);
  }
  result<ticket> append_association(const op::learn_association& o, timestamp_us now) {
    return append(o, now);
  }

  /// Takes up to `entries_max` (>= 1) entries; a batch is never split, nor is what was appended
  /// together: one larger than that comes alone. Adds to `out`, which must be empty.
  void drain_batch(std::size_t entries_max, drained_batch& out);
  /// Gives entries and the payloads they still own back to the pool, and empties `batch`.
  void release(drained_batch& batch) noexcept;

  /// Calls on_wake, if it was not called since the last drain began.
  void wake();
  /// From here on append answers `closed`. What is queued stays to be drained. An append that
  /// is under way may still get in: appends_in_flight() says when no more can.
  void close() noexcept;
  /// After close(): false means that every append that got in is queued (or drained), and no other
  /// will be. Before it, a glimpse.
  [[nodiscard]] bool appends_in_flight() const noexcept;

  /// written = drained + dropped + pending, when nobody appends or drains.
  [[nodiscard]] write_log_counters counters() const noexcept;
  /// Tickets of what was ever pushed (started) and ever popped (finished). If
  /// popped() >= a value of pushed() read after an append returned, its entry has left the queue.
  [[nodiscard]] std::uint64_t pushed() const noexcept;
  [[nodiscard]] std::uint64_t popped() const noexcept;
  /// Whether the ticket was given out here.
  [[nodiscard]] bool issued(const ticket& t) const noexcept;
  /// What drain_batch() popped and keeps for the next one, not yet counted by popped(); nullptr
  /// when there is none. For the thread that drains.
  [[nodiscard]] const write_entry* carried() const noexcept {
    return carried_.first == 0 ? nullptr : &entry(carried_.first);
  }
  /// Time of the oldest entry still queued or a little before it, 0 when there is none; for
  /// reconciliation lag (R7). Exactly: of the first entry since the log was last empty, or of the
  /// last one that was drained or dropped since. Never later than the oldest entry's, as far as the
  /// writers' clocks agree.
  [[nodiscard]] timestamp_us oldest_pending() const noexcept;

  [[nodiscard]] const write_entry& entry(handle h) const noexcept {
    return *reinterpret_cast<const write_entry*>(pool_.data(h));
  }
  [[nodiscard]] write_entry& entry(handle h) noexcept {
    return *reinterpret_cast<write_entry*>(pool_.data(h));
  }

private:
  // A thread's own. Counters are written by it alone and summed by figures.
  struct alignas(128) writer_slot {
    writer_slot() noexcept {}            // (= default would have to wait for the end of write_log)
    std::uint32_t number = 0;            // set by thread_slots
    std::atomic<bool> in_flight = false; // between admission and push
    std::uint64_t last_ticket = 0;       // the owner's; goes on over owners
    std::atomic<std::uint64_t> written = 0;  // entries
    std::atomic<std::uint64_t> dropped = 0;  // entries
    std::atomic<std::uint64_t> rejected = 0; // entries
    std::atomic<std::uint64_t> pushed = 0;   // tickets, counted before the push
    std::atomic<std::uint64_t> popped = 0;   // tickets, counted after the pop
  };
  struct element { // of the queue
    handle first;
    std::uint32_t entries;
  };
  enum class admission : std::uint8_t { admitted, crossed_half, full, closed };

  static constexpr std::uint64_t closed_bit = std::uint64_t{1} << 63;

  /// A chain of entries, each numbered as `several` says, pushed as one element.
  enum class chained : std::uint8_t { as_batch, together };
  result<ticket> append_chain(std::span<const write_op> ops, timestamp_us now, chained how);
  [[nodiscard]] std::uint32_t tickets_of(const element& e) const noexcept;
  void carry(const element& e) noexcept;
  /// Precondition: room for its tickets.
  void take(const element& e, std::vector<handle>& out) noexcept;
  result<ticket> push(writer_slot& slot, element e, timestamp_us now);
  result<ticket> refuse(admission why, writer_slot& slot, std::size_t entries);
  [[nodiscard]] admission glance(std::size_t entries) const noexcept;
  admission admit(writer_slot& slot, std::size_t entries, timestamp_us now) noexcept;
  bool drop_one(writer_slot& slot) noexcept;
  bool pop(element& e) noexcept;

  payload_pool& pool_;
  const write_log_options options_;
  boost::lockfree::queue<element> queue_; // elements own their entries
  thread_slots<writer_slot> slots_;

  // Entries admitted and not yet popped, and closed_bit. Never less than what is queued.
  alignas(64) std::atomic<std::uint64_t> pending_ = 0;
  std::atomic<timestamp_us> oldest_ = 0; // see oldest_pending()
  std::atomic<bool> woken_ = false;      // on_wake was called since the last drain began

  alignas(64) element carried_ = {0, 0}; // reconciler: popped, but too large for the batch it ended
  std::atomic<std::uint64_t> carried_entries_ = 0; // its size, for figures
  std::atomic<std::uint64_t> drained_tickets_ = 0; // written by the reconciler
};

} // namespace cmem
