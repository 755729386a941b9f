#pragma once
// How the newest snapshot reaches an actor without a queue of old ones building up in its mailbox.

#include "storage/read_view.hpp"

#include <atomic>
#include <memory>

namespace cmem {

/// Holds at most one snapshot handle: the newest that its reader has not taken. The reconciler puts
/// every snapshot in, and sends a message only when it found the cell empty; so a slow reader has
/// at most one message waiting, what waits is never old, and the only old snapshot it pins is the
/// one it works with. Threads: put() and take() from any thread, lock-free.
class snapshot_cell {
public:
  snapshot_cell() = default;
  ~snapshot_cell() { delete newest_.load(std::memory_order_relaxed); } // nobody else is left
  snapshot_cell(const snapshot_cell&) = delete;
  snapshot_cell& operator=(const snapshot_cell&) = delete;

  /// Replaces what waits. True when nothing did: then the reader must be told.
  bool put(snapshot_handle h) {
    auto fresh = std::make_unique<snapshot_handle>(std::move(h));
    // Release pairs with the acquire of take(); acquire with the release of an earlier put().
    const std::unique_ptr<snapshot_handle> stale(
      newest_.exchange(fresh.release(), std::memory_order_acq_rel));
    return stale == nullptr;
  }

  /// What waits, or an empty handle.
  [[nodiscard]] snapshot_handle take() {
    const std::unique_ptr<snapshot_handle> waiting(
      newest_.exchange(nullptr, std::memory_order_acq_rel)); // pairs with put()
    return waiting ? std::move(*waiting) : snapshot_handle{};
  }

private:
  std::atomic<snapshot_handle*> newest_{nullptr}; // owned; swapped by put() and take()
};

} // namespace cmem
