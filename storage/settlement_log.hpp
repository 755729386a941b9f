#pragma once
// What became of each writer's entries (W2, W4).

#include "storage/ticket.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

namespace cmem {

/// What one snapshot knows of all tickets. Immutable, shared by the snapshots it holds for.
struct settlements {
  /// Entries [first, last] of a writer that were not applied.
  struct run {
    std::uint32_t writer;
    errc reason; ///< `dropped`, or why it failed
    std::uint64_t first;
    std::uint64_t last;
  };

  std::uint32_t memory = 0;                     ///< tag of the memory whose tickets these are
  std::vector<std::uint64_t> settled;           ///< by writer: numbers <= this have met their fate
  std::shared_ptr<const std::vector<run>> runs; ///< sorted by writer, then first
  std::shared_ptr<const std::vector<std::uint64_t>>
    passed; ///< by writer: numbers <= this may be in runs forgotten

  [[nodiscard]] settlement of(const ticket& t) const noexcept;
};

/// Sees the entries of each writer come in order and so knows which were dropped: those whose
/// numbers are missing. Remembers the last `history` runs of entries that were not applied.
/// Threads: the reconciler alone.
class settlement_log {
public:
  settlement_log(std::size_t history, std::uint32_t memory_tag)
    : history_(history), memory_tag_(memory_tag) {}

  /// The next entry of its writer was drained and will be settled with this batch.
  void saw(std::uint32_t writer, std::uint64_t number);
  /// It was not applied. Precondition: saw() it, in this batch.
  void failed(std::uint32_t writer, std::uint64_t number, errc reason);
  /// All entries of `writer` up to `number` have left the log: those not seen were dropped.
  void left(std::uint32_t writer, std::uint64_t number);

  /// Something was seen since the last publish().
  [[nodiscard]] bool changed() const noexcept { return changed_; }
  [[nodiscard]] std::shared_ptr<const settlements> publish();

private:
  void add(std::uint32_t writer, std::uint64_t first, std::uint64_t last, errc reason);
  void room_for(std::uint32_t writer);

  std::size_t history_;                // const: runs
  std::uint32_t memory_tag_;           // const
  std::vector<std::uint64_t> settled_; // by writer
  std::vector<std::uint64_t> passed_;  // by writer
  std::deque<settlements::run> runs_;  // in order of arrival
  bool changed_ = false;
  bool runs_changed_ = true;
  std::shared_ptr<const settlements> published_;
};

} // namespace cmem
