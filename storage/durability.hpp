#pragma once
// When what was learned goes to the disk by itself (D1).

#include <cstdint>

namespace cmem {

enum class durability : std::uint8_t {
  none,     ///< handed to the system, synced when the store is closed; awaits answer `not_durable`
  interval, ///< synced at every beat of the owner's timer that finds something, and for an await
  sync,     ///< synced as soon as it is merged
};

} // namespace cmem
