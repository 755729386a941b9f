#pragma once
// What stands between the reconciler, which never waits for the disk, and the write-ahead log.

#include "storage/durability.hpp"
#include "storage/manifest.hpp"
#include "storage/records.hpp"
#include "storage/segment_writer.hpp"
#include "storage/ticket.hpp"
#include "storage/wal_writer.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace cmem {

struct durable_log_options {
  durability level = durability::interval;
  /// Once so much waits for the disk, full() is true (D1).
  std::uint64_t waiting_bytes_max = std::uint64_t{64} << 20;
  /// commit() should be called now, from another thread. Called from any thread, once until the
  /// next commit; must not block or throw. Empty: the owner's timer does.
  std::function<void()> on_commit_due = {};
};

struct durable_log_figures {
  std::uint64_t durable_sequence = 0; ///< a batch may be on the disk just before it is shown
  std::uint64_t waiting_bytes = 0;    ///< handed over and not yet written
  std::uint64_t appended_bytes = 0;   ///< of payloads, since the log was opened
  std::uint64_t syncs = 0;            ///< since then
  timestamp_us last_sync = 0;         ///< when the last one ended, 0: never
  std::uint64_t last_sync_us = 0;     ///< how long it took, with the write before
  std::uint64_t files = 0;            ///< that hold log
  std::uint64_t checkpoint = 0;       ///< entries up to here are in segments
  std::uint64_t segments = 0;
  std::uint64_t segment_bytes = 0;
  std::uint64_t oldest_segment_bytes = 0; ///< part of it
  std::uint64_t flushes = 0;              ///< since the store was opened
  std::uint64_t flushed_bytes = 0;        ///< of segments that flushes wrote, since then
  std::uint64_t compactions = 0;          ///< since then
  std::uint64_t compacted_bytes = 0;      ///< of segments that compactions wrote, since then
  bool read_only = false;                 ///< a write or sync failed (D4)
};

/// Grouped commits: one write and one sync take all that was handed over by then.
/// After a failed write or sync nothing more is stored (D4): acknowledgements stop, and every call
/// that would store answers `read_only` with the first reason. It has no thread of its own.
/// Threads: full(), reserved() and hand_over() from the reconciler; commit() and close() from any
/// thread, one goes at a time, and they wait for the disk; the rest from any thread, under a mutex
/// that nobody holds while waiting for the disk.
class durable_log {
public:
  /// Numbers are reserved so many at a time: a sync of the manifest pays for them.
  static constexpr std::uint64_t reserved_at_once = std::uint64_t{1} << 24;

  struct record {
    std::uint64_t sequence;
    std::vector<std::byte> payload;
  };
  /// Someone who waits for an entry that was applied. Made ahead, so that waiting takes no memory.
  struct waiter {
    std::function<void(result<settlement>)> done;
    std::uint64_t sequence = 0;
    std::unique_ptr<waiter> next = {};
  };

  /// `w` continues the log of the store that `m` describes. Everything up to `sequence` is durable.
  /// Reserves the numbers behind it. Fails as env does.
  static result<std::unique_ptr<durable_log>> open(const env& e, manifest_file m, wal_writer w,
                                                   durable_log_options options,
                                                   std::uint64_t sequence);
  /// Whoever still waits is told `closed`.
  ~durable_log();
  durable_log(const durable_log&) = delete;
  durable_log& operator=(const durable_log&) = delete;

  /// Bytes waiting are at their cap. What is handed over all the same is taken.
  [[nodiscard]] bool full() const noexcept {
    return waiting_bytes_.load(std::memory_order_relaxed) >= options_.waiting_bytes_max;
  }
  /// No sequence beyond it may be shown; the next commit() moves it on.
  [[nodiscard]] std::uint64_t reserved() const noexcept {
    return reserved_.load(std::memory_order_acquire); // pairs with reserve(): it is on the disk
  }
  /// Takes them, all or (std::bad_alloc) none. Sequences grow, and lie within reserved(). After a
  /// failure they are forgotten: who awaits them learns it.
  void hand_over(std::vector<record> records);
  /// An empty buffer, of a record that was written: it has room already.
  [[nodiscard]] std::vector<std::byte> take_buffer();
  /// A commit is due: someone cannot wait for the timer.
  void ask_for_commit();
  /// There is something to commit, or someone asked.
  [[nodiscard]] bool commit_wanted() const noexcept {
    return asked_.load(std::memory_order_relaxed)
           || waiting_bytes_.load(std::memory_order_relaxed) != 0;
  }

  /// Stores what was handed over: synced, or at level `none` handed to the system. Tells those who
  /// wait, on this thread. Answers durable().
  result<std::uint64_t> commit();
  /// A log file should be made ready, so that no commit has to wait for one. Noticed by commits.
  [[nodiscard]] bool wants_file() const noexcept {
    return wants_file_.load(std::memory_order_relaxed);
  }
  /// Makes one while commits go on. A failure breaks nothing: a commit that needs it tries again.
  result<void> make_file_ready();
  /// Of the strengths that are merged from now on. Durable when this returns; after a failure, read
  /// only.
  result<void> set_strength_half_life(timestamp_us h);
  /// What the next segment is to say of itself; whoever writes it fills in the rest. Its number is
  /// given out once.
  [[nodiscard]] segment_identity next_segment();
  [[nodiscard]] std::uint64_t store_id() const noexcept { return store_id_; }
  /// The manifest names `added`, which is on the disk and holds all up to `sequence`; none: nothing
  /// of it changed the graph. The log is synced up to there before, and gives up afterwards what it
  /// held of it. A failure to remove one of its files is answered, and breaks nothing.
  result<void> add_checkpoint(const std::optional<segment_ref>& added, std::uint64_t sequence,
                              timestamp_us time, std::vector<std::string> kinds);
  /// What the manifest names, oldest first.
  [[nodiscard]] std::vector<segment_ref> segments();
  /// The manifest names `made`, which is on the disk, or nothing, in the place of `run`, whose
  /// files are of no use then. Precondition: it names the run, one behind the other.
  result<void> replace_segments(std::span<const segment_ref> run,
                                const std::optional<segment_ref>& made);
  /// What is handed over from now on goes to a fresh file of the log: once what was before is in
  /// segments, remove_used_files() leaves no byte of it.
  result<void> begin_file();
  result<void> remove_used_files();
  /// Nothing more is stored, because of this (D4).
  void fail(const failure& f);

  /// The last commit, synced at any level; then the manifest says that no number beyond what was
  /// handed over was shown. Whoever awaits more is told `closed`.
  result<void> close();

  /// Calls w->done once `sequence` is durable, with `applied`, or with why it will not be:
  /// read_only, closed, or not_durable at level `none`. On this thread if that is known, else on
  /// the committing one. It must not throw, nor call commit() or close().
  void on_durable(std::uint64_t sequence, std::unique_ptr<waiter> w);

  [[nodiscard]] bool broken() const noexcept { return broken_.load(std::memory_order_acquire); }
  /// Why nothing more is stored. Precondition: broken().
  [[nodiscard]] failure refusal() const;
  [[nodiscard]] durable_log_figures figures() const;

private:
  durable_log(env e, manifest_file m, wal_writer w, durable_log_options options,
              std::uint64_t sequence);
  result<void> store(bool synced);
  result<void> append_all();
  result<void> reserve(std::uint64_t up_to);
  result<void> update(manifest next);
  failure break_with(const failure& f);
  void tell(bool all, const result<settlement>& what);

  const env env_;
  const durable_log_options options_;
  const std::uint64_t store_id_;

  std::mutex disk_mutex_; // guards up to the next blank line; held while waiting
  bool ended_ = false;    // by close(): another process may have the files by now
  manifest_file manifest_;
  wal_writer writer_;
  std::uint64_t next_segment_; // above every number that was given out
  std::vector<record> taken_;  // being written
  std::uint64_t taken_last_;   // sequence of the last one ever taken
  write_totals totals_;        // of the store's life; log_bytes: those of earlier processes

  mutable std::mutex mutex_; // guards up to the next blank line
  std::vector<record> waiting_;
  std::vector<std::vector<std::byte>> buffers_; // to be used again
  std::unique_ptr<waiter> waiters_;             // in any order
  std::uint64_t durable_;
  std::optional<failure> broken_by_;
  bool closed_ = false;
  durable_log_figures figures_;

  std::atomic<bool> asked_{false}; // on_commit_due was called since the last commit began
  std::atomic<bool> broken_{false};
  std::atomic<bool> wants_file_{false};
  std::atomic<std::uint64_t> reserved_;
  std::atomic<std::uint64_t> waiting_bytes_{0};
};

} // namespace cmem
