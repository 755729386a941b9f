#pragma once
// The receipt of a write, and what became of it (W2, W4).

#include "storage/result.hpp"

#include <cstdint>

namespace cmem {

/// Names one log entry: the number-th entry of a writer slot of one memory. Tickets of one thread
/// are ordered as it appended. A receipt, not an acknowledgement.
struct ticket {
  std::uint64_t number = 0; ///< 1, 2, 3 … within the writer
  std::uint32_t writer = 0; ///< slot of the thread that appended
  std::uint32_t memory = 0; ///< tag of the memory it belongs to

  friend bool operator==(const ticket&, const ticket&) = default;
};

/// What became of an entry, as far as one snapshot knows.
enum class fate : std::uint8_t {
  pending, ///< not in this snapshot yet
  applied,
  dropped, ///< by the overflow policy
  failed,  ///< refused at the merge: settlement::reason says why
  unknown, ///< another memory's ticket, or the bounded history has passed it
};

struct settlement {
  fate what = fate::pending;
  errc reason = errc::ok; ///< set when failed; `dropped`, `unknown` for those

  friend bool operator==(const settlement&, const settlement&) = default;
};

} // namespace cmem
