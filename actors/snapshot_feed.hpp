#pragma once
// Who gets the newest snapshot by mail.

#include "messages/interfaces.hpp"

#include <memory>
#include <vector>

namespace cmem {

/// Subscribers and their cells. Belongs to the memory, not to the reconciler, so that a reconciler
/// spawned again goes on where the last one ended. Threads: guarded by its owner; see memory_core.
class snapshot_feed {
public:
  /// Adds a subscriber, and sends it `current`. Adding one twice changes nothing.
  void add(const snapshot_subscriber& who, const snapshot_handle& current);
  void remove(const caf::actor_addr& who);
  /// Puts the newest into every cell, and tells those whose cell was empty.
  void publish(const snapshot_handle& newest);

  [[nodiscard]] std::vector<snapshot_subscriber> subscribers() const;

private:
  struct entry {
    snapshot_subscriber who;
    std::shared_ptr<snapshot_cell> cell;
  };

  static void deliver(const entry& e, const snapshot_handle& h);

  std::vector<entry> entries_;
};

} // namespace cmem
